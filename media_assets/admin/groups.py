"""Groups, for owners only: roles come with the product, other groups bundle connectors."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.admin import words
from media_assets.admin.owners import OwnersOnly
from media_assets.admin.proof import ProvenAdmin
from media_assets.models.texts import folded

admin.site.unregister(Group)


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Other groups must not look like roles in lists."""

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if _seen(name) in {
            _seen(str(each)) for role in roles.BY_SLUG.values() for each in _names(role)
        }:
            raise ValidationError(_("This is the name of a role. Choose another one."))
        return name


@admin.register(Group)
class GroupAdmin(ProvenAdmin, OwnersOnly):
    """Roles come with the product and stay as they are; other groups bundle connectors."""

    kind = "group"
    form = GroupForm
    list_display = ["label", "is_role", "people_count", "connector_count"]
    search_fields = ["name"]
    ordering = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people, connectors = Count("user", distinct=True), Count("connectors", distinct=True)
        groups = super().get_queryset(request)
        rows: QuerySet[Any] = groups.annotate(people_count=people, connector_count=connectors)
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["name"]
        if _is_role(obj):
            return ["label", "allowed", "its_people", "its_connectors"]
        return ["name", "its_people", "its_connectors"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_role = isinstance(obj, Group) and _is_role(obj)
        return not is_role and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["label", "allowed", "its_people", "its_connectors"]

    def why_kept(self, target: Model) -> str:
        if isinstance(target, Group) and _is_role(target):
            return gettext("%(name)s is a role and cannot be deleted.") % {
                "name": roles.label_of(target)
            }
        return ""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        label = roles.label_of(self.get_object(request, unquote(object_id)))
        context = {"subtitle": label, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=getattr(admin.ModelAdmin.action_checkbox, "short_description", ""))
    def action_checkbox(self, group: Any) -> SafeString:
        """The stock one reads the stored name out to people who do not see the page."""
        return super().action_checkbox(Group(pk=group.pk, name=roles.label_of(group)))

    @admin.display(description=_("name"), ordering="name")
    def label(self, group: Group) -> str:
        return roles.label_of(group)

    @admin.display(description=_("role"), boolean=True)
    def is_role(self, group: Group) -> bool:
        return _is_role(group)

    @admin.display(description=_("people"), ordering="people_count")
    def people_count(self, group: Any) -> int:
        return int(group.people_count)

    @admin.display(description=_("connectors"), ordering="connector_count")
    def connector_count(self, group: Any) -> int:
        return int(group.connector_count)

    @admin.display(description=_("what it allows"))
    def allowed(self, group: Group) -> str:
        return ", ".join(map(words.permission, group.permissions.all()))

    @admin.display(description=_("people"))
    def its_people(self, group: Group) -> str | SafeString:
        return _links(group.user_set.order_by("username"), "admin:auth_user_change")

    @admin.display(description=_("connectors"))
    def its_connectors(self, group: Any) -> str | SafeString:
        connectors = group.connectors.select_related("operation")
        return _links(connectors, "admin:media_assets_connector_change")


def _is_role(group: Group) -> bool:
    return group.name in roles.PERMISSIONS


def _names(role: str) -> Iterator[str]:
    """A role's name in every language."""
    for language, _name in settings.LANGUAGES:
        with override(language):
            yield str(roles.LABELS.get(role, _("Owner")))
    yield role


def _seen(name: str) -> str:
    """What a reader sees of a name: without what has no width, in one case."""
    return "".join(sign for sign in folded(name) if sign.isprintable()).strip()


def _links(targets: QuerySet[Any], view: str) -> str | SafeString:
    rows = ((reverse(view, args=[each.pk]), each) for each in targets)
    return format_html_join(", ", '<a href="{}">{}</a>', rows) or gettext("None")
