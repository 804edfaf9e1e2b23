"""Pauses that a worker begins and ends: always for all operations that share a token."""

from collections.abc import Sequence
from datetime import datetime

from media_assets.models import AuditEvent, Chain, Operation, PauseReason


def pause(
    operations: Sequence[Operation], reason: PauseReason, *, until: datetime | None, chain: Chain
) -> None:
    for operation in operations:
        paused = Operation.objects.filter(pk=operation.pk).pause(reason, until=until)
        if paused and operation.paused_reason != reason:
            AuditEvent.objects.record(
                "operation.paused", by=None, on=operation, chain=chain, because=reason
            )
        if paused:
            operation.paused_reason, operation.paused_until = reason, until


def resume(operations: Sequence[Operation], *, chain: Chain) -> None:
    automatic = set(PauseReason) - {PauseReason.NONE, PauseReason.MANUAL}
    for operation in operations:
        if operation.paused_reason not in automatic:
            continue
        if Operation.objects.filter(pk=operation.pk).resume(*automatic):
            AuditEvent.objects.record("operation.resumed", by=None, on=operation, chain=chain)
        operation.paused_reason, operation.paused_until = PauseReason.NONE, None
