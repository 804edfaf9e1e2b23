"""What the admin writes into the audit list, and the list itself, to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from media_assets import actions
from media_assets.admin import words
from media_assets.admin.lists import ListedAdmin
from media_assets.audit_filters import about, people_called
from media_assets.models import AuditEvent
from media_assets.visitors import address_of


def record(request: HttpRequest, action: str, *, on: Model, **data: Any) -> None:
    """Append an event by the signed-in person, from the address of the request.

    Inside `recording_last` at its end; of an object that is deleted until then, as it is now.
    """
    held: list[Any] | None = getattr(request, "held_events", None)
    if held is not None:
        held.append((action, copy(on), data))
        return
    address = address_of(request)
    AuditEvent.objects.record(action, by=request.user, on=on, address=address, **data)


@contextmanager
def recording_last(request: HttpRequest) -> Iterator[None]:
    """A transaction whose events follow all rows that it changes.

    Who records locks their lane: changing a row after that, which another tab of theirs has
    changed and wants to record, would have each wait for the other.
    """
    with transaction.atomic():
        request.held_events = []  # type: ignore[attr-defined]  # ours
        try:
            yield
            record_held(request)
        finally:
            del request.held_events  # type: ignore[attr-defined]  # ours


def record_held(request: HttpRequest) -> None:
    """Append what `record` has held back so far, in its order."""
    held, address = request.held_events, address_of(request)  # type: ignore[attr-defined]  # ours
    for action, on, data in held:
        AuditEvent.objects.record(action, by=request.user, on=on, address=address, **data)
    held.clear()


def record_changes(
    request: HttpRequest,
    form: forms.ModelForm[Any],
    *,
    kind: str,
    on: Model,
    shown: Sequence[str],
) -> None:
    """Append what a saved form has changed: `kind`.enabled or .disabled, and `kind`.changed.

    Only fields of the model are named, and only those in `shown` with their values.
    """
    names = [name for name in form.changed_data if name in _stored_fields(on)]
    if "is_active" in names:
        names.remove("is_active")
        enabled = form.cleaned_data["is_active"]
        record(request, f"{kind}.enabled" if enabled else f"{kind}.disabled", on=on)
    if names:
        record(
            request,
            f"{kind}.changed",
            on=on,
            fields=names,
            before={name: _plain(form.initial.get(name)) for name in names if name in shown},
            after={name: _plain(form.cleaned_data[name]) for name in names if name in shown},
        )


def _stored_fields(target: Model) -> set[str]:
    return {field.name for field in [*target._meta.fields, *target._meta.many_to_many]}


def _plain(value: Any) -> Any:
    """A value as JSON takes it; several objects as their names."""
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, Iterable):
        return sorted(str(each) for each in value)
    return str(value)


class SubjectFilter(admin.SimpleListFilter):
    """By the first part of the action."""

    title = _("subject")
    parameter_name = "subject"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        return list(actions.SUBJECTS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        subject = self.value()
        if not subject:
            return queryset
        recorded = AuditEvent.objects.values_of("action")
        chosen = [action for action in recorded if action.startswith(f"{subject}.")]
        return queryset.filter(action__in=chosen)


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Pages of the newest: neither all of a large table is counted, nor its end looked for.

    The whole list has a page of the product, which goes on by keys.
    """

    MOST = 2_000

    @cached_property
    def count(self) -> int:
        events: Any = self.object_list
        return len(events.order_by().values_list("pk")[: self.MOST])


@admin.register(AuditEvent)
class AuditEventAdmin(ListedAdmin):
    """Read only: events are neither made, changed nor removed by people."""

    list_display = ["when", "actor", "what", "object_label", "address"]
    list_display_links = ["when"]
    list_filter = [SubjectFilter]
    paginator = CappedPaginator
    search_fields = ["actor_name", "object_label", "object_code"]
    sortable_by = ["when"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["when", "actor", "what", "object_label", "code", "address", "details"]
    readonly_fields = ["when", "actor", "what", "code", "details"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """As on the page of the product: through indexes, not by reading every event."""
        if text := search_term.strip():
            queryset = queryset.filter(Q(actor_name__in=people_called(text)) | about(text))
        return queryset, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=_("when"), ordering="id")
    def when(self, event: AuditEvent) -> str:
        return words.moment(event.created_at)

    @admin.display(description=_("who"))
    def actor(self, event: AuditEvent) -> str:
        return words.actor(event)

    @admin.display(description=_("action"))
    def what(self, event: AuditEvent) -> SafeString:
        code = format_html('<small class="event-code">{}</small>', event.action)
        told = actions.in_words(event.action)
        return format_html("{}<br>{}", told, code) if told else code

    @admin.display(description=_("code of what it is about"))
    def code(self, event: AuditEvent) -> str:
        return event.object_code

    @admin.display(description=_("data"))
    def details(self, event: AuditEvent) -> SafeString:
        text = json.dumps(event.data, ensure_ascii=False, indent=2)
        return format_html('<pre class="event-data">{}</pre>', text)
