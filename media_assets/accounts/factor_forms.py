"""The forms of second factors and of a fresh proof, in the product's words and bounds."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
)
from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

# what parsers of credentials raise for what no browser sends
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
LONGEST_CREDENTIAL = 50_000  # characters; one with a long certificate has some thousands


@contextmanager
def malformed_is_refused() -> Iterator[None]:
    """What no browser sends is a wrong key, and no fault of ours."""
    try:
        yield
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error


class CredentialField(forms.JSONField):
    """What a browser says of a passkey, as JSON; anything else is a wrong key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.HiddenInput, **kwargs)

    def bound_data(self, data: Any, initial: Any) -> str:
        """It is never shown again: the next try brings another one."""
        return ""

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        if len(text) > LONGEST_CREDENTIAL or "\\u0000" in text:  # PostgreSQL keeps no NUL
            raise get_adapter().validation_error("incorrect_code")
        with malformed_is_refused():
            return super().to_python(value)


class _CodeInput(forms.TextInput):
    """Six digits of an app, or a longer recovery code."""

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "spellcheck": "false",
            }
        )


def _code_field() -> forms.CharField:
    return forms.CharField(label=_("Code"), max_length=40, widget=_CodeInput())


class CodeForm(AuthenticateForm):  # type: ignore[misc]  # django-allauth has no types
    code = _code_field()


class CodeProofForm(ReauthenticateByCodeForm):  # type: ignore[misc]  # likewise
    code = _code_field()


class PasswordProofForm(ReauthenticateForm):  # type: ignore[misc]  # likewise
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class SetUpAppForm(ActivateTOTPForm):  # type: ignore[misc]  # likewise
    """The secret waits in the session until a code shows that the app has it, sealed there too."""

    PENDING = "pending_app"
    code = _code_field()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        forms.Form.__init__(self, *args, **kwargs)  # django-allauth's own keeps it in the clear
        self.user, session, adapter = user, context.request.session, get_adapter()
        if not self.is_bound or self.PENDING not in session:
            session[self.PENDING] = adapter.encrypt(generate_totp_secret())
        self.secret = adapter.decrypt(session[self.PENDING])

    def clean_code(self) -> str:
        code: str = super().clean_code()
        # a code opens one thing: this one does not sign in afterwards
        if not TOTP(Authenticator(user=self.user))._mark_code_used(code):
            raise get_adapter().validation_error("incorrect_code")
        context.request.session.pop(self.PENDING, None)
        return code


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # likewise
    """Passkeys only: keys that check their person by PIN or fingerprint, and need no name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        required=False,
        help_text=_("So that you know later which device it is on."),
    )
    credential = CredentialField()
    passwordless = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_passwordless(self) -> bool:
        return True

    def clean(self) -> dict[str, Any]:
        with malformed_is_refused():
            cleaned: dict[str, Any] = super().clean()
        return cleaned


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]  # likewise
    name = forms.CharField(label=_("Name"), max_length=60)


class PasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]  # likewise
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        with malformed_is_refused():
            return super().clean_credential()


class PasskeyProofForm(PasskeyForm):
    reauthenticated = True


class PasskeySignInForm(LoginWebAuthnForm):  # type: ignore[misc]  # likewise
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        with malformed_is_refused():
            return super().clean_credential()
