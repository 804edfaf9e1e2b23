"""The queries of the worker, as plain SQL for both databases.

Most run in every gap that a token has, and composing them through the ORM takes longer than
running them. States are literals, because SQLite uses a partial index for a literal only.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from media_assets.models import Operation, Upload, now_in_database, rows
from media_assets.models.rows import Statement, places

# in the models' order, as `Model.from_db` takes them
_OPERATION = [
    "id",
    "code",
    "name",
    "server",
    "sealed_token",
    "token_fingerprint",
    "max_in_flight",
    "is_active",
    "paused_reason",
    "paused_until",
]
_OPERATIONS = f"""
    SELECT {", ".join(_OPERATION)} FROM media_assets_operation
    WHERE token_fingerprint IN ({{}}) ORDER BY id {{}}
"""  # noqa: S608  (only names of ours are put in)
_COLUMNS = [
    "id",
    "code",
    "operation_id",
    "file_url",
    "label",
    "lane",
    "attempt_count",
    "attempts_before",
]
_UPLOAD = ", ".join(f"upload.{column}" for column in _COLUMNS)
# Calls in flight: those whose lease lasts, and those that a dead worker has left. In one condition
# SQLite would walk the leases of all calls that ever ended without an answer; of the second kind
# there are few, which are found by their state if no other index seems to fit.
_IN_FLIGHT = """
    (SELECT COUNT(*) FROM media_assets_upload WHERE lease_until > %s AND sent_with {0})
    + (SELECT COUNT(*) FROM media_assets_upload
        WHERE status = 'sending' AND COALESCE(lease_until, lease_until) <= %s
            AND COALESCE(sent_with, sent_with) {0})
"""
_NEXT_DUE = f"""
    SELECT {_UPLOAD}, connector.connector_id, {_IN_FLIGHT.format("IN ({0})")}
    FROM media_assets_upload upload
    JOIN media_assets_connector connector ON connector.id = upload.connector_id
    WHERE upload.status = 'queued' AND upload.operation_id IN ({{1}}) AND upload.due_at <= %s
        AND connector.is_active
    ORDER BY upload.lane, upload.id LIMIT 1 {{2}}
"""  # noqa: S608  (only names of ours are put in)
_ABANDONED = f"""
    SELECT {_UPLOAD} FROM media_assets_upload upload
    WHERE upload.status = 'sending' AND upload.lease_until < %s
"""  # noqa: S608  (only names of ours are put in)
_WAITING = f"""
    SELECT DISTINCT token_fingerprint FROM media_assets_operation operation
    WHERE is_active AND token_fingerprint <> '' AND (paused_reason = '' OR paused_until <= %s)
        AND EXISTS (
            SELECT 1 FROM media_assets_upload upload
            JOIN media_assets_connector connector ON connector.id = upload.connector_id
            WHERE upload.status = 'queued' AND upload.operation_id = operation.id
                AND upload.due_at <= %s AND connector.is_active
        )
        AND max_in_flight > {_IN_FLIGHT.format("= operation.token_fingerprint")}
"""  # noqa: S608  (only names of ours are put in)
_NEXT_CHANGE = """
    SELECT
        (SELECT MIN(due_at) FROM media_assets_upload WHERE status = 'queued' AND due_at > %s),
        (SELECT MIN(lease_until) FROM media_assets_upload
            WHERE lease_until IS NOT NULL AND lease_until > %s),
        (SELECT MIN(paused_until) FROM media_assets_operation WHERE paused_until > %s)
"""


@dataclass(frozen=True)
class Due:
    """The upload to send next, the vendor's id of its connector, and the token's calls by now."""

    upload: Upload
    connector_id: str
    in_flight: int


@dataclass(frozen=True)
class Seen:
    """What a look at the whole queue found."""

    abandoned: list[Upload]
    waiting: list[str]  # fingerprints of tokens with something due and a slot that looks free
    next_change: datetime | None  # when something that waits now becomes due by itself


def lock(
    fingerprints: Sequence[str], *, besides: Sequence[Statement] = ()
) -> tuple[list[Operation], datetime, list[rows.Answer]]:
    """The operations of one token, locked against other workers, and the time by their clock.

    Everybody locks them in the same order. On SQLite the transaction is the lock
    (`BEGIN IMMEDIATE`). What is asked `besides` is answered in the same message.
    """
    wanted = places(fingerprints)
    if connection.vendor != "postgresql":
        found = Statement(_OPERATIONS.format(wanted, ""), list(fingerprints)).run()
        return [_operation(row) for row in found.rows], now_in_database(), rows.run(*besides)
    locked, clock, *answers = rows.run(
        Statement(_OPERATIONS.format(wanted, "FOR NO KEY UPDATE"), list(fingerprints)),
        Statement("SELECT clock_timestamp()", []),  # after the wait for the lock
        *besides,
    )
    return [_operation(row) for row in locked.rows], clock.rows[0][0], answers


def next_due(
    operations: Collection[int], *, fingerprints: Collection[str], now: datetime
) -> Statement:
    """Finds what to send next for these operations, which share a token; see `due_of`."""
    skip = "FOR NO KEY UPDATE OF upload SKIP LOCKED" if connection.vendor == "postgresql" else ""
    sql = _NEXT_DUE.format(places(fingerprints), places(operations), skip)
    moment = rows.moment(now)
    in_flight = [moment, *fingerprints, moment, *fingerprints]
    return Statement(sql, [*in_flight, *operations, moment])


def due_of(row: Sequence[Any]) -> Due:
    *upload, connector_id, in_flight = row
    return Due(_upload(upload), connector_id=connector_id, in_flight=in_flight)


def look(now: datetime) -> Seen:
    """The state of the whole queue, in one message."""
    moment = rows.moment(now)
    abandoned, waiting, change = rows.run(
        Statement(_ABANDONED, [moment]),
        Statement(_WAITING, [moment, moment, moment, moment]),
        Statement(_NEXT_CHANGE, [moment, moment, moment]),
    )
    changes = [rows.instant(value) for row in change.rows for value in row if value is not None]
    return Seen(
        abandoned=[_upload(row) for row in abandoned.rows],
        waiting=[fingerprint for (fingerprint,) in waiting.rows],
        next_change=min(changes, default=None),
    )


def _operation(row: Sequence[Any]) -> Operation:
    pk, code, *others, is_active, paused_reason, paused_until = row
    until = None if paused_until is None else rows.instant(paused_until)
    values = [pk, UUID(str(code)), *others, bool(is_active), paused_reason, until]
    operation = Operation.from_db(connection.alias, _OPERATION, values)
    assert isinstance(operation, Operation)  # noqa: S101  (the stubs do not say so)
    return operation


def _upload(row: Sequence[Any]) -> Upload:
    """With the columns that delivery needs; the others are read when they are asked for."""
    pk, code, *others = row
    upload = Upload.from_db(connection.alias, _COLUMNS, [pk, UUID(str(code)), *others])
    assert isinstance(upload, Upload)  # noqa: S101  (the stubs do not say so)
    return upload
