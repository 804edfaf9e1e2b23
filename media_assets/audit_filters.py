"""The filters of the audit list, with the same `rows`, `selection`, `query`, `active` and `chips`
as those of the history.

A search finds people by any part of their name, objects by their whole code or the beginning of
their name. An index of every part of every name would cost the worker more at each call than the
list is worth (docs/decisions.md, "The audit list is searched by beginnings").
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import django_filters
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.db.models.lookups import IStartsWith
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import actions
from media_assets.filtering import DatedFilters
from media_assets.models import AuditEvent
from media_assets.models.audit import AuditEventQuerySet
from media_assets.models.texts import folded
from media_assets.selection import Selection
from media_assets.widgets import Choices, Line

MOST_PARTS = 100
NEAR, DENSE = 20_000, 50  # so many that begin so among the newest fill a page of the list soon
FEW = 2_000  # events whose object's name begins as searched: fetched first, before other filters


def people() -> list[tuple[str, str]]:
    """Everybody who has done something, also those who have been removed since."""
    return [(name, actions.actor(name)) for name in AuditEvent.objects.values_of("actor_name")]


def people_called(text: str) -> list[str]:
    """Everybody whose name has this in it, as the events name them."""
    typed = folded(text)
    return [name for name, shown in people() if typed in folded(name) or typed == folded(shown)]


def about(text: str) -> Q:
    """Events about what has this code, or a name that begins so.

    Where those are few, by their keys. Many are soon met on the way along the list, which is then
    walked: the names are compared as text in which no index helps, lest they all be sorted.
    """
    kinds = AuditEvent.objects.values_of("object_type")
    coded = Q(object_type__in=kinds, object_code=text.lower())
    named = Q(object_label__istartswith=text)
    found = AuditEvent.objects.filter(named).order_by().values_list("pk", flat=True)
    keys = list(found[: FEW + 1])
    if len(keys) <= FEW:
        return coded | Q(pk__in=keys)
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    walked = Q(IStartsWith(Concat("object_label", Value("")), text))
    near = AuditEvent.objects.filter(walked, pk__gt=newest - NEAR).order_by()[:DENSE]
    return coded | (walked if near.count() == DENSE else named)


class AuditFilters(DatedFilters):
    """What the audit list can be narrowed by."""

    q = django_filters.CharFilter(
        method="apart",
        label=_("Search"),
        widget=Line(
            attrs={
                "type": "search",
                "maxlength": 200,
                "placeholder": _("Person, beginning of a name, or code"),
            }
        ),
    )
    person = django_filters.ChoiceFilter(
        field_name="actor_name",
        choices=people,
        label=_("Person"),
        empty_label=_("Everybody"),
        widget=Choices,
    )
    action = django_filters.ChoiceFilter(
        method="apart",
        choices=actions.choices,
        label=_("Action"),
        empty_label=_("All actions"),
        widget=Choices,
    )

    def apart(self, events: AuditEventQuerySet, _name: str, _value: str) -> AuditEventQuerySet:
        """Nothing here: a list applies it in parts."""
        return events

    @property
    def rows(self) -> AuditEventQuerySet:
        """What fits, to be read from end to end; nothing if a filter's value does not exist."""
        if not self.is_valid():
            return self.queryset.none()  # type: ignore[no-any-return]
        events: AuditEventQuerySet = self.qs
        if self._actions:
            events = events.filter(action__in=self._actions)
        return events.filter(Q(*self._found, _connector=Q.OR)) if self._found else events

    @cached_property
    def selection(self) -> Selection:
        """The same for a list: in parts that each have an index in the order of the list."""
        return Selection(list(self._parts()) if self.is_valid() else [])

    def _parts(self) -> Iterator[Any]:
        if len(self._actions) * len(self._found) > MOST_PARTS:
            yield self.rows
            return
        no_action: list[str | None] = [None]
        no_search: list[Q | None] = [None]
        for action, found in product(self._actions or no_action, self._found or no_search):
            events: QuerySet[AuditEvent] = self.qs
            if action is not None:
                events = events.filter(action=action)
            yield events if found is None else events.filter(found)

    @cached_property
    def _found(self) -> list[Q]:
        """What the search means, as conditions of which no event meets two."""
        if not (text := self.form.cleaned_data.get("q")):
            return []
        names = people_called(text)
        return [*(Q(actor_name=name) for name in names), about(text) & ~Q(actor_name__in=names)]

    @cached_property
    def _actions(self) -> list[str]:
        """The actions that the filter means: one, or all of a subject."""
        value = self.form.cleaned_data.get("action") or ""
        if not value or "." in value:
            return [value] if value else []
        recorded = AuditEvent.objects.values_of("action")
        return [each for each in recorded if each.startswith(f"{value}.")] or [value]

    def _shown(self, name: str, value: str) -> str:
        if name == "action":
            subject = actions.SUBJECTS.get(value)
            return str(subject) if subject else actions.in_words(value) or value
        if name == "person":
            return actions.actor(value) or gettext("nobody")
        return super()._shown(name, value)
