"""The form by which an owner invites a person: an address, a role and the groups."""

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.accounts import invitations
from media_assets.admin.forms import GroupsField


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    email = forms.EmailField(
        label=_("Email address"),
        max_length=150,
        widget=forms.EmailInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("Stands for the person until they have chosen a username."),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[
            (slug, roles.LABELS.get(role, _("Owner"))) for slug, role in roles.BY_SLUG.items()
        ],
        widget=forms.RadioSelect,
    )
    groups = GroupsField(
        label=_("Groups"),
        queryset=Group.objects.exclude(name__in=roles.PERMISSIONS),
        required=False,
        help_text=_("On which connectors a marketing person may submit."),
    )

    class Meta:
        model = User
        fields = ["email"]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        there = User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email)).first()
        if there is not None:
            raise ValidationError(
                _("%(name)s has this address already. Open that person and make a new link."),
                params={"name": there},
            )
        return email

    def save(self, commit: bool = True) -> User:
        role = roles.BY_SLUG[self.cleaned_data["role"]]
        self.instance = invitations.new_person(self.cleaned_data["email"], role=role)
        saved: User = super().save(commit)
        return saved

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]  # Django's own hook
        role = Group.objects.filter(name=roles.BY_SLUG[self.cleaned_data["role"]])
        self.instance.groups.set([*self.cleaned_data["groups"], *role])
