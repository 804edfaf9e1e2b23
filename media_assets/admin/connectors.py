"""Connectors: the rows on their operation's page, and the list of all of them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles, submission
from media_assets.admin import switches
from media_assets.admin.audit import record, record_changes
from media_assets.admin.forms import ConnectorForm, marketing_groups
from media_assets.admin.kept import KeptAdmin, has_history
from media_assets.models import Batch, Connector, Upload

SHOWN_IN_EVENTS = ["name", "connector_id", "groups"]


def usable_by(connector: Connector) -> str | SafeString:
    """The names of its groups, or a mark that no marketing person can use it; "" while new."""
    if connector.pk is None:
        return ""
    names = ", ".join(roles.label_of(group) for group in connector.groups.all())
    if names:
        return names
    return format_html(
        '<span class="mark mark-warning">{}</span>', gettext("No marketing person can use it")
    )


class ConnectorFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    @cached_property
    def group_choices(self) -> list[tuple[Any, str]]:
        """The same for every row: asked for once."""
        return [(group.pk, roles.label_of(group)) for group in marketing_groups()]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "groups" in form.fields:  # not there for who may only look
            form.fields["groups"].choices = self.group_choices
        if "DELETE" in form.fields and getattr(form.instance, "is_kept", False):
            form.fields["DELETE"].widget.attrs.update(
                disabled=True, title=gettext("It has a history: disable it instead.")
            )

    def clean(self) -> None:
        # Before the stock check, which would name every single upload.
        for form in self.initial_forms:
            if form.cleaned_data.get("DELETE") and has_history(form.instance):
                raise ValidationError(
                    _("%(name)s has a history and cannot be deleted. Disable it instead."),
                    params={"name": form.instance},
                )
        super().clean()


class ConnectorInline(admin.StackedInline):  # type: ignore[type-arg]  # likewise
    model = Connector
    form = ConnectorForm
    formset = ConnectorFormSet
    fields = [("name", "connector_id", "is_active"), "groups", "usable_by"]
    readonly_fields = ["usable_by"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        mine = {"connector": OuterRef("pk")}
        kept = Exists(Upload.objects.filter(**mine)) | Exists(Batch.objects.filter(**mine))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(is_kept=kept)
        return rows.prefetch_related("groups")

    @admin.display(description=_("usable by"), empty_value="—")
    def usable_by(self, connector: Connector) -> str | SafeString:
        return usable_by(connector)


def record_rows(request: HttpRequest, formset: Any) -> None:
    """Append an event for each connector that a saved formset has added, changed or removed."""
    for added in formset.new_objects:
        groups = sorted(group.name for group in added.groups.all())
        operation = str(added.operation)
        record(request, "connector.created", on=added, operation=operation, groups=groups)
    changed = {each.pk for each, _names in formset.changed_objects}
    for row in formset.initial_forms:
        if row.instance.pk in changed:
            record_changes(request, row, kind="connector", on=row.instance, shown=SHOWN_IN_EVENTS)
    for gone in formset.deleted_objects:
        record(request, "connector.deleted", on=gone)


class GroupsFilter(admin.SimpleListFilter):
    title = _("groups")
    parameter_name = "usable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Usable by a group")), ("no", _("Usable by nobody in marketing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "no":
            return queryset.filter(groups=None)
        if self.value() == "yes":
            return queryset.exclude(groups=None)
        return queryset


@admin.register(Connector)
class ConnectorAdmin(KeptAdmin):
    """Every connector of every operation. New ones are made on their operation's page."""

    kind = "connector"
    form = ConnectorForm
    fields = ["operation", "name", "connector_id", "is_active", "groups"]
    readonly_fields = ["operation"]
    list_display = ["name", "connector_id", "operation", "is_active", "usable_by"]
    list_filter = ["is_active", GroupsFilter, "operation"]
    list_select_related = ["operation"]
    search_fields = ["name", "connector_id", "operation__name"]
    actions = [switches.action("enable"), switches.action("disable")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("usable by"))
    def usable_by(self, connector: Connector) -> str | SafeString:
        return usable_by(connector)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        columns = [name for name in form.changed_data if name != "groups"]
        if columns:
            obj.save(update_fields=columns)
        record_changes(request, form, kind=self.kind, on=obj, shown=SHOWN_IN_EVENTS)
        submission.wake_workers()
