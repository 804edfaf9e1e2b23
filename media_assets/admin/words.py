"""An operation's state, a permission and an actor in words, for lists and pages."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from media_assets import actions
from media_assets.accounts import invitations
from media_assets.models import AuditEvent, Hold, Operation
from media_assets.words import standing_of

# What roles allow; Django stores the names of permissions in English.
PERMISSIONS: dict[str, Promise] = {
    "submit_upload": gettext_lazy("Submit, retry and renew uploads on the own groups' connectors"),
    "cancel_every_upload": gettext_lazy("Cancel everybody's uploads while they wait"),
    "view_every_upload": gettext_lazy("See the uploads of all connectors"),
    "export_upload": gettext_lazy("Export the history"),
    "view_auditevent": gettext_lazy("Read the audit list"),
    "add_operation": gettext_lazy("Add operations"),
    "change_operation": gettext_lazy("Change operations"),
    "delete_operation": gettext_lazy("Delete operations without a history"),
    "view_operation": gettext_lazy("See operations"),
    "add_connector": gettext_lazy("Add connectors"),
    "change_connector": gettext_lazy("Change connectors"),
    "delete_connector": gettext_lazy("Delete connectors without a history"),
    "view_connector": gettext_lazy("See connectors"),
}


def permission(granted: Permission) -> str:
    return str(PERMISSIONS.get(granted.codename, granted.name))


def actor(event: AuditEvent) -> str:
    """Who did it: a person's name as it was then, or the worker."""
    return event.actor_name if event.actor_id else actions.actor(event.actor_name)


def mark(kind: str, text: str) -> SafeString:
    """A coloured mark; `kind` is good, warning or off."""
    return format_html('<span class="mark mark-{}">{}</span>', kind, text)


def moment(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT")


def state(operation: Operation) -> SafeString:
    """Whether anything can be sent, and if not, why and until when."""
    kinds = {Hold.NONE: "good", Hold.INACTIVE: "off"}
    return mark(kinds.get(operation.hold(), "warning"), standing_of(operation))


def signs_in_with(person: User) -> str:
    """How a person gets in, or why they do not yet."""
    if invitations.is_new(person):
        is_open = any(each.is_open for each in person.invitations.all())
        return gettext("Invited") if is_open else gettext("Invited; the link is over")
    owned: Any = person  # django-allauth's table is not known to the types
    kinds = {each.type for each in owned.authenticator_set.all()}
    ways = [
        *([gettext("password")] if person.has_usable_password() else []),
        *([gettext("authenticator app")] if Authenticator.Type.TOTP in kinds else []),
        *([gettext("passkey")] if Authenticator.Type.WEBAUTHN in kinds else []),
        *([settings.OIDC_NAME] if settings.OIDC_ISSUER and owned.socialaccount_set.all() else []),
    ]
    return ", ".join(ways) or "—"


def token(operation: Operation) -> str | SafeString:
    """By which mark people recognise the stored token; the token itself is never shown."""
    if not operation.has_token:
        return "—"
    return format_html('<code class="token-mark">{}</code>', operation.token_mark)


def token_and_age(operation: Operation) -> str | SafeString:
    if operation.token_set_at is None:
        return gettext("None yet")
    return format_html(
        gettext("{mark}, since {since}"),
        mark=token(operation),
        since=moment(operation.token_set_at),
    )
