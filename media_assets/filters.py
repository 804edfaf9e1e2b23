"""The filters of the two lists. All of them live in the address of the page."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.filtering import THIRTY_DAYS, DatedFilters, ListFilters, first_day_of
from media_assets.models import Connector, Format, Status, Upload
from media_assets.models.querysets import UploadQuerySet
from media_assets.models.texts import folded
from media_assets.search import MOST_TERMS, Search, pieces_of, search_for
from media_assets.selection import Selection, newest_of
from media_assets.widgets import Choices, Line

__all__ = ["THIRTY_DAYS", "HistoryFilters", "LibraryFilters", "UploadFilters", "first_day_of"]

DAY = timedelta(days=1)
LONGEST = 800  # characters of a search, which servers still take in an address when it is encoded
LIVE, SOON, OVER = "live", "soon", "over"
EXPIRY = [
    (LIVE, _("Live")),
    (SOON, _("Expires within 24 hours")),
    (OVER, _("Expired")),
]


def _connectors(request: HttpRequest) -> QuerySet[Connector]:
    connectors: QuerySet[Connector] = roles.connectors_visible_to(request.user)
    return connectors


def _people(request: HttpRequest) -> QuerySet[User]:
    """Who has submitted something that this person may see, and this person, who may yet.

    Asked of batches, which are fewer.
    """
    theirs = roles.batches_visible_to(request.user).filter(submitted_by=OuterRef("pk"))
    return User.objects.filter(Exists(theirs) | Q(pk=request.user.pk)).order_by("username")


def _with_none(
    field: Any, choices: Callable[[], Iterable[tuple[object, str]]]
) -> list[tuple[object, object]]:
    return [("", field.empty_label), *choices()]


def _not_too_many_words(typed: str) -> None:
    if len(pieces_of(typed)) > MOST_TERMS:
        raise ValidationError(
            _("Search for at most %(most)d words at once: take some away."),
            params={"most": MOST_TERMS},
        )


class UploadFilters(ListFilters):
    """What both lists can be narrowed by."""

    q = django_filters.CharFilter(
        method="with_search",
        validators=[_not_too_many_words],
        label=_("Search"),
        widget=Line(
            attrs={
                "type": "search",
                "maxlength": LONGEST,
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
    campaign = django_filters.CharFilter(
        method="by_campaign",
        label=_("Campaign"),
        widget=Line(attrs={"maxlength": Upload._meta.get_field("campaign").max_length}),
    )

    @cached_property
    def form(self) -> forms.Form:
        """With the choices that are loaded anyway, or loaded without making models of them."""
        form: forms.Form = super().form
        for name, choices in self.listed.items():
            field: Any = form.fields[name]
            field.widget.choices = partial(_with_none, field, choices)
        return form

    @property
    def listed(self) -> dict[str, Callable[[], Iterable[tuple[object, str]]]]:
        """By the name of a filter, what gives its choices when they are shown."""
        return {"connector": lambda: ((each.code, str(each)) for each in self.connectors)}

    @cached_property
    def connectors(self) -> list[Connector]:
        """Those whose uploads this person may see."""
        return list(_connectors(self.request).defer("operation__sealed_token"))

    def with_search(self, uploads: UploadQuerySet, _name: str, _value: str) -> UploadQuerySet:
        """Nothing here: how a search is applied depends on what is done with the rows."""
        return uploads

    def by_campaign(self, uploads: UploadQuerySet, _name: str, _value: str) -> UploadQuerySet:
        return uploads.filter(campaign__in=self.campaigns)

    @cached_property
    def campaigns(self) -> list[str]:
        """The campaigns that the filter means: those that it is a part of, written in any way."""
        typed = folded(self.form.cleaned_data.get("campaign") or "")
        return [name for name in Upload.objects.campaigns() if typed in folded(name)]

    @cached_property
    def selection(self) -> Selection:
        """What fits, for a list; nothing when a filter holds a value that does not exist."""
        if not self.is_valid():
            return Selection([])
        if self._newest is not None:
            newest, is_cut = self._newest
            return Selection(newest, self._search, is_partial=is_cut)
        return Selection(self._parts(), self._search, whole=self.qs)

    @property
    def rows(self) -> UploadQuerySet:
        """The same as one queryset, to be read from end to end."""
        if not self.is_valid():
            return self.queryset.none()  # type: ignore[no-any-return]
        uploads: UploadQuerySet = self.qs
        if self._search is None:
            return uploads
        if self._newest is not None:
            near = [Q(pk__in=part.order_by().values("pk")) for part in self._newest[0]]
            uploads = uploads.filter(Q(*near, _connector=Q.OR)) if near else uploads.none()
        return self._search.within(uploads)

    @cached_property
    def _newest(self) -> tuple[list[UploadQuerySet], bool] | None:
        """The newest, to which a search is held that no index helps; None for any other."""
        if self._search is None or self._search.is_indexed:
            return None
        return newest_of(self._parts())

    @cached_property
    def _search(self) -> Search | None:
        typed = self.form.cleaned_data.get("q")
        search = search_for(typed, connectors=self.connectors) if typed else None
        return search if search and search.terms else None

    def _parts(self) -> list[UploadQuerySet]:
        """`qs` in parts that each have an index in the order of the list."""
        uploads: UploadQuerySet = self.qs
        chosen = bool(self.data.get("connector"))
        parts = [uploads] if chosen else roles.parts_visible_to(self.request.user, uploads)
        campaigns = self.campaigns if self.form.cleaned_data.get("campaign") else []
        if not campaigns or len(parts) * len(campaigns) > roles.MOST_PARTS:
            return parts
        return [part.filter(campaign=campaign) for part in parts for campaign in campaigns]


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


class ResultFilters(UploadFilters):
    """By what became of an upload, and by whose it is."""

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

    @property
    def listed(self) -> dict[str, Callable[[], Iterable[tuple[object, str]]]]:
        return {**super().listed, "person": lambda: ((name, name) for name in self.people)}

    @cached_property
    def people(self) -> list[str]:
        return list(_people(self.request).values_list("username", flat=True))


class HistoryFilters(ResultFilters, DatedFilters):
    """What the history can be narrowed by."""
