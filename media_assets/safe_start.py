"""What keeps an installation from starting: settings that are not fit for others to reach it.

System checks, which every command runs before its work; the one that looks into the database,
`migrate`, `deliver` and `check --database default` run. A WSGI server runs none, so the application
itself calls `require` before it serves its first request.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseTrouble
from django.db import connections

from media_assets.models import AuditEvent
from media_assets.wolkvox import servers

FILLED = "demonstration.filled"  # the event by which a database is known for ever
SHORTEST_SECRET = 50
FEWEST_CHARACTERS = 10
PLACEHOLDER = re.compile(
    r"insecure|change.?me|change.?this|replace|placeholder|example|your.?(?:secret|key)|"
    r"secret.?key|random characters|^<",
    re.IGNORECASE,
)


def require() -> None:
    """Raises ImproperlyConfigured with all that is wrong, and what to do about each."""
    found = run_checks(include_deployment_checks=True)
    connections["default"].close()  # nobody else would: this thread serves no request
    serious = [issue for issue in found if issue.is_serious() and not issue.is_silenced()]
    if serious:
        lines = (f"- {issue.msg} {issue.hint or ''} ({issue.id})" for issue in serious)
        raise ImproperlyConfigured("\n".join(["This installation does not start:", *lines]))


@register()
def secret_key(**_: Any) -> list[CheckMessage]:
    """E030: whoever can guess the key can sign sessions."""
    key = settings.SECRET_KEY
    is_long = len(key) >= SHORTEST_SECRET and len(set(key)) >= FEWEST_CHARACTERS
    if settings.DEMO or (is_long and not PLACEHOLDER.search(key)):
        return []
    return [
        Error(
            "SECRET_KEY is short, or one that stands in examples: sessions could be forged.",
            hint="Make one with python3 -c 'import secrets; print(secrets.token_urlsafe(50))'.",
            id="media_assets.E030",
        )
    ]


@register()
def debug(**_: Any) -> list[CheckMessage]:
    """E031: error pages with variables are for whoever sits at the machine."""
    if settings.DEMO or not settings.DEBUG:
        return []
    return [
        Error(
            "DEBUG is on: error pages would show source code and variables to everybody.",
            hint="Take DEBUG out of the environment and .env. To work on the code, set DEMO=true "
            "and point WOLKVOX_BASE_URL at a sandbox on this machine.",
            id="media_assets.E031",
        )
    ]


@register()
def allowed_hosts(**_: Any) -> list[CheckMessage]:
    """E032: links and redirects are made from the name that a browser sends."""
    names = [name.strip() for name in settings.ALLOWED_HOSTS if name.strip(". ")]
    wrong = [name for name in names if re.search(r"://|/|:\d+$", name) and not name.endswith("]")]
    if settings.DEMO or (names and "*" not in names and not wrong):
        return []
    if wrong:
        return [
            Error(
                f"ALLOWED_HOSTS has {wrong[0]}, which no browser sends as a name, so it would get "
                "no answer.",
                hint="List names alone, without https://, port and path: media.example.org.",
                id="media_assets.E032",
            )
        ]
    return [
        Error(
            "ALLOWED_HOSTS allows every name."
            if names
            else "ALLOWED_HOSTS is empty, so no browser would get an answer.",
            hint="List the names under which browsers reach this installation, such as "
            "ALLOWED_HOSTS=media.example.org.",
            id="media_assets.E032",
        )
    ]


@register()
def sandbox(**_: Any) -> list[CheckMessage]:
    """E033: handles of the sandbox do not work, and nobody in production should wait for them."""
    base_url = settings.WOLKVOX_BASE_URL
    if settings.DEMO or servers.is_real(base_url) or not _is_acceptable(base_url):
        return []
    return [
        Error(
            "WOLKVOX_BASE_URL is not the real service, and DEMO is off.",
            hint="Leave WOLKVOX_BASE_URL out for the real service. To try the product with a "
            "sandbox on this machine, set DEMO=true.",
            id="media_assets.E033",
        )
    ]


@register(Tags.database)
def demonstration_database(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """E034: its people have passwords that were printed, and its history is made up."""
    return _demonstration_database() if databases and "default" in databases else []


@register(deploy=True)
def demonstration_database_when_deployed(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """The same for `check --deploy` and for a start, which name no database."""
    return [] if databases else _demonstration_database()


@register()
def demonstration_hosts(**_: Any) -> list[CheckMessage]:
    """E035: a demonstration is reached from its own machine only."""
    outside = [name for name in settings.ALLOWED_HOSTS if not _is_here(name)]
    if not settings.DEMO or not outside:
        return []
    return [
        Error(
            f"DEMO is on, and ALLOWED_HOSTS names {', '.join(outside)[:200]}: its people and "
            "passwords are made up, so nobody else may reach it.",
            hint="Set ALLOWED_HOSTS=127.0.0.1,localhost, or DEMO=false with a database of its own.",
            id="media_assets.E035",
        )
    ]


@register()
def trusted_proxies(**_: Any) -> list[CheckMessage]:
    """E036: which entry of X-Forwarded-For is the visitor's."""
    if settings.TRUSTED_PROXIES >= 1:
        return []
    return [
        Error(
            "TRUSTED_PROXIES is less than 1.",
            hint="Count the proxies in a row that append to X-Forwarded-For, or set "
            "BEHIND_PROXY=false where there is none.",
            id="media_assets.E036",
        )
    ]


def _is_acceptable(base_url: str) -> bool:
    """Otherwise E002 has said what is wrong with it."""
    try:
        servers.check_pattern(base_url)
    except ValueError:
        return False
    return True


def _demonstration_database() -> list[CheckMessage]:
    if settings.DEMO or not _was_filled():
        return []
    return [
        Error(
            "DEMO is off, but the database is a demonstration's: 'manage.py seed_demo' has filled "
            "it with made-up people and printed their passwords.",
            hint="Name an empty database in DATABASE_URL and run 'manage.py migrate'.",
            id="media_assets.E034",
        )
    ]


def _was_filled() -> bool:
    """Whether the audit list says so. A database that is away or empty cannot tell."""
    database = connections["default"]
    name = str(database.settings_dict["NAME"])
    if database.vendor == "sqlite" and not Path(name).is_file():  # to ask would make it
        return False
    try:
        return AuditEvent.objects.filter(action=FILLED).exists()
    except DatabaseTrouble:
        return False


def _is_here(name: str) -> bool:
    """Whether a name means this machine, or one that no browser elsewhere can look up."""
    name = name.strip().rstrip(".").strip("[]")
    if name in {"*", ""} or name.startswith("."):
        return False
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return "." not in name or name.endswith(".localhost")
