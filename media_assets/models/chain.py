"""Lanes of the audit list: in each of them every event carries a digest over the one before.

One chain for all would make everybody who writes wait for everybody else's commit. So each person
has a lane, each operation has one for the worker, and what nobody does has one
(docs/decisions.md, "Audit events are chained in lanes"). A lane's head is locked after the rows
that a person changes, and by the worker before its upload: each in one order everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, models

from media_assets.models import digests
from media_assets.models.rows import Answer, Statement, run

if TYPE_CHECKING:
    from media_assets.models.audit import AuditEvent

SYSTEM = "system"
_HEADS = "media_assets_auditlane"
_ADD = f"INSERT INTO {_HEADS} (name, number, digest) VALUES (%s, 0, '') ON CONFLICT DO NOTHING"  # noqa: S608
_MOVE = f"UPDATE {_HEADS} SET number = %s, digest = %s WHERE name = %s AND number = %s"  # noqa: S608
_READ = f"SELECT number, digest FROM {_HEADS} WHERE name = %s"  # noqa: S608
_KEYS = {
    "postgresql": "SELECT nextval(pg_get_serial_sequence('media_assets_auditevent', 'id'))"
    " FROM generate_series(1, %s)",
    # the transaction is the lock
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'media_assets_auditevent'",
}


class AuditLane(models.Model):
    """The head of a lane: its last event's number and digest, so that a removed one is missed."""

    name = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


def lane_of(by: User | AnonymousUser | None, on: models.Model | None) -> str:
    """A person's lane; the worker's for an operation, which it has locked already; or the rest."""
    if by is not None:
        return f"person {by.pk}" if by.pk else SYSTEM
    if on is not None and on._meta.model_name == "operation":
        return f"operation {on.pk}"
    operation = getattr(on, "operation_id", None)
    return f"operation {operation}" if operation else SYSTEM


class Chain:
    """The lanes that one transaction appends to. Make one in it, and forget it with it."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[int, str]] = {}
        # drawn after the lane was locked, so that keys follow each other as numbers do
        self._keys: dict[str, list[int]] = {}
        self._last_key = 0

    def place(self, events: Sequence[AuditEvent], *, lane: str) -> Statement:
        """Give the events their keys and their places in the lane, in this order.

        Returns what moves the lane's head: to be run with what inserts the events.
        """
        if lane not in self._heads:
            self._lock(lane, count=len(events))
        keys = self._keys[lane]
        if wanting := max(0, len(events) - len(keys)):
            (answer,) = run(_fresh_keys(wanting))
            keys += self._drawn(answer, count=wanting)
        before = self._heads[lane]
        number, digest = before
        for event in events:
            number += 1
            event.pk, event.lane, event.number = keys.pop(0), lane, number
            digest = digests.digest_of(digest, lane=lane, number=number, content=vars(event))
            event.digest = digest
        self._heads[lane] = number, digest
        return Statement(_MOVE, [number, digest, lane, before[0]])

    def locking(self, lane: str, *, count: int = 1) -> list[Statement]:
        """What locks a lane for so many events, to be sent together with other statements."""
        lock = " FOR NO KEY UPDATE" if _is_postgresql() else ""
        return [Statement(_READ + lock, [lane]), _fresh_keys(count)]

    def locked(self, lane: str, answers: Sequence[Answer], *, count: int = 1) -> bool:
        """Take in what `locking` has found; False if there is no such lane yet."""
        head, keys = answers
        if not head.rows:
            return False
        ((number, digest),) = head.rows
        self._heads[lane] = number, digest
        self._keys[lane] = self._drawn(keys, count=count)
        return True

    def _lock(self, lane: str, *, count: int) -> None:
        if not self.locked(lane, run(*self.locking(lane, count=count)), count=count):
            Statement(_ADD, [lane]).run()
            self.locked(lane, run(*self.locking(lane, count=count)), count=count)

    def _drawn(self, answer: Answer, *, count: int) -> list[int]:
        """SQLite says the last one in the table, where those drawn before may not be yet."""
        if _is_postgresql():
            return [key for (key,) in answer.rows]
        first = max(self._last_key, *(seq for (seq,) in answer.rows), 0) + 1
        self._last_key = first + count - 1
        return list(range(first, first + count))


def _fresh_keys(count: int) -> Statement:
    return Statement(_KEYS[connection.vendor], [count] if _is_postgresql() else [])


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"
