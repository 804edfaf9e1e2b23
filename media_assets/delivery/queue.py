"""Claiming and recording: each one short transaction under the token's lock."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from media_assets import crypto
from media_assets.delivery.rules import MOST_TRIES, PAUSES, Result, wait_before_next_try
from media_assets.models import Attempt, AuditEvent, Operation, Outcome, PauseReason, Upload


@dataclass(frozen=True)
class Claim:
    """One upload that this process may send once, and all that the call needs."""

    upload: Upload
    number: int
    fingerprint: str
    base_url: str
    token: str = field(repr=False)
    # by the monotonic clock, in seconds: later than this the lease could run out during the call
    start_before: float


def now_in_database() -> datetime:
    """The clock that all workers share: PostgreSQL's own, or this machine's with SQLite."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101  (a SELECT of one value has one row)
    return row[0]  # type: ignore[no-any-return]


def waiting_tokens(now: datetime) -> list[str]:
    """Fingerprints of the tokens for which something is due at `now`."""
    due = Upload.objects.due(now).filter(operation=OuterRef("pk"))
    operations = Operation.objects.sendable(now).filter(Exists(due))
    return list(operations.order_by().values_list("token_fingerprint", flat=True).distinct())


def next_change(now: datetime) -> datetime | None:
    """When something that waits now becomes due by itself: a next try, a pause, a lease."""
    moments = [
        Upload.objects.queued().filter(due_at__gt=now).order_by("due_at").values_list("due_at"),
        Operation.objects.filter(paused_until__gt=now)
        .order_by("paused_until")
        .values_list("paused_until"),
        Upload.objects.sending().order_by("lease_until").values_list("lease_until"),
    ]
    found = [moment.first() for moment in moments]
    return min((row[0] for row in found if row and row[0]), default=None)


def claim_next(fingerprint: str) -> Claim | None:
    """Take the next due upload of a token that has a free slot; None if there is none."""
    start_before = time.monotonic() + settings.DELIVERY_START_WITHIN.total_seconds()
    with transaction.atomic():
        operations = _locked(Q(token_fingerprint=fingerprint))
        return _claim(operations, now=now_in_database(), start_before=start_before)


def record(claim: Claim, result: Result, *, claim_more: bool) -> Claim | None:
    """Write what became of a claim and, in the same transaction, take the token's next upload."""
    start_before = time.monotonic() + settings.DELIVERY_START_WITHIN.total_seconds()
    with transaction.atomic():
        # the operation itself too, which may have been given another token during the call
        own = Q(pk=claim.upload.operation_id)
        operations = _locked(own | Q(token_fingerprint=claim.fingerprint))
        sharing = [one for one in operations if one.token_fingerprint == claim.fingerprint]
        now = now_in_database()
        _finish(claim, result, sharing=sharing, now=now)
        return _claim(sharing, now=now, start_before=start_before) if claim_more else None


def recover(now: datetime) -> int:
    """Take up again what a dead worker left behind; returns how many uploads."""
    recovered = 0
    for upload in Upload.objects.abandoned(now):
        with transaction.atomic():
            recovered += _interrupt(upload, now=now)
    return recovered


def _locked(which: Q) -> list[Operation]:
    """Operations that share a token, locked against other workers, always in the same order.

    On SQLite the transaction itself is the lock (`BEGIN IMMEDIATE`).
    """
    operations = Operation.objects.filter(which).order_by("pk")
    return list(operations.select_for_update(no_key=True))


def _claim(operations: Sequence[Operation], *, now: datetime, start_before: float) -> Claim | None:
    sendable = {
        operation.pk: operation
        for operation in operations
        if operation.is_active and not operation.is_paused(now)
    }
    if not sendable:
        return None
    # after a pause one call has to show that the way is free again
    probing = any(operation.paused_reason for operation in sendable.values())
    slots = 1 if probing else min(operation.max_in_flight for operation in operations)
    if Upload.objects.sending().filter(operation__in=operations).count() >= slots:
        return None
    due = Upload.objects.due(now).filter(operation__in=list(sendable))
    upload = due.select_related("connector").order_by("lane", "id").first()
    if upload is None:
        return None
    operation = sendable[upload.operation_id]
    try:
        token = operation.reveal_token()
    except (crypto.Unopenable, crypto.KeyringError):
        _pause([operation], PauseReason.LOCAL, until=now + settings.DELIVERY_PAUSE_LOCAL)
        return None
    attempt = upload.claim(now)
    if attempt is None:
        return None
    return Claim(
        upload=upload,
        number=attempt.number,
        fingerprint=operation.token_fingerprint,
        base_url=operation.base_url,
        token=token,
        start_before=start_before,
    )


def _finish(claim: Claim, result: Result, *, sharing: Sequence[Operation], now: datetime) -> None:
    attempts = Attempt.objects.filter(upload=claim.upload, number=claim.number)
    known = {
        "http_status": result.http_status,
        "vendor_code": result.vendor_code[:40],
        "message": result.message or result.reason,
    }
    if not _move(claim.upload, number=claim.number, result=result, now=now):
        attempts.update(**known, late_handle=result.handle)
        return
    attempts.update(**known, outcome=result.outcome, finished_at=now)
    if result.outcome in PAUSES:
        until = None if result.outcome == Outcome.TOKEN else now + settings.DELIVERY_PAUSE
        _pause(sharing, PAUSES[result.outcome], until=until)
    elif result.outcome == Outcome.READY:
        _resume(sharing)


def _move(upload: Upload, *, number: int, result: Result, now: datetime) -> bool:
    outcome = result.outcome
    if outcome == Outcome.READY:
        moved = upload.set_ready(result.handle, number=number, at=now)
        return moved and _tell("upload.ready", upload, attempt=number)
    if outcome in PAUSES:
        moved = upload.set_waiting(
            outcome, number=number, at=now, due_at=now, message=result.message
        )
        return moved and _tell("upload.postponed", upload, attempt=number, because=outcome)
    wait = wait_before_next_try(
        outcome, tries=_tries(upload, outcome) + 1, retry_after=result.retry_after
    )
    if wait is None:
        moved = upload.set_failed(outcome, number=number, at=now, message=result.message)
        return moved and _tell("upload.failed", upload, attempt=number, because=outcome)
    moved = upload.set_waiting(
        outcome, number=number, at=now, due_at=now + wait, message=result.message
    )
    return moved and _tell("upload.postponed", upload, attempt=number, because=outcome)


def _interrupt(upload: Upload, *, now: datetime) -> int:
    number, outcome = upload.attempt_count, Outcome.INTERRUPTED
    if _tries(upload, outcome) + 1 >= MOST_TRIES[outcome]:
        moved = upload.set_failed(outcome, number=number, at=now)
    else:
        moved = upload.set_waiting(outcome, number=number, at=now, due_at=now)
    if not moved:
        return 0
    Attempt.objects.running().filter(upload=upload, number=number).update(
        outcome=outcome, finished_at=now
    )
    _tell("upload.interrupted", upload, attempt=number)
    return 1


def _tries(upload: Upload, outcome: Outcome) -> int:
    """Finished calls with this outcome since the last time a person pressed Retry."""
    return upload.attempts.filter(number__gt=upload.attempts_before, outcome=outcome).count()


def _pause(operations: Sequence[Operation], reason: PauseReason, *, until: datetime | None) -> None:
    for operation in operations:
        paused = Operation.objects.filter(pk=operation.pk).pause(reason, until=until)
        if paused and operation.paused_reason != reason:
            AuditEvent.objects.record("operation.paused", by=None, on=operation, because=reason)
        if paused:
            operation.paused_reason, operation.paused_until = reason, until


def _resume(operations: Sequence[Operation]) -> None:
    automatic = set(PauseReason) - {PauseReason.NONE, PauseReason.MANUAL}
    for operation in operations:
        if operation.paused_reason not in automatic:
            continue
        if Operation.objects.filter(pk=operation.pk).resume(*automatic):
            AuditEvent.objects.record("operation.resumed", by=None, on=operation)
        operation.paused_reason, operation.paused_until = PauseReason.NONE, None


def _tell(action: str, upload: Upload, **data: Any) -> bool:
    AuditEvent.objects.record(action, by=None, on=upload, **data)
    return True
