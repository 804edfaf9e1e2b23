"""People, for owners only. Nobody types another's password: links let people choose their own."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.accounts import invitations, owners, sessions
from media_assets.admin import words
from media_assets.admin.audit import record, record_held
from media_assets.admin.forms import GroupsField
from media_assets.admin.invitations import InvitationForm
from media_assets.admin.owners import ALL_OWNERS, OwnersOnly
from media_assets.admin.person_tools import PersonTools
from media_assets.admin.proof import ProvenAdmin
from media_assets.models import Invitation

_LAST_OWNER = _("This is the only active owner. Make somebody else an owner first.")


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "is_active", "is_superuser"]
        field_classes = {"username": UsernameField}
        labels = {"is_superuser": _("Owner")}
        help_texts = {
            "is_superuser": _("Owners may do everything, also change people and groups."),
            "groups": _("A role says what a person may do, other groups on which connectors."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stays_owner = cleaned.get("is_active") and cleaned.get("is_superuser")
        if not stays_owner and owners.are_last([self.instance]):
            raise ValidationError(_LAST_OWNER)
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


# What django-allauth keeps is a person's own, and has no pages for others.
admin.site.unregister(User)
for model in list(admin.site._registry):
    if model._meta.app_label in {"account", "mfa", "socialaccount"}:
        admin.site.unregister(model)


@admin.register(User)
class PersonAdmin(ProvenAdmin, PersonTools, OwnersOnly, StockUserAdmin):  # type: ignore[type-arg]  # likewise
    kind = "person"
    form = PersonForm
    add_form = InvitationForm
    add_form_template = "admin/invite.html"
    fieldsets = [
        (None, {"fields": ["username", "signs_in"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Permissions"), {"fields": ["is_active", "groups", "is_superuser"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "role", "groups"]})]
    readonly_fields = ["signs_in", "last_login", "date_joined"]
    list_display = ["username", "in_groups", "signs_in", "is_active", "full_name", "email"]
    list_filter = ["is_active", RoleFilter, ("groups", GroupsFilter)]
    filter_horizontal = []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        provider = ["socialaccount_set"] if settings.OIDC_ISSUER else []
        return rows.prefetch_related("groups", "authenticator_set", "invitations", *provider)

    def why_kept(self, target: Model) -> str:
        if isinstance(target, User) and owners.are_last([target]):
            return gettext("%(name)s is the only active owner.") % {"name": target}
        return super().why_kept(target)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Sequence[Model] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        if len(objs) > 1 and owners.are_last(list(objs)):
            return [], {}, set(), [str(ALL_OWNERS)]
        if request.user in objs:
            return [], {}, set(), [gettext("You cannot delete yourself: ask another owner.")]
        return super().get_deleted_objects(objs, request)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["form_class"] = GroupsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # Saving, and what follows from it

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        person: User = form.instance
        before = _roles_before(form) if change else []
        super().save_related(request, form, formsets, change)
        if not change:
            record_held(request)  # before the event of the invitation, which nothing holds back
            request.link = invitations.invite(request, person)  # type: ignore[attr-defined]  # ours
            return
        self._end_what_is_over(request, person, before=before, changed=form.changed_data)

    def told_of(self, new: User) -> dict[str, Any]:
        groups = sorted(group.name for group in new.groups.all())
        return {"role": ", ".join(roles.roles_of(new)), "groups": groups}

    def _end_what_is_over(
        self, request: HttpRequest, person: User, *, before: list[str], changed: list[str]
    ) -> None:
        after = roles.roles_of(person)
        if before != after:
            change = {"before": ", ".join(before), "after": ", ".join(after)}
            record(request, "person.role_changed", on=person, **change)
        if "is_active" in changed and not person.is_active:
            Invitation.objects.filter(person=person).revoke()
        if before != after or "is_active" in changed or "username" in changed:
            sessions.end_all(person)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.show_link(request, obj, link=request.link)  # type: ignore[attr-defined]  # ours

    @admin.display(description=_("name"), ordering="first_name")
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=_("groups"))
    def in_groups(self, person: User) -> str:
        names = [roles.label_of(group) for group in person.groups.all()]
        return ", ".join([str(_("Owner")), *names] if person.is_superuser else names)

    @admin.display(description=_("signs in with"))
    def signs_in(self, person: User) -> str:
        return words.signs_in_with(person)


def _roles_before(form: Any) -> list[str]:
    """The roles that the person had when the form was loaded, in the order of `roles_of`."""
    names = {group.name for group in form.initial.get("groups", [])}
    is_owner = bool(form.initial.get("is_superuser"))
    return [roles.OWNER] * is_owner + [role for role in roles.PERMISSIONS if role in names]
