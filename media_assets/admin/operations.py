"""Operations: their server, their token that is only ever written, and their connectors."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from media_assets import submission
from media_assets.admin import connectors, switches, words
from media_assets.admin.audit import record, record_changes
from media_assets.admin.forms import OperationForm
from media_assets.admin.operation_tools import OperationTools
from media_assets.models import Operation, PauseReason
from media_assets.words import time_of
from media_assets.workload import Workload, workloads

FIGURES = ("in_flight", "waiting", "calls_today")
STORED_FIELDS = ["name", "server", "max_in_flight", "is_active"]


class TokenFilter(admin.SimpleListFilter):
    title = _("token")
    parameter_name = "token"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Stored")), ("no", _("Missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "no":
            return queryset.filter(sealed_token="")
        if self.value() == "yes":
            return queryset.exclude(sealed_token="")
        return queryset


@admin.register(Operation)
class OperationAdmin(OperationTools):
    form = OperationForm
    inlines = [connectors.ConnectorInline]
    list_display = [
        "name",
        "address",
        "state",
        *FIGURES,
        "connector_count",
        "token_mark",
    ]
    list_filter = ["is_active", "paused_reason", TokenFilter]
    ordering = ["name"]  # what is counted has lost its model's
    search_fields = ["name", "server", "connectors__name", "connectors__connector_id"]
    readonly_fields = ["state", *FIGURES, "stored_token"]
    actions = [
        "test_connection",
        "import_connectors",
        *map(switches.action, ["pause", "resume", "enable", "disable"]),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        count = Count("connectors", distinct=True)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(connector_count=count)
        return rows

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """With the figures of all rows at once."""
        changelist = super().get_changelist_instance(request)
        rows: Any = changelist.result_list
        found = workloads(rows)
        for operation in rows:
            operation.workload = found[operation.pk]
        return changelist

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """For a change with the row locked: a worker may be pausing the operation just now."""
        found = super().get_object(request, object_id, from_field)
        if request.method == "POST" and connection.in_atomic_block:
            return Operation.objects.select_for_update(no_key=True).get(pk=found.pk)
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            fields = ["name", "server", "new_token", "max_in_flight"]
        elif self.has_change_permission(request, obj):
            fields = ["name", "server", "forget_token", "stored_token", "new_token"]
            fields += ["max_in_flight", "is_active"]
        else:
            fields = [*STORED_FIELDS, "stored_token"]
        now = [] if obj is None else [(_("Now"), {"fields": ["state", FIGURES]})]
        return [*now, (None, {"fields": fields})]

    @method_decorator(sensitive_post_parameters("new_token"))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        token = form.take_token()
        if change:
            self._save_changes(request, obj, form)
        else:
            obj.save()
            record(request, "operation.created", on=obj, server=obj.server)
        if token:
            obj.set_token(token)
            record(request, "operation.token_set", on=obj, mark=obj.token_mark)
        elif form.cleaned_data["forget_token"]:
            self.clear_token(request, obj, because="server")

    def _save_changes(self, request: HttpRequest, obj: Operation, form: Any) -> None:
        changed = [name for name in form.changed_data if name in STORED_FIELDS]
        if not changed:
            return
        obj.save(update_fields=changed)
        record_changes(request, form, kind=self.kind, on=obj, shown=STORED_FIELDS)
        if "server" in changed and obj.paused_reason == PauseReason.CERTIFICATE:
            # The pause spoke of the old server.
            obj.paused_reason, obj.paused_until = PauseReason.NONE, None
            obj.save(update_fields=["paused_reason", "paused_until"])
            record(request, "operation.resumed", on=obj, because="server")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # a new token, another server or an enabled connector lets go on what waited for it
        submission.wake_workers()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        connectors.record_rows(request, formset)

    def record_deleted(self, request: HttpRequest, target: Operation) -> None:
        for connector in target.connectors.all():
            record(request, "connector.deleted", on=connector, operation=target.name)
        super().record_deleted(request, target)

    @admin.display(description=_("server"), ordering="server")
    def address(self, operation: Operation) -> str:
        return f"wv{operation.server}"

    @admin.display(description=_("state"))
    def state(self, operation: Operation) -> SafeString:
        return words.state(operation)

    @admin.display(description=_("calls in flight"))
    def in_flight(self, operation: Any) -> str:
        figures = {"now": self._workload(operation).in_flight, "most": operation.max_in_flight}
        return gettext("%(now)s of %(most)s") % figures

    @admin.display(description=_("waiting"))
    def waiting(self, operation: Any) -> str:
        found = self._workload(operation)
        number = number_format(found.waiting, force_grouping=True)
        if found.waiting_since is None:
            return number
        figures = {"number": number, "time": time_of(found.waiting_since)}
        return gettext("%(number)s, the oldest since %(time)s") % figures

    @admin.display(description=_("calls today"))
    def calls_today(self, operation: Any) -> str:
        return number_format(self._workload(operation).calls_today, force_grouping=True)

    def _workload(self, operation: Any) -> Workload:
        if not hasattr(operation, "workload"):  # the list has asked for all of them at once
            operation.workload = workloads([operation])[operation.pk]
        found: Workload = operation.workload
        return found

    @admin.display(description=_("connectors"), ordering="connector_count")
    def connector_count(self, operation: Any) -> int:
        return int(operation.connector_count)

    @admin.display(description=_("token"), ordering="token_set_at")
    def token_mark(self, operation: Operation) -> str | SafeString:
        return words.token_and_age(operation)

    @admin.display(description=_("stored token"))
    def stored_token(self, operation: Operation) -> str | SafeString:
        return words.token_and_age(operation)

    @admin.action(description=_("Test connection"), permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._open_for_one(request, queryset, tool="test")

    @admin.action(description=_("Import connectors"), permissions=["change"])
    def import_connectors(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        return self._open_for_one(request, queryset, tool="import")

    def _open_for_one(
        self, request: HttpRequest, queryset: QuerySet[Any], *, tool: str
    ) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return redirect(self.url_of(tool, chosen[0]))
        messages.warning(
            request, _("Choose one operation for this: every call counts towards the daily limit.")
        )
        return None
