"""The filters of the two lists. All of them live in the address of the page."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.models import Connector, Format, Status
from media_assets.models.querysets import UploadQuerySet
from media_assets.preflight.urls import PATH_SAFE

# One line of a handle is at least 191 characters; a browser's search field drops line breaks.
HANDLE_BEGINNING = 120
HANDLE_AT_LEAST = 6  # nearly all of them begin with "4::"
ISO_DAY = "%Y-%m-%d"
NAME_SAFE = PATH_SAFE.replace("%", "")  # names are shown decoded, so a % in one is meant as such
LIVE, SOON, OVER = "live", "soon", "over"
EXPIRY = [
    (LIVE, _("Live")),
    (SOON, _("Expires within 24 hours")),
    (OVER, _("Expired")),
]


class DayInput(forms.DateInput):
    """The browser's own calendar, which speaks ISO in every language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format=ISO_DAY)


@dataclass(frozen=True)
class Chip:
    """An active filter in words, and the query string that leads to the list without it."""

    label: str
    value: str
    query: str


def _connectors(request: HttpRequest) -> QuerySet[Connector]:
    connectors: QuerySet[Connector] = roles.connectors_visible_to(request.user)
    return connectors


def _people(request: HttpRequest) -> QuerySet[User]:
    """Who has submitted something that this person may see."""
    theirs = roles.uploads_visible_to(request.user).filter(submitted_by=OuterRef("pk"))
    return User.objects.filter(Exists(theirs)).order_by("username")


class UploadFilters(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """What both lists can be narrowed by."""

    q = django_filters.CharFilter(
        method="search",
        label=_("Search"),
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "maxlength": 2048,
                "placeholder": _("File, label, campaign, connector or handle"),
            }
        ),
    )
    connector = django_filters.ModelChoiceFilter(
        queryset=_connectors,
        to_field_name="code",
        label=_("Connector"),
        empty_label=_("All connectors"),
    )
    campaign = django_filters.CharFilter(lookup_expr="icontains", label=_("Campaign"))

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        """Of a NUL, which no database keeps, it makes a character that is found nowhere."""
        if data is not None:
            data = data.copy()
            for name in self.base_filters:
                if "\0" in data.get(name, ""):
                    data[name] = data[name].replace("\0", "\ufffd")
        super().__init__(data, **kwargs)

    def search(self, uploads: UploadQuerySet, _name: str, value: str) -> UploadQuerySet:
        fits = (
            Q(file_url__icontains=value)
            | Q(file_url__icontains=quote(value, safe=NAME_SAFE))
            | Q(label__icontains=value)
            | Q(campaign__icontains=value)
            | Q(connector__name__icontains=value)
            | Q(connector__connector_id__icontains=value)
        )
        if len(value) >= HANDLE_AT_LEAST:
            fits |= Q(handle__startswith=value[:HANDLE_BEGINNING])
        return uploads.filter(fits)

    @property
    def rows(self) -> UploadQuerySet:
        """What fits; nothing when a filter holds a value that does not exist."""
        rows: UploadQuerySet = self.qs if self.is_valid() else self.queryset.none()
        return rows

    @property
    def active(self) -> dict[str, str]:
        """The valid filters in force by name, short enough for the audit list."""
        wrong = self.form.errors
        return {name: value[:80] for name, value in self._given().items() if name not in wrong}

    @property
    def query(self) -> str:
        """The filters in force as a query string, without the place in the list."""
        return urlencode(self._given())

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters in force, to be read and taken away one by one."""
        given = self._given()
        return [
            Chip(
                label=str(self.form[name].label),
                value=self._shown(name, value),
                query="?" + urlencode({key: text for key, text in given.items() if key != name}),
            )
            for name, value in given.items()
        ]

    def _given(self) -> dict[str, str]:
        values = {name: self.data.get(name, "") for name in self.filters}
        return {name: value for name, value in values.items() if value}

    def _shown(self, name: str, value: str) -> str:
        cleaned = self.form.cleaned_data.get(name) if self.form.is_valid() else value
        if isinstance(cleaned, bool):
            return gettext("yes") if cleaned else gettext("no")
        if isinstance(cleaned, date):
            return date_format(cleaned, "SHORT_DATE_FORMAT")
        if isinstance(cleaned, Model):
            return str(cleaned)
        choices = dict(getattr(self.form.fields[name], "choices", ()))
        return str(choices.get(value, cleaned))


class LibraryFilters(UploadFilters):
    format = django_filters.ChoiceFilter(
        choices=Format.choices, label=_("Format"), empty_label=_("All formats")
    )
    expiring = django_filters.ChoiceFilter(
        choices=EXPIRY, method="by_expiry", label=_("Expiry"), empty_label=_("Any expiry")
    )
    mine = django_filters.BooleanFilter(
        method="only_mine", label=_("Only mine"), widget=forms.CheckboxInput
    )

    def by_expiry(self, uploads: UploadQuerySet, _name: str, value: str) -> UploadQuerySet:
        now = timezone.now()
        if value == OVER:
            return uploads.filter(handle_expires_at__lte=now)
        if value == SOON:
            return uploads.expiring(timedelta(hours=24))
        return uploads.live()

    def only_mine(self, uploads: UploadQuerySet, _name: str, value: bool) -> UploadQuerySet:
        return uploads.filter(submitted_by=self.request.user) if value else uploads


class HistoryFilters(UploadFilters):
    state = django_filters.ChoiceFilter(
        field_name="status", choices=Status.choices, label=_("State"), empty_label=_("All states")
    )
    person = django_filters.ModelChoiceFilter(
        field_name="submitted_by",
        queryset=_people,
        to_field_name="username",
        label=_("Person"),
        empty_label=_("Everybody"),
    )
    since = django_filters.DateFilter(
        method="from_day", label=_("From"), input_formats=[ISO_DAY], widget=DayInput
    )
    until = django_filters.DateFilter(
        method="to_day", label=_("To"), input_formats=[ISO_DAY], widget=DayInput
    )

    def from_day(self, uploads: UploadQuerySet, _name: str, value: date) -> UploadQuerySet:
        if value.year == MINYEAR:  # midnight elsewhere may lie before all time
            return uploads
        return uploads.filter(created_at__gte=_midnight(value))

    def to_day(self, uploads: UploadQuerySet, _name: str, value: date) -> UploadQuerySet:
        if value.year == MAXYEAR:  # the day after may lie beyond all time
            return uploads
        return uploads.filter(created_at__lt=_midnight(value + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    """The beginning of a day in the person's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
