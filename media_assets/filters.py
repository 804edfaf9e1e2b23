"""The filters of the two lists. All of them live in the address of the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.models import Connector, Format, Status, Upload
from media_assets.models.querysets import UploadQuerySet
from media_assets.models.texts import folded
from media_assets.search import Search, search_for
from media_assets.selection import Selection
from media_assets.widgets import ISO_DAY, Choices, DayInput

MOST_PARTS = 30
DAY = timedelta(days=1)
LIVE, SOON, OVER = "live", "soon", "over"
EXPIRY = [
    (LIVE, _("Live")),
    (SOON, _("Expires within 24 hours")),
    (OVER, _("Expired")),
]
TODAY, WEEK, MONTH, SEVEN_DAYS, THIRTY_DAYS = "today", "week", "month", "7d", "30d"
PERIODS = [
    (TODAY, _("Today")),
    (WEEK, _("This week")),
    (MONTH, _("This month")),
    (SEVEN_DAYS, _("The last 7 days")),
    (THIRTY_DAYS, _("The last 30 days")),
]


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
    """Who has submitted something that this person may see; asked of batches, which are fewer."""
    theirs = roles.batches_visible_to(request.user).filter(submitted_by=OuterRef("pk"))
    return User.objects.filter(Exists(theirs)).order_by("username")


class UploadFilters(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """What both lists can be narrowed by."""

    q = django_filters.CharFilter(
        method="with_search",
        label=_("Search"),
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "maxlength": 2048,
                "placeholder": _("File, label, campaign, connector, batch or handle"),
            }
        ),
    )
    connector = django_filters.ModelChoiceFilter(
        queryset=_connectors,
        to_field_name="code",
        label=_("Connector"),
        empty_label=_("All connectors"),
        widget=Choices,
    )
    campaign = django_filters.CharFilter(method="by_campaign", label=_("Campaign"))

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        """Of a NUL, which no database keeps, it makes a character that is found nowhere."""
        if data is not None:
            data = data.copy()
            for name in self.base_filters:
                if "\0" in data.get(name, ""):
                    data[name] = data[name].replace("\0", "\ufffd")
        super().__init__(data, **kwargs)

    def with_search(self, uploads: UploadQuerySet, _name: str, _value: str) -> UploadQuerySet:
        """Nothing here: how a search is applied depends on what is done with the rows."""
        return uploads

    def by_campaign(self, uploads: UploadQuerySet, _name: str, _value: str) -> UploadQuerySet:
        return uploads.filter(campaign__in=self.campaigns)

    @cached_property
    def campaigns(self) -> list[str]:
        """The campaigns that the filter means: those that it is a part of, written in any way."""
        typed = folded(self.data.get("campaign", "").strip())
        return [name for name in Upload.objects.campaigns() if typed in folded(name)]

    @cached_property
    def selection(self) -> Selection:
        """What fits, for a list; nothing when a filter holds a value that does not exist."""
        if not self.is_valid():
            return Selection([])
        return Selection(list(self._parts()), self._search)

    @property
    def rows(self) -> UploadQuerySet:
        """The same as one queryset, to be read from end to end."""
        if not self.is_valid():
            return self.queryset.none()  # type: ignore[no-any-return]
        uploads: UploadQuerySet = self.qs
        return uploads if self._search is None else self._search.within(uploads)

    @cached_property
    def _search(self) -> Search | None:
        search = search_for(self.form.cleaned_data.get("q") or "", connectors=self._visible)
        return search if search.terms else None

    @cached_property
    def _visible(self) -> list[Connector]:
        return list(_connectors(self.request))

    def _parts(self) -> Iterator[UploadQuerySet]:
        """`qs` in parts that each have an index in the order of the list."""
        connectors: list[int | None] = [None]
        if not roles.may_see_everything(self.request.user) and not self.data.get("connector"):
            connectors = [connector.pk for connector in self._visible]
        campaigns = self.campaigns if self.data.get("campaign") else [None]
        if len(connectors) * len(campaigns) > MOST_PARTS:
            yield self.qs
            return
        for connector, campaign in product(connectors, campaigns):
            part: UploadQuerySet = self.qs
            if connector is not None:
                part = part.filter(connector=connector)
            if campaign is not None:
                part = part.filter(campaign=campaign)
            yield part

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
        choices=Format.choices, label=_("Format"), empty_label=_("All formats"), widget=Choices
    )
    expiring = django_filters.ChoiceFilter(
        choices=EXPIRY,
        method="by_expiry",
        label=_("Expiry"),
        empty_label=_("Any expiry"),
        widget=Choices,
    )
    mine = django_filters.BooleanFilter(
        method="only_mine", label=_("Only mine"), widget=forms.CheckboxInput
    )

    def by_expiry(self, uploads: UploadQuerySet, _name: str, value: str) -> UploadQuerySet:
        if value == OVER:
            return uploads.expired()
        fitting = uploads.expiring(DAY) if value == SOON else uploads.live()
        # they lie close together, and a list must not walk a year to find where they begin
        return fitting.filter(created_at__gte=Upload.objects.first_live())

    def only_mine(self, uploads: UploadQuerySet, _name: str, value: bool) -> UploadQuerySet:
        return uploads.filter(submitted_by=self.request.user) if value else uploads


class HistoryFilters(UploadFilters):
    state = django_filters.ChoiceFilter(
        field_name="status",
        choices=Status.choices,
        label=_("State"),
        empty_label=_("All states"),
        widget=Choices,
    )
    person = django_filters.ModelChoiceFilter(
        field_name="submitted_by",
        queryset=_people,
        to_field_name="username",
        label=_("Person"),
        empty_label=_("Everybody"),
        widget=Choices,
    )
    format = django_filters.ChoiceFilter(
        choices=Format.choices, label=_("Format"), empty_label=_("All formats"), widget=Choices
    )
    period = django_filters.ChoiceFilter(
        choices=PERIODS,
        method="in_period",
        label=_("Period"),
        empty_label=_("Any time"),
        widget=Choices,
    )
    since = django_filters.DateFilter(
        method="from_day", label=_("From"), input_formats=[ISO_DAY], widget=DayInput
    )
    until = django_filters.DateFilter(
        method="to_day", label=_("To"), input_formats=[ISO_DAY], widget=DayInput
    )

    def in_period(self, uploads: UploadQuerySet, _name: str, value: str) -> UploadQuerySet:
        return uploads.filter(created_at__gte=_midnight(first_day_of(value)))

    def from_day(self, uploads: UploadQuerySet, _name: str, value: date) -> UploadQuerySet:
        if value.year == MINYEAR:  # midnight elsewhere may lie before all time
            return uploads
        return uploads.filter(created_at__gte=_midnight(value))

    def to_day(self, uploads: UploadQuerySet, _name: str, value: date) -> UploadQuerySet:
        if value.year == MAXYEAR:  # the day after may lie beyond all time
            return uploads
        return uploads.filter(created_at__lt=_midnight(value + timedelta(days=1)))


def first_day_of(period: str) -> date:
    """The first day of a period that lasts until now, in the person's zone; weeks begin Monday."""
    today = timezone.localdate()
    return {
        TODAY: today,
        WEEK: today - timedelta(days=today.weekday()),
        MONTH: today.replace(day=1),
        SEVEN_DAYS: today - timedelta(days=6),
        THIRTY_DAYS: today - timedelta(days=29),
    }[period]


def _midnight(day: date) -> datetime:
    """The beginning of a day in the person's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
