"""System checks: a mistake in the settings has an id, a sentence and a hint."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from media_assets import crypto, preflight
from media_assets.models import triggers
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
