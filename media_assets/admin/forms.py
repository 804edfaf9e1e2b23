"""The admin's forms for operations and connectors; a token goes in and never comes out again."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from media_assets import crypto, roles
from media_assets.admin.kept import has_history
from media_assets.models import Connector, Operation
from media_assets.wolkvox import servers
from media_assets.wolkvox.client import TOKEN_SHAPE


def marketing_groups() -> QuerySet[Group]:
    """Groups that make sense on a connector: the other two roles cannot submit anything."""
    return Group.objects.exclude(name__in=[roles.SUPERVISOR, roles.CONNECTOR_ADMIN])


def keys_problem() -> str:
    """Why no token may be stored now, as a sentence; "" if nothing is in the way.

    A well-formed key that is not the one that sealed the stored tokens is a wrong key: what it
    sealed would be lost as soon as the right one is back.
    """
    try:
        known = crypto.keyring().ids
        servers.check_pattern(settings.WOLKVOX_BASE_URL)
    except crypto.KeyringError as error:
        return str(error.sentence)
    except ValueError:
        return gettext(
            "The address of wolkvox in the settings is not acceptable, so no token is stored for "
            "it. Ask whoever runs this server to check WOLKVOX_BASE_URL."
        )
    orphans = [
        operation.name
        for operation in Operation.objects.exclude(sealed_token="")
        if _key_id(operation.sealed_token) not in [*known, ""]
    ]
    if not orphans:
        return ""
    return gettext(
        "The key that sealed the stored token of %(names)s is not in TOKEN_KEYS, so no token is "
        "stored until it is back. Ask whoever runs this server. If that key is lost, remove "
        "those tokens first."
    ) % {"names": ", ".join(orphans)}


def _key_id(sealed: str) -> str:
    try:
        return crypto.key_id(sealed)
    except crypto.Unopenable:  # damaged: entering the token again is the remedy
        return ""


class GroupsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # no [] at run time
    """Groups to tick; a role is called by its name in the reader's language."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, group: Any) -> str:
        return roles.label_of(group)


class ShownWhenNeeded(forms.HiddenInput):
    """A checkbox that is not asked for; it never carries an earlier tick along."""

    def format_value(self, value: Any) -> None:
        return None


class OperationForm(forms.ModelForm):  # type: ignore[type-arg]  # likewise
    server = forms.CharField(
        label=_("Server"),
        max_length=300,
        help_text=_("The four digits in wv0042.wolkvox.com. The whole address may be pasted too."),
    )
    forget_token = forms.BooleanField(
        label=_("Yes, change the server and remove the token"),
        required=False,
        widget=ShownWhenNeeded,
    )
    new_token = forms.CharField(
        label=_("New token"),
        required=False,
        # "off" is ignored by browsers, which would then fill in the person's own password
        widget=forms.PasswordInput(
            render_value=False,
            attrs={"autocomplete": "new-password", "spellcheck": "false", "class": "vTextField"},
        ),
        help_text=_(
            "Empty keeps the stored token, which is never shown. If this page comes back with an "
            "error, the token has to be pasted again. In wolkvox Manager: gear, Configuration, "
            "Integrations, Tokens."
        ),
    )

    class Meta:
        model = Operation
        fields = ["name", "server", "max_in_flight", "is_active"]
        # or browsers take it for the name in a sign-in form, because a password field follows
        widgets = {"name": AdminTextInputWidget(attrs={"autocomplete": "off"})}

    def clean_server(self) -> str:
        try:
            return servers.normalise_server(self.cleaned_data["server"])
        except ValueError:
            raise ValidationError(
                _(
                    "Write the server as 0042, wv0042, wv0042.wolkvox.com or as an address "
                    "that begins with https://wv0042.wolkvox.com/."
                )
            ) from None

    @sensitive_variables()
    def clean_new_token(self) -> str:
        token: str = self.cleaned_data["new_token"]
        if not token:
            return ""
        if not TOKEN_SHAPE.fullmatch(token):
            raise ValidationError(
                _(
                    "A token is one run of letters, digits and signs without blanks, at most 512. "
                    "Copy it again from wolkvox Manager."
                )
            )
        problem = keys_problem()
        if problem:
            raise ValidationError(problem)
        return token

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self._leaves_token_behind():
            cleaned["forget_token"] = False
            return cleaned
        self.fields["forget_token"].widget = forms.CheckboxInput()
        if not cleaned.get("forget_token"):
            self.add_error(
                "forget_token",
                _(
                    "The token belongs to wv%(old)s and is removed when the server changes to "
                    "wv%(new)s. Paste the new server's token below, or confirm here."
                )
                % {"old": self.initial["server"], "new": cleaned["server"]},
            )
        return cleaned

    def _leaves_token_behind(self) -> bool:
        """Whether the server changes, and nobody typed a token for the new one."""
        stored = self.initial.get("server")
        return (
            self.instance.has_token
            and self.cleaned_data.get("server", stored) != stored
            and "new_token" not in self.errors
            and not self.cleaned_data.get("new_token")
        )

    def take_token(self) -> str:
        """The new token, once: the form has forgotten it afterwards."""
        token: str = self.cleaned_data.pop("new_token", "")
        return token


class ConnectorForm(forms.ModelForm):  # type: ignore[type-arg]  # likewise
    groups = GroupsField(
        label=_("Groups"),
        queryset=marketing_groups(),
        required=False,
        help_text=_("Marketing people use a connector only through one of its groups."),
    )

    class Meta:
        model = Connector
        fields = ["operation", "name", "connector_id", "is_active", "groups"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number = self.fields.get("connector_id")  # not there for who may only look
        if number and self.instance.pk and self._has_history():
            # Ready handles and queued files belong to this number. A forged value is ignored.
            number.disabled = True
            number.help_text = _(
                "It has been used, so it stays. Another number is another connector."
            )

    def _has_history(self) -> bool:
        asked_for_all: bool | None = getattr(self.instance, "is_kept", None)
        return has_history(self.instance) if asked_for_all is None else asked_for_all

    def clean_connector_id(self) -> str:
        """Where the operation is no field, the stock check for repeats leaves the number out."""
        connector_id: str = self.cleaned_data["connector_id"]
        if "connector_id" not in self.changed_data:
            return connector_id
        same = Connector.objects.filter(
            operation_id=self.instance.operation_id, connector_id=connector_id
        )
        other = same.exclude(pk=self.instance.pk).first()
        if other is not None:
            raise ValidationError(
                _("This operation already has a connector with this number: %(name)s."),
                params={"name": other.name},
            )
        return connector_id
