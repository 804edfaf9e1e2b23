"""People and groups, for owners only: whoever may change people could make themselves anything."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.admin import words
from media_assets.admin.audit import record, record_changes
from media_assets.admin.forms import GroupsField
from media_assets.admin.kept import KeptAdmin

SHOWN_IN_EVENTS = ["groups", "is_superuser", "name"]


class OwnersOnly(KeptAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_owner(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_owner(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request) and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            record_changes(request, form, kind=self.kind, on=form.instance, shown=SHOWN_IN_EVENTS)
            return
        groups = form.cleaned_data.get("groups", [])
        record(
            request,
            f"{self.kind}.created",
            on=form.instance,
            groups=sorted(group.name for group in groups),
        )

    def _is_owner(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser


def are_last_owners(people: Iterable[Model]) -> bool:
    """Whether without these people nobody active would be an owner, and now somebody is."""
    owners = User.objects.filter(is_active=True, is_superuser=True)
    keys = set(owners.values_list("pk", flat=True))
    return bool(keys) and keys <= {person.pk for person in people}


class PersonForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta(UserChangeForm.Meta):
        labels = {"is_superuser": _("Owner")}
        help_texts = {
            "is_superuser": _("Owners may do everything, also change people and groups."),
            "groups": _("A role says what a person may do, other groups on which connectors."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stays_owner = cleaned.get("is_active") and cleaned.get("is_superuser")
        if not stays_owner and are_last_owners([self.instance]):
            raise ValidationError(
                _("This is the only active owner. Make somebody else an owner first.")
            )
        return cleaned


class RoleFilter(admin.SimpleListFilter):
    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Owners"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_superuser=True) if self.value() == "yes" else queryset


class GroupsFilter(admin.RelatedFieldListFilter):
    """The stock filter; roles by their translated names."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(group.pk), roles.label_of(group)) for group in Group.objects.order_by("name")]


admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(OwnersOnly, StockUserAdmin):  # type: ignore[type-arg]  # likewise
    kind = "person"
    form = PersonForm
    add_form = AdminUserCreationForm
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Permissions"), {"fields": ["is_active", "groups", "is_superuser"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "usable_password", "password1", "password2", "groups"],
            },
        ),
    ]
    readonly_fields = ["last_login", "date_joined"]
    list_display = ["username", "first_name", "last_name", "email", "in_groups", "is_active"]
    list_filter = ["is_active", RoleFilter, ("groups", GroupsFilter)]
    filter_horizontal = []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def why_kept(self, target: Model) -> str:
        if isinstance(target, User) and are_last_owners([target]):
            return gettext("%(name)s is the only active owner.") % {"name": target}
        return super().why_kept(target)

    def get_deleted_objects(
        self, objs: Sequence[Model] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        if len(objs) > 1 and are_last_owners(objs):
            sentence = gettext("These are all the active owners. Leave out at least one of them.")
            return [], {}, set(), [sentence]
        return super().get_deleted_objects(objs, request)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["form_class"] = GroupsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if request.method != "POST":
            return super().user_change_password(request, id, form_url)
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            # Back to the same page means that the form contradicted itself.
            here = request.get_full_path()
            if isinstance(response, HttpResponseRedirect) and response.url != here:
                person = self.get_object(request, unquote(id))
                usable = person.has_usable_password()
                record(request, "person.password_set", on=person, usable=usable)
        return response

    @admin.display(description=_("groups"))
    def in_groups(self, person: User) -> str:
        names = [roles.label_of(group) for group in person.groups.all()]
        return ", ".join([str(_("Owner")), *names] if person.is_superuser else names)


@admin.register(Group)
class GroupAdmin(OwnersOnly):
    """Roles come with the product and stay as they are; other groups bundle connectors."""

    kind = "group"
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


def _links(targets: QuerySet[Any], view: str) -> str | SafeString:
    rows = ((reverse(view, args=[each.pk]), each) for each in targets)
    return format_html_join(", ", '<a href="{}">{}</a>', rows) or gettext("None")
