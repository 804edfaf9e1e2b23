"""System checks: a mistake in the settings has an id, a sentence and a hint."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from media_assets import crypto, preflight, roles
from media_assets.accounts import factors
from media_assets.models import search, triggers
from media_assets.wolkvox import servers

LONGEST_LEASE = timedelta(seconds=170)


@register()
def token_keys(**_: Any) -> list[CheckMessage]:
    """E001: without a usable keyring no token can be sealed or opened."""
    try:
        crypto.keyring()
    except crypto.KeyringError as error:
        return [
            Error(
                str(error),
                hint="Each key is what 'manage.py rotate_tokens --new-key' prints, newest first, "
                "in TOKEN_KEYS or one a line in TOKEN_KEYS_FILE.",
                id="media_assets.E001",
            )
        ]
    return []


@register()
def base_url(**_: Any) -> list[CheckMessage]:
    """E002: tokens travel to the real service or to a sandbox on this machine, nowhere else."""
    try:
        servers.check_pattern(settings.WOLKVOX_BASE_URL)
    except ValueError as error:
        return [
            Error(
                f"WOLKVOX_BASE_URL is not acceptable. {error}",
                hint="Leave WOLKVOX_BASE_URL out for the real service, or take the pattern that "
                "'manage.py wolkvox_sandbox' prints, such as "
                "http://127.0.0.1:9000/wv{server}/api/v2/.",
                id="media_assets.E002",
            )
        ]
    return []


@register()
def storage_hosts(**_: Any) -> list[CheckMessage]:
    """E003: only well-formed hosts are probed, and hosts of a sandbox only beside a sandbox."""
    return [
        Error(
            problem,
            hint="STORAGE_HOSTS takes host names with an optional path prefix, separated by "
            "commas, such as storage.googleapis.com/wvox-.",
            id="media_assets.E003",
        )
        for problem in preflight.check_storage_hosts()
    ]


@register()
def demonstration(**_: Any) -> list[CheckMessage]:
    """E004: the people of a demonstration must not reach the real service."""
    if not settings.DEMO or not servers.is_real(settings.WOLKVOX_BASE_URL):
        return []
    return [
        Error(
            "DEMO is on, but WOLKVOX_BASE_URL is the real service.",
            hint="Turn DEMO off, or point WOLKVOX_BASE_URL at a sandbox on this machine.",
            id="media_assets.E004",
        )
    ]


@register()
def delivery(**_: Any) -> list[CheckMessage]:
    """E005: a call ends within its lease, and a lease within three minutes."""
    longest = settings.DELIVERY_START_WITHIN + settings.DELIVERY_DEADLINE
    if longest < settings.DELIVERY_LEASE <= LONGEST_LEASE and settings.DELIVERY_THREADS >= 1:
        return []
    return [
        Error(
            "The DELIVERY_ settings would let two calls be made at once, or none at all.",
            hint="DELIVERY_START_WITHIN + DELIVERY_DEADLINE has to be less than DELIVERY_LEASE, "
            f"DELIVERY_LEASE at most {LONGEST_LEASE.seconds} seconds, DELIVERY_THREADS at least 1.",
            id="media_assets.E005",
        )
    ]


@register()
def second_factors(**_: Any) -> list[CheckMessage]:
    """E020: a word that nobody knows must not mean that nobody needs a second factor."""
    if settings.REQUIRE_MFA in factors.DEMANDS:
        return []
    return [
        Error(
            f"REQUIRE_MFA={str(settings.REQUIRE_MFA)[:20]!r} is not known.",
            hint=f"REQUIRE_MFA takes one of {', '.join(factors.DEMANDS)}.",
            id="media_assets.E020",
        )
    ]


@register()
def sessions(**_: Any) -> list[CheckMessage]:
    """E021: a limit of nothing, or one that is never reached, is a mistake."""
    if timedelta(minutes=1) <= settings.SESSION_IDLE <= settings.SESSION_ABSOLUTE:
        return []
    return [
        Error(
            "SESSION_IDLE and SESSION_ABSOLUTE would end every session at once, or none by idling.",
            hint="Both are seconds: SESSION_IDLE at least 60 and at most SESSION_ABSOLUTE.",
            id="media_assets.E021",
        )
    ]


@register()
def identity_provider(**_: Any) -> list[CheckMessage]:
    """E023: a provider that is named by half would let nobody in, or everybody."""
    if not settings.OIDC_ISSUER:
        return []
    known = set(roles.BY_SLUG)
    wrong = [
        *(["OIDC_CLIENT_ID is missing"] if not settings.OIDC_CLIENT_ID else []),
        *(["OIDC_ROLES is empty"] if not settings.OIDC_ROLES else []),
        *(
            f"{role[:30]!r} is no role"
            for role in settings.OIDC_ROLES.values()
            if role not in known
        ),
        *(["OIDC_ISSUER is not https"] if not _is_safe_issuer(settings.OIDC_ISSUER) else []),
    ]
    if not wrong:
        return []
    return [
        Error(
            f"The settings of the identity provider do not do: {'; '.join(wrong)}.",
            hint="OIDC_ISSUER begins with https://, and OIDC_ROLES maps values of the claim to "
            f"roles, such as team-a=marketing. Roles are {', '.join(sorted(known))}.",
            id="media_assets.E023",
        )
    ]


def _is_safe_issuer(issuer: str) -> bool:
    parts = urlsplit(issuer)
    is_here = parts.hostname in {"127.0.0.1", "localhost"} and not settings.HTTPS
    return bool(parts.hostname) and (parts.scheme == "https" or is_here)


@register()
def mail(**_: Any) -> list[CheckMessage]:
    """E022: invitations come from an address of this installation's own."""
    if not settings.MAIL_IS_SET_UP or settings.DEFAULT_FROM_EMAIL:
        return []
    return [
        Error(
            "EMAIL_URL is set, but MAIL_FROM is not: invitations would come from nobody.",
            hint="Set MAIL_FROM to an address that this mail server may send from.",
            id="media_assets.E022",
        )
    ]


@register()
def limits(**_: Any) -> list[CheckMessage]:
    """E060: a limit below nothing would refuse everything, or nothing."""
    names = ["LIMIT_SUBMITS", "LIMIT_WAITING", "LIMIT_EXPORTS"]
    return [
        Error(
            f"{name} is negative.",
            hint=f"Set {name} to how much one person may do, or to 0 for no limit.",
            id="media_assets.E060",
        )
        for name in names
        if getattr(settings, name) < 0
    ]


@register(Tags.database)
def audit_triggers(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W006: the database itself refuses to change the audit list.

    A warning, because `migrate`, which is the cure, does not run where there is an error.
    """
    return [
        Warning(
            f"The audit list is not protected in the database {alias!r}: "
            f"{', '.join(missing)} missing, switched off or changed.",
            hint="Run 'manage.py migrate', which makes them anew, then 'manage.py verify_audit'.",
            id="media_assets.W006",
        )
        for alias in databases or []
        if (missing := triggers.missing(using=alias))
    ]


@register(Tags.database)
def search_index(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W007: searches look things up and do not read every row, nor miss any."""
    return [
        Warning(
            f"The search has lost a part of its index in the database {alias!r}: "
            f"{', '.join(missing)}.",
            hint="Run 'manage.py migrate', which makes it anew.",
            id="media_assets.W007",
        )
        for alias in databases or []
        if (missing := search.missing(using=alias))
    ]
