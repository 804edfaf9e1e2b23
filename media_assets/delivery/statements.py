"""The queries between two calls of a token, as plain SQL for both databases.

They run in every gap that a token has, and composing them through the ORM takes longer than
running them. States are literals here, because SQLite uses a partial index only for a literal.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.utils import timezone

from media_assets.models import Operation, Upload, rows

_LOCK = """
    SELECT media_assets_operation.*, clock_timestamp() AS locked_at FROM media_assets_operation
    WHERE token_fingerprint IN ({}) ORDER BY id FOR NO KEY UPDATE
"""
_READ = "SELECT * FROM media_assets_operation WHERE token_fingerprint IN ({}) ORDER BY id"
_NEXT_DUE = """
    SELECT upload.id, upload.code, upload.operation_id, upload.file_url, upload.label,
        upload.attempt_count, upload.attempts_before, connector.connector_id AS line
    FROM media_assets_upload upload
    JOIN media_assets_connector connector ON connector.id = upload.connector_id
    WHERE upload.status = 'queued' AND upload.operation_id IN ({}) AND upload.due_at <= %s
        AND connector.is_active
    ORDER BY upload.lane, upload.id LIMIT 1
"""
_IN_FLIGHT = """
    SELECT COUNT(*) FROM media_assets_upload
    WHERE sent_with IN ({}) AND lease_until IS NOT NULL
        AND (status = 'sending' OR lease_until > %s)
"""


def now_in_database() -> datetime:
    """The clock that all workers share: PostgreSQL's own, or this machine's with SQLite."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101  (a SELECT of one value has one row)
    return row[0]  # type: ignore[no-any-return]


def lock(fingerprints: Sequence[str]) -> tuple[list[Operation], datetime]:
    """The operations of one token, locked against other workers, and the time by their clock.

    They are locked in the same order by everybody. On SQLite the transaction is the lock
    (`BEGIN IMMEDIATE`).
    """
    is_postgresql = connection.vendor == "postgresql"
    sql = (_LOCK if is_postgresql else _READ).format(_places(fingerprints))
    operations = list(Operation.objects.raw(sql, fingerprints))
    if is_postgresql and operations:
        return operations, operations[0].locked_at  # type: ignore[attr-defined]
    return operations, now_in_database()


def next_due(operations: Collection[int], *, now: datetime) -> tuple[Upload, str] | None:
    """The upload to send next for these operations, and the vendor's id of its connector."""
    if not operations:
        return None
    sql = _NEXT_DUE.format(_places(operations))
    for upload in Upload.objects.raw(sql, [*operations, rows.prepared(now)]):
        return upload, upload.line  # type: ignore[attr-defined]
    return None


def in_flight(fingerprints: Sequence[str], *, now: datetime) -> int:
    """How many calls are, or may still be, in flight with this token, over all workers."""
    with connection.cursor() as cursor:
        sql = _IN_FLIGHT.format(_places(fingerprints))
        cursor.execute(sql, [*fingerprints, rows.prepared(now)])
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))
