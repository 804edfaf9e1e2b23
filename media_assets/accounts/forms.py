"""The forms by which people say who they are."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.webauthn.internal import auth as webauthn
from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from media_assets.accounts.factor_forms import CredentialField, malformed_is_refused

PROFILE = ("username", "first_name", "last_name")
RESERVED = {"worker", "server"}  # the audit list calls others so
TAKEN = _("This username is taken. Choose another one.")


class SignInForm(forms.Form):
    """A name and a password; each wrong pair gets the same words."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    user: User

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        adapter = get_adapter()
        user = adapter.authenticate(
            self.request, username=cleaned["username"].strip(), password=cleaned["password"]
        )
        if user is None:
            raise adapter.validation_error("username_password_mismatch")
        self.user = user
        return cleaned

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Sign in, or go on to the second factor."""
        login = Login(user=self.user, redirect_url=redirect_url)
        response: HttpResponse = perform_password_login(request, {}, login)
        return response


class InvitationForm(forms.Form):
    """What a link lets a person choose: a username when they are new, a password or a passkey."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    first_name = forms.CharField(
        label=_("First name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    password1 = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=4096,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=4096,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    credential = CredentialField(required=False)

    def __init__(self, *args: Any, person: User, is_new: bool, passkeys: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.person, self.is_new, self.passkeys = person, is_new, passkeys
        if not is_new:
            for name in PROFILE:
                del self.fields[name]
        if not passkeys:
            del self.fields["credential"]

    @property
    def profile(self) -> list[Any]:
        return [self[name] for name in PROFILE if self.is_new]

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        others = User.objects.exclude(pk=self.person.pk).filter(username__iexact=username)
        if others.exists() or username.casefold() in RESERVED:
            raise ValidationError(TAKEN)
        return username

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.passkeys and cleaned.get("credential"):
            self._check_passkey(cleaned["credential"])
            return cleaned
        password = cleaned.get("password1", "")
        if not password:
            self.add_error("password1", _("Choose a password."))
        elif password != cleaned.get("password2"):
            self.add_error("password2", _("The two passwords differ. Type the same one twice."))
        else:
            self._check_password(password)
        return cleaned

    @sensitive_variables()
    def _check_password(self, password: str) -> None:
        known = {name: self.cleaned_data.get(name, "") for name in PROFILE if self.is_new}
        person = User(**{"email": self.person.email, "username": self.person.username} | known)
        try:
            validate_password(password, user=person)
        except ValidationError as error:
            self.add_error("password1", error)

    def _check_passkey(self, credential: dict[str, Any]) -> None:
        if self.errors:
            return  # the browser is asked again with the next try
        with malformed_is_refused():
            webauthn.parse_registration_response(credential)
            binding = webauthn.complete_registration(credential)
        if not binding.is_user_verified():
            raise ValidationError(
                _("This key did not check who you are. Choose one with a PIN or fingerprint.")
            )
