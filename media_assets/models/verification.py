"""Whether the audit list is as it was written: read once from end to end, with constant memory.

Events are read in the order of their keys. Those written meanwhile are followed lane by lane to
the heads, so that nobody who writes is kept waiting.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import DataError, OperationalError, connection, transaction

from media_assets.models import digests
from media_assets.models.audit import AuditEvent, AuditEventQuerySet
from media_assets.models.chain import AuditLane

CHUNK = 2_000
TRIES = 30
COLUMNS = (*digests.CONTENT, "lane", "number", "digest")

Lanes = dict[str, tuple[int, str]]  # number and digest of each lane's last event so far


class Broken(Exception):
    """The first event that is not as it was written, in a sentence."""


@dataclass(frozen=True)
class Verified:
    """All is well with so many events; the fingerprint stands for all that they say."""

    count: int
    fingerprint: str


def verify(*, expected: str = "") -> Verified:
    """Read all events. Raises `Broken`, also when they are not those of an `expected` fingerprint.

    Raises ValueError for what is no fingerprint.
    """
    until = int(expected.partition(":")[0]) if expected else None
    last, heads = _settled()
    lanes: Lanes = {}
    count, seen = 0, ""
    for row in _read(AuditEvent.objects.filter(pk__lte=last)):
        if until is not None and not seen and row["id"] > until:
            seen = _fingerprint(until, lanes)
        _follow(row, lanes, heads)
        count += 1
    if until is not None and (seen or _fingerprint(until, lanes)) != expected:
        raise Broken(
            f"The events up to {until} are not those of the fingerprint: since it was made, "
            "somebody with access to the database has written the list anew or cut it off."
        )
    fingerprint = _fingerprint(last, lanes)
    return Verified(count + _follow_to_heads(lanes), fingerprint)


def _follow(row: Mapping[str, Any], lanes: Lanes, heads: Lanes) -> None:
    """Take in the next event of its lane, if it fits."""
    lane, number = row.get("lane"), row.get("number")
    before, digest = lanes.get(lane or "", (0, ""))
    head, _digest = heads.get(lane or "", (0, ""))
    if not isinstance(lane, str) or not isinstance(number, int):
        raise Broken(f"{_name(row)} was changed.")
    if number > head:
        raise Broken(f"{_name(row)} was inserted past the product: its lane ends before it.")
    if number > before + 1:
        raise Broken(
            f"Event number {before + 1} of lane {lane} was removed; "
            f"the next one there is {_name(row)}."
        )
    if number <= before:
        raise Broken(f"{_name(row)} was inserted past the product or moved to another place.")
    try:
        computed = digests.digest_of(digest, lane=lane, number=number, content=row)
    except (ValueError, TypeError, AttributeError):
        computed = ""
    if computed != row["digest"]:
        raise Broken(f"{_name(row)} was changed, or inserted past the product.")
    lanes[lane] = number, computed


def _follow_to_heads(lanes: Lanes) -> int:
    """What was written meanwhile, up to each lane's head; returns how many events."""
    newer = 0
    for lane, (number, digest) in sorted(_heads().items()):
        before, _digest = lanes.get(lane, (0, ""))
        rest = AuditEvent.objects.filter(lane=lane, number__gt=before, number__lte=number)
        for row in _read(rest):
            _follow(row, lanes, {lane: (number, digest)})
            newer += 1
        reached, last_digest = lanes.get(lane, (0, ""))
        if reached < number:
            raise Broken(
                f"Event number {reached + 1} of lane {lane}, one of its newest, was removed."
            )
        if last_digest != digest:
            raise Broken(f"The head of lane {lane} was changed: it is not its event {number}'s.")
    return newer


def _read(events: AuditEventQuerySet) -> Iterator[Mapping[str, Any]]:
    """Rows in the order of their keys; of one that cannot be read, only its key."""
    last = 0
    while keys := list(
        events.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]
    ):
        found = events.filter(pk__gt=last, pk__lte=keys[-1]).order_by("pk")
        rows = _readable(found) or [_one(key) for key in keys]
        yield from rows
        last = keys[-1]


def _one(key: int) -> dict[str, Any]:
    rows = _readable(AuditEvent.objects.filter(pk=key))
    return rows[0] if rows else {"id": key}


def _readable(events: AuditEventQuerySet) -> list[dict[str, Any]] | None:
    """Their rows; None if one holds what nobody could have stored through the product.

    Of such a value Django makes a ValueError or TypeError, psycopg a DataError, and SQLite, of
    text that is not UTF-8, an OperationalError like those of a database that is away or busy.
    """
    try:
        return list(events.values(*COLUMNS))
    except (ValueError, TypeError, DataError):
        return None
    except OperationalError as error:
        if "Could not decode" not in str(error):
            raise
        return None


def _heads() -> Lanes:
    found = AuditLane.objects.values_list("name", "number", "digest")
    return {name: (number, digest) for name, number, digest in found}


def _settled() -> tuple[int, Lanes]:
    """A key up to which every event is committed, and the lanes' heads at that moment.

    On PostgreSQL a key is drawn before its event is committed, and always after its lane was
    locked: so whoever has locked a lane is waited for. Others may pass between the tries.
    """
    for _ in range(TRIES - 1):
        try:
            return _settled_now()
        except OperationalError:
            time.sleep(1)
    return _settled_now()


def _settled_now() -> tuple[int, Lanes]:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                cursor.execute(f"LOCK TABLE {AuditLane._meta.db_table} IN EXCLUSIVE MODE")
        newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
        return newest or 0, _heads()


def _fingerprint(last: int, lanes: Lanes) -> str:
    text = json.dumps([last, sorted((name, *place) for name, place in lanes.items())])
    return f"{last}:{sha256(text.encode()).hexdigest()}"


def _name(row: Mapping[str, Any]) -> str:
    at = row.get("created_at")
    if not isinstance(at, datetime):
        return f"Event {row['id']}"
    when = at.astimezone(UTC).isoformat(timespec="seconds")
    return f"Event {row['id']} ({when}, lane {row['lane']}, number {row['number']})"
