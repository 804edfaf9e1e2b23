"""What the tests of signing in share: codes of an app, and a session's proof grown old."""

import time
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD

ENGLISH = {"accept-language": "en"}


def code_of(secret: str, *, steps: int = 0) -> Any:
    """What an app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def give_app(person: User) -> Any:
    """An authenticator app for a person; its secret."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    return secret


def give_recovery_codes(person: User) -> list[str]:
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    return codes


def give_passkey(person: User) -> Authenticator:
    """One that no browser has: enough for whoever only asks whether there is one."""
    return Authenticator.objects.create(
        user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": {}}
    )


def password_first(person: User, *, client: Client | None = None) -> tuple[Client, Any]:
    """A browser that has sent the right password, and the answer."""
    client = client or Client(headers=ENGLISH)
    values = {"username": person.username, "password": PASSWORD}
    return client, client.post(reverse("login"), values)


def grow_old(client: Client, *, seconds: int = 601) -> None:
    """Let the proof of a session lie so many seconds back."""
    session = client.session
    records = session[AUTHENTICATION_METHODS_SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**record, "at": record["at"] - seconds} for record in records
    ]
    session.save()
