"""Claiming and recording: each one short transaction under the token's lock."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from media_assets import crypto
from media_assets.delivery import statements
from media_assets.delivery.rules import MOST_TRIES, PAUSES, Result, wait_before_next_try
from media_assets.models import (
    Attempt,
    AuditEvent,
    Hold,
    Operation,
    Outcome,
    PauseReason,
    Upload,
    rows,
)
from media_assets.wolkvox.client import Client

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """One upload that this process may send once, and all that the call needs."""

    upload: Upload
    connector_id: str
    number: int
    started_at: datetime
    # of the one token, newest key first: operations are known by any of them while keys rotate
    fingerprints: tuple[str, ...]
    client: Client = field(repr=False)
    # by the monotonic clock, in seconds: later than this the lease could run out during the call
    start_before: float


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
        operations, now = statements.lock([fingerprint])
        return _claim(operations, now=now, start_before=start_before)


def record(claim: Claim, result: Result, *, claim_more: bool) -> Claim | None:
    """Write what became of a claim and, in the same transaction, take the token's next upload."""
    start_before = time.monotonic() + settings.DELIVERY_START_WITHIN.total_seconds()
    with transaction.atomic():
        operations, now = statements.lock(claim.fingerprints)
        _finish(claim, result, operations=operations, now=now)
        return _claim(operations, now=now, start_before=start_before) if claim_more else None


def recover(now: datetime) -> int:
    """Take up again what a dead worker left behind; returns how many uploads."""
    recovered = 0
    for upload in Upload.objects.abandoned(now):
        with transaction.atomic():
            recovered += _interrupt(upload, now=now)
    return recovered


def _claim(operations: Sequence[Operation], *, now: datetime, start_before: float) -> Claim | None:
    sendable = {one.pk: one for one in operations if one.hold(now) == Hold.NONE}
    due = statements.next_due(sendable, now=now)
    if due is None:
        return None
    upload, connector_id = due
    operation = sendable[upload.operation_id]
    try:
        client, fingerprints = _client_of(operation)
    except (crypto.Unopenable, crypto.KeyringError, OSError, ValueError) as problem:
        logger.error("operation %s cannot be sent for: %s", operation.code, type(problem).__name__)
        _pause([operation], PauseReason.LOCAL, until=now + settings.DELIVERY_PAUSE_LOCAL)
        return None
    # after a pause one call has to show that the way is free again
    probing = any(one.paused_reason for one in sendable.values())
    slots = 1 if probing else min(one.max_in_flight for one in operations)
    if statements.in_flight(fingerprints, now=now) >= slots:
        return None
    attempt = upload.claim(now, fingerprint=fingerprints[0])
    if attempt is None:
        return None
    return Claim(
        upload=upload,
        connector_id=connector_id,
        number=attempt.number,
        started_at=now,
        fingerprints=fingerprints,
        client=client,
        start_before=start_before,
    )


def _client_of(operation: Operation) -> tuple[Client, tuple[str, ...]]:
    """What makes its calls, and the fingerprints of its token under every key."""
    token = operation.reveal_token()
    deadline = settings.DELIVERY_DEADLINE.total_seconds()
    client = Client(operation.base_url, token, deadline=deadline)
    return client, tuple(crypto.fingerprints(token))


def _finish(
    claim: Claim, result: Result, *, operations: Sequence[Operation], now: datetime
) -> None:
    attempt = {"upload": claim.upload.pk, "number": claim.number}
    known = {
        "http_status": result.http_status,
        "vendor_code": result.vendor_code[:40],
        "message": result.message,
        "reason": result.reason[:80],
    }
    if not _move(claim, result, now=now):
        stored = Upload.objects.values_list("handle", flat=True).get(pk=claim.upload.pk)
        late = result.handle if result.handle != stored else ""
        rows.update(Attempt, attempt, {**known, "late_handle": late})
        return
    rows.update(Attempt, attempt, {**known, "outcome": result.outcome, "finished_at": now})
    if result.outcome in PAUSES:
        until = None if result.outcome == Outcome.TOKEN else now + settings.DELIVERY_PAUSE
        _pause(operations, PAUSES[result.outcome], until=until)
    elif result.outcome == Outcome.READY:
        _resume(operations)


def _move(claim: Claim, result: Result, *, now: datetime) -> bool:
    upload, number, outcome = claim.upload, claim.number, result.outcome
    if outcome == Outcome.READY:
        moved = upload.set_ready(result.handle, number=number, at=now)
        return moved and _tell("upload.ready", upload, attempt=number)
    # without an answer wolkvox may still be working on it, and counts it among its calls
    lost = outcome == Outcome.UNCLEAR and result.http_status is None
    ending: dict[str, Any] = {
        "number": number,
        "at": now,
        "message": result.message,
        "lease_until": claim.started_at + settings.DELIVERY_UNCLEAR if lost else None,
    }
    if outcome in PAUSES:
        wait: timedelta | None = timedelta(0)
    else:
        tries = _tries(upload, outcome) + 1
        wait = wait_before_next_try(outcome, tries=tries, retry_after=result.retry_after)
    if wait is None:
        moved = upload.set_failed(outcome, **ending)
        return moved and _tell("upload.failed", upload, attempt=number, because=outcome)
    moved = upload.set_waiting(outcome, due_at=now + wait, **ending)
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
