"""Pauses that a worker begins and ends: always for all operations that share a token."""

from collections.abc import Sequence
from datetime import datetime

from media_assets.models import AuditEvent, Chain, Operation, PauseReason

# A call that went well says nothing of another operation's token that cannot be opened here.
ENDED_BY_A_HANDLE = set(PauseReason) - {PauseReason.NONE, PauseReason.MANUAL, PauseReason.LOCAL}


def pause(
    operations: Sequence[Operation], reason: PauseReason, *, until: datetime | None, chain: Chain
) -> None:
    """A pause until the token changes stays, like a person's: a shorter one says less."""
    for operation in operations:
        if operation.paused_reason == PauseReason.TOKEN:
            continue
        paused = Operation.objects.filter(pk=operation.pk).pause(reason, until=until)
        if paused and operation.paused_reason != reason:
            AuditEvent.objects.record(
                "operation.paused", by=None, on=operation, chain=chain, because=reason
            )
        if paused:
            operation.paused_reason, operation.paused_until = reason, until


def resume(operations: Sequence[Operation], *reasons: PauseReason, chain: Chain) -> None:
    """End the pauses of these reasons."""
    for operation in operations:
        if operation.paused_reason not in reasons:
            continue
        if Operation.objects.filter(pk=operation.pk).resume(*reasons):
            AuditEvent.objects.record("operation.resumed", by=None, on=operation, chain=chain)
        operation.paused_reason, operation.paused_until = PauseReason.NONE, None
