"""Second factors: who needs one, how their secrets are kept, and what is recorded."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from allauth.core import context
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import crypto, roles
from media_assets.accounts import sessions
from media_assets.accounts.records import record

DEMANDS = ("off", "admins", "all")
KINDS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes alone are none
PURPOSE = "second factor"
SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}

_LOST = _(
    "This second factor cannot be checked, because the key that sealed it is missing here. Ask "
    "whoever runs this server to check TOKEN_KEYS, or an owner to remove your second factors."
)

# What is needed to set one up, and to leave.
ALLOWED_WITHOUT = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "openid_connect_callback",
    "prove_by_provider",
    "logout",
    "account_logout",
    "set_language",
}


class SecretLost(ValidationError):
    """The stored secret cannot be opened: a sentence on the form that needs it."""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # django-allauth has no types
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This was not accepted: the code or key is wrong, too old, or was used already. "
            "Try again with the next one."
        ),
    }

    def encrypt(self, text: str) -> str:
        try:
            return crypto.seal_text(text, purpose=PURPOSE)
        except crypto.KeyringError as error:
            raise SecretLost(str(error.sentence)) from None

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return crypto.open_text(encrypted_text, purpose=PURPOSE)
        except (crypto.Unopenable, crypto.KeyringError):
            raise SecretLost(_LOST) from None

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        return f"{gettext('Media handles')} ({context.request.get_host()})"

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}


def must_have(person: User | AnonymousUser) -> bool:
    if settings.REQUIRE_MFA == "all":
        return person.is_authenticated
    return settings.REQUIRE_MFA == "admins" and roles.is_admin(person)


def has_one(person: User) -> bool:
    return bool(Authenticator.objects.filter(user=person, type__in=KINDS).exists())


def is_missing(person: User | AnonymousUser) -> bool:
    """Whether this person has to set up a second factor before doing anything else."""
    return isinstance(person, User) and must_have(person) and not has_one(person)


# What has happened: told by the table itself, so that it is recorded in the same transaction on
# whichever page it happens; django-allauth's own signals come after that transaction.


def listen() -> None:
    post_save.connect(_saved, sender=Authenticator, dispatch_uid="factors.saved")
    post_delete.connect(_deleted, sender=Authenticator, dispatch_uid="factors.deleted")
    signals.authentication_failed.connect(_failed, dispatch_uid="factors.failed")


def _saved(*, instance: Authenticator, created: bool, **_: Any) -> None:
    request, person = context.request, instance.user
    if not created or request is None:
        return
    by = person if request.user.is_anonymous else None  # who has just used an invitation
    if instance.type not in KINDS:
        record(request, "person.recovery_codes_made", on=person, by=by)
        return
    if request.user == person:
        sessions.end_others(request, person)  # these had less to prove
    record(request, "person.second_factor_added", on=person, by=by, kind=instance.type)


def _deleted(*, instance: Authenticator, **_: Any) -> None:
    request = context.request
    if request is not None and instance.type in KINDS:  # recovery codes come and go with them
        on = instance.user
        record(request, "person.second_factor_removed", on=on, kind=instance.type)


def _failed(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    by = user if request.user == user else AnonymousUser()
    record(request, "person.second_factor_failed", on=user, by=by, kind=authenticator.type)


# Keys


def reseal(*, newest: str) -> Counter[str]:
    """Bring every secret under the newest key; how many were "new", "resealed" and "lost"."""
    results: Counter[str] = Counter()
    for pk, name in _sealed():
        with transaction.atomic():
            factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if factor is not None:
                results[_reseal(factor, name, newest=newest)] += 1
    return results


def _reseal(factor: Authenticator, name: str, *, newest: str) -> str:
    try:
        text = crypto.open_text(factor.data[name], purpose=PURPOSE)
    except crypto.Unopenable:
        return "lost"
    if crypto.key_id(factor.data[name]) == newest:
        return "new"
    factor.data[name] = crypto.seal_text(text, purpose=PURPOSE)
    factor.save(update_fields=["data"])
    return "resealed"


def keys_in_use() -> tuple[Counter[str], int]:
    """How many secrets each key seals, by the key's id; and how many cannot be opened."""
    found: Counter[str] = Counter()
    lost = 0
    for pk, name in _sealed():
        for data in Authenticator.objects.filter(pk=pk).values_list("data", flat=True):
            try:
                found[crypto.key_id(data[name])] += 1
                crypto.open_text(data[name], purpose=PURPOSE)
            except crypto.Unopenable:
                lost += 1
    return found, lost


def _sealed() -> Iterator[tuple[int, str]]:
    rows = Authenticator.objects.filter(type__in=SECRETS).order_by("pk")
    for pk, kind in list(rows.values_list("pk", "type")):
        yield pk, SECRETS[kind]
