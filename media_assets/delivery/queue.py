"""Claiming and recording: each one short transaction under the token's lock."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from media_assets import crypto, tracing
from media_assets.delivery import statements
from media_assets.delivery.pauses import ENDED_BY_A_HANDLE, pause, resume
from media_assets.delivery.rules import MOST_TRIES, PAUSES, Result, wait_before_next_try
from media_assets.models import (
    Attempt,
    AuditEvent,
    Chain,
    HandleText,
    Hold,
    Operation,
    Outcome,
    PauseReason,
    Upload,
    rows,
)
from media_assets.models.chain import lane_of
from media_assets.models.rows import Statement
from media_assets.wolkvox.client import Client, Permission

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
    opened: tuple[str, str] = field(repr=False)  # the sealed token and the address it is for
    # by the monotonic clock, in seconds: later than this the lease could run out during the call
    start_before: float
    # whether the claim was committed: nothing is sent before
    permission: Permission = field(default_factory=Permission, repr=False)


# Told of a claim a moment before it commits, so that the call can be prepared meanwhile.
Prepare = Callable[[Claim], None]


class ClaimLost(Exception):
    """Another worker has taken the upload over in the meantime; nothing was written."""


def claim_next(fingerprint: str, *, prepare: Prepare = lambda _: None) -> Claim | None:
    """Take the next due upload of a token that has a free slot; None if there is none."""
    start_before = time.monotonic() + settings.DELIVERY_START_WITHIN.total_seconds()
    with transaction.atomic():
        operations, now, _ = statements.lock([fingerprint])
        clients = _clients(operations, now=now, chain=Chain())
        following = _next_claim(operations, clients, now=now, start_before=start_before)
        return _take(following, prepare=prepare)


def record(
    claim: Claim, result: Result, *, claim_more: bool, prepare: Prepare = lambda _: None
) -> Claim | None:
    """Write what became of a claim and, in the same transaction, take the token's next upload."""
    start_before = time.monotonic() + settings.DELIVERY_START_WITHIN.total_seconds()
    try:
        with transaction.atomic():
            chain, lane = Chain(), lane_of(None, claim.upload)
            operations, now, answers = statements.lock(
                claim.fingerprints, besides=chain.locking(lane)
            )
            chain.locked(lane, answers)
            # what records at once comes before the statements that are run in the end: events
            # take their places in the lane as they are made
            _pause_or_resume(result, operations=operations, now=now, chain=chain)
            clients = _clients(operations, now=now, chain=chain, last=claim) if claim_more else {}
            finishing = _finish(claim, result, now=now, chain=chain)
            following = _next_claim(
                operations, clients, now=now, start_before=start_before, finishing=finishing
            )
            return _take(following, prepare=prepare)
    except ClaimLost:
        _keep(claim, result)
        return claim_next(claim.fingerprints[0], prepare=prepare) if claim_more else None


def recover(abandoned: Sequence[Upload], *, now: datetime) -> int:
    """Take up again what a dead worker left behind; returns how many uploads."""
    recovered = 0
    for upload in abandoned:
        try:
            with transaction.atomic():
                _run_as_owner(_interrupt(upload, now=now))
        except ClaimLost:
            continue
        recovered += 1
    return recovered


def _clients(
    operations: Sequence[Operation], *, now: datetime, chain: Chain, last: Claim | None = None
) -> dict[int, tuple[Client, tuple[str, ...]]]:
    """What makes the calls of the operations that may send, and their token's fingerprints.

    The client of the `last` claim serves again for the same token and address. An operation
    whose token cannot be opened is paused, until it can.
    """
    clients = {}
    for operation in operations:
        if operation.hold(now) != Hold.NONE:
            continue
        try:
            if last is not None and last.opened == _to_open(operation):
                clients[operation.pk] = last.client, last.fingerprints
            else:
                clients[operation.pk] = _client_of(operation)
        except (crypto.Unopenable, crypto.KeyringError, OSError, ValueError) as problem:
            kind = type(problem).__name__
            with tracing.about(operation=operation.pk):
                logger.error("operation %s cannot be sent for: %s", operation.code, kind)
            until = now + settings.DELIVERY_PAUSE_LOCAL
            pause([operation], PauseReason.LOCAL, until=until, chain=chain)
        else:
            resume([operation], PauseReason.LOCAL, chain=chain)
    return clients


def _to_open(operation: Operation) -> tuple[str, str]:
    return operation.sealed_token, operation.base_url


def _client_of(operation: Operation) -> tuple[Client, tuple[str, ...]]:
    token = operation.reveal_token()
    deadline = settings.DELIVERY_DEADLINE.total_seconds()
    client = Client(operation.base_url, token, deadline=deadline)
    return client, tuple(crypto.fingerprints(token))


def _next_claim(
    operations: Sequence[Operation],
    clients: Mapping[int, tuple[Client, tuple[str, ...]]],
    *,
    now: datetime,
    start_before: float,
    finishing: Sequence[Statement] = (),
) -> Claim | None:
    """Run what finishes the call before, and choose the next upload of these clients, if any."""
    fingerprints = next((fingerprints for _, fingerprints in clients.values()), ())
    looking = [statements.next_due(clients, fingerprints=fingerprints, now=now)] if clients else []
    answers = _run_as_owner([*finishing, *looking]) if finishing else rows.run(*looking)
    if not looking or not answers[-1].rows:
        return None
    due = statements.due_of(answers[-1].rows[0])
    # after a pause one call has to show that the way is free again
    probing = any(one.paused_reason for one in operations if one.pk in clients)
    slots = 1 if probing else min(one.max_in_flight for one in operations)
    if due.in_flight >= slots:
        return None
    client, fingerprints = clients[due.upload.operation_id]
    return Claim(
        upload=due.upload,
        connector_id=due.connector_id,
        number=due.upload.attempt_count + 1,
        started_at=now,
        fingerprints=fingerprints,
        client=client,
        opened=_to_open(next(one for one in operations if one.pk == due.upload.operation_id)),
        start_before=start_before,
    )


def _take(claim: Claim | None, *, prepare: Prepare) -> Claim | None:
    if claim is not None:
        prepare(claim)
        now, fingerprint = claim.started_at, claim.fingerprints[0]
        taken, _attempt = rows.run(*claim.upload.to_sending(now, fingerprint=fingerprint))
        if taken.count != 1:
            raise RuntimeError("a locked upload was not claimed")
    return claim


def _run_as_owner(statements: Sequence[Statement]) -> list[rows.Answer]:
    """Run statements of which the first moves an upload. Raises ClaimLost if it does not."""
    answers = rows.run(*statements)
    if answers[0].count != 1:
        raise ClaimLost
    return answers


def _pause_or_resume(
    result: Result, *, operations: Sequence[Operation], now: datetime, chain: Chain
) -> None:
    """What the result says of all operations that share the token."""
    if result.outcome in PAUSES:
        until = None if result.outcome == Outcome.TOKEN else now + settings.DELIVERY_PAUSE
        pause(operations, PAUSES[result.outcome], until=until, chain=chain)
    elif result.outcome == Outcome.READY:
        resume(operations, *ENDED_BY_A_HANDLE, chain=chain)


def _finish(claim: Claim, result: Result, *, now: datetime, chain: Chain) -> list[Statement]:
    """What moves the upload, ends its attempt and tells of it."""
    move, *told = _move(claim, result, now=now, chain=chain)
    attempt = {"upload": claim.upload.pk, "number": claim.number}
    ended = {**result.columns, "outcome": result.outcome, "finished_at": now}
    return [move, rows.update(Attempt, attempt, ended), *told]


def _move(claim: Claim, result: Result, *, now: datetime, chain: Chain) -> list[Statement]:
    """What moves the upload, and what else is written because of it."""
    upload, number, outcome = claim.upload, claim.number, result.outcome
    if outcome == Outcome.READY:
        return [
            upload.to_ready(result.handle, number=number, at=now),
            HandleText.objects.statement(upload, result.handle),
            *_event("upload.ready", upload, chain=chain, attempt=number),
        ]
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
        move = upload.to_failed(outcome, **ending)
        told = _event("upload.failed", upload, chain=chain, attempt=number, because=outcome)
        return [move, *told]
    move = upload.to_waiting(outcome, due_at=now + wait, **ending)
    told = _event("upload.postponed", upload, chain=chain, attempt=number, because=outcome)
    return [move, *told]


def _interrupt(upload: Upload, *, now: datetime) -> list[Statement]:
    number, outcome = upload.attempt_count, Outcome.INTERRUPTED
    if _tries(upload, outcome) + 1 >= MOST_TRIES[outcome]:
        move = upload.to_failed(outcome, number=number, at=now)
    else:
        move = upload.to_waiting(outcome, number=number, at=now, due_at=now)
    running = {"upload": upload.pk, "number": number, "outcome": Outcome.RUNNING}
    ended = rows.update(Attempt, running, {"outcome": outcome, "finished_at": now})
    # its lane is locked here, before the upload moves: as in `record`
    told = _event("upload.interrupted", upload, chain=Chain(), attempt=number)
    return [move, ended, *told]


def _keep(claim: Claim, result: Result) -> None:
    """Keep with its attempt what came for an upload that is another worker's by now."""
    stored = Upload.objects.values_list("handle", flat=True).get(pk=claim.upload.pk)
    late = result.handle if result.handle != stored else ""
    Attempt.objects.filter(upload=claim.upload, number=claim.number).update(
        **result.columns, late_handle=late
    )


def _tries(upload: Upload, outcome: Outcome) -> int:
    """Finished calls with this outcome since the last time a person pressed Retry."""
    return upload.attempts.filter(number__gt=upload.attempts_before, outcome=outcome).count()


def _event(action: str, upload: Upload, *, chain: Chain, **data: Any) -> list[Statement]:
    return AuditEvent.objects.statements(action, chain=chain, by=None, on=upload, **data)
