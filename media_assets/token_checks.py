"""System checks of keys and stored tokens: what is wrong with them, and what to do about it.

Those that look into the database are warnings: a worker and a migration have to run all the same.
"""

import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from media_assets import crypto
from media_assets.models import Operation
from media_assets.wolkvox import servers

MOST_NAMES = 5


@register()
def key_of_its_own(**_: Any) -> list[CheckMessage]:
    """E040: whoever learns what signs cookies must not be able to open tokens."""
    if settings.SECRET_KEY.rstrip("=") not in {key.rstrip("=") for key in settings.TOKEN_KEYS}:
        return []
    return [
        Error(
            "SECRET_KEY is one of TOKEN_KEYS.",
            hint="Put what 'manage.py rotate_tokens --new-key' prints in front of TOKEN_KEYS, run "
            "'manage.py rotate_tokens', then take SECRET_KEY out of TOKEN_KEYS and replace it.",
            id="media_assets.E040",
        )
    ]


@register()
def files_of_keys(**_: Any) -> list[CheckMessage]:
    """W043: files with keys are for the one user that runs this."""
    return [
        Warning(
            f"{path} holds keys, and every user of this machine may read or change it.",
            hint=f"Run 'chmod o= {path}'; it has to be readable for the user that runs this.",
            id="media_assets.W043",
        )
        for path in (settings.TOKEN_KEYS_FILE, settings.ENV_FILE)
        if path and _is_open_to_all(Path(path))
    ]


@register(Tags.database)
def stored_tokens(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W040, W041, W042: each stored token opens, and under the newest key."""
    if not _is_usable():
        return []  # E001 or E002
    found: list[CheckMessage] = []
    for alias in databases or []:
        if Operation._meta.db_table in connections[alias].introspection.table_names():
            sealed = Operation.objects.using(alias).exclude(sealed_token="").order_by("name")
            found += _problems_of(sealed)
    return found


def _problems_of(operations: Iterable[Operation]) -> list[CheckMessage]:
    known = crypto.keyring().ids
    gone: dict[str, list[str]] = defaultdict(list)
    older: dict[str, list[str]] = defaultdict(list)
    shut: list[str] = []
    for operation in operations:
        try:
            key = crypto.key_id(operation.sealed_token)
        except crypto.Unopenable:
            shut.append(operation.name)
            continue
        if key not in known:
            gone[key].append(operation.name)
        elif not operation.token_opens():
            shut.append(operation.name)
        elif key != known[0]:
            older[key].append(operation.name)
    return [
        *(_key_gone(key, names) for key, names in gone.items()),
        *(_key_older(key, names) for key, names in older.items()),
        *([_shut(shut)] if shut else []),
    ]


def _key_gone(key: str, names: list[str]) -> CheckMessage:
    return Warning(
        f"The key {key}, which sealed the stored token of {_named(names)}, is not in TOKEN_KEYS. "
        "Nothing is sent for them.",
        hint=f"Put the key {key} back into TOKEN_KEYS, and take a key out only when 'manage.py "
        "rotate_tokens --check' says that it may be removed. If it is lost, remove those tokens in "
        "the administration and enter them again.",
        id="media_assets.W040",
    )


def _key_older(key: str, names: list[str]) -> CheckMessage:
    return Warning(
        f"The stored token of {_named(names)} is sealed under the key {key}, which is not the "
        "first of TOKEN_KEYS.",
        hint="If a new key stands in front, run 'manage.py rotate_tokens'. If keys have changed "
        "places, put the newest first again.",
        id="media_assets.W041",
    )


def _shut(names: list[str]) -> CheckMessage:
    return Warning(
        f"The stored token of {_named(names)} does not open, though nothing is missing: it was "
        "changed or moved there, or belongs to another server or WOLKVOX_BASE_URL. Nothing is "
        "sent for them.",
        hint="Bring server and WOLKVOX_BASE_URL back to what they were, or enter the token again "
        "in the administration. If nobody has changed either, somebody writes to the database.",
        id="media_assets.W042",
    )


def _named(names: list[str]) -> str:
    others = len(names) - MOST_NAMES
    listed = ", ".join(names[:MOST_NAMES])
    return f"{listed} and {others} more" if others > 0 else listed


def _is_usable() -> bool:
    try:
        crypto.keyring()
        servers.check_pattern(settings.WOLKVOX_BASE_URL)
    except (crypto.KeyringError, ValueError):
        return False
    return True


def _is_open_to_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IRWXO)
