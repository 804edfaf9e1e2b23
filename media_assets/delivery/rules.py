"""What follows from the result of a call: ready, tried again, failed, or a paused operation.

The classes, the numbers of tries and the waits are those of the vendor's documented limits: 60 s
for a call, two calls at once with a token, a number of calls a day.
"""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings

from media_assets.models import Outcome, PauseReason
from media_assets.wolkvox.client import Uploaded
from media_assets.wolkvox.errors import WolkvoxError

MOST_TRIES = {
    Outcome.NOT_SENT: 6,
    Outcome.BUSY: 8,
    Outcome.SIMULTANEOUS: 8,
    Outcome.UNCLEAR: 3,
    Outcome.INTERRUPTED: 5,
}
PAUSES = {
    Outcome.QUOTA: PauseReason.QUOTA,
    Outcome.TOKEN: PauseReason.TOKEN,
    Outcome.CERTIFICATE: PauseReason.CERTIFICATE,
}


@dataclass(frozen=True)
class Result:
    """How one call ended, without anything secret but the handle itself."""

    outcome: Outcome
    handle: str = field(default="", repr=False)
    http_status: int | None = None
    vendor_code: str = ""
    message: str = ""
    reason: str = ""
    retry_after: float | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """What is kept of it with the attempt, whoever the upload belongs to by now."""
        return {
            "http_status": self.http_status,
            "vendor_code": self.vendor_code[:40],
            "message": self.message,
            "reason": self.reason[:80],
        }

    @classmethod
    def of_upload(cls, uploaded: Uploaded) -> "Result":
        return cls(
            Outcome.READY,
            handle=uploaded.handle,
            http_status=uploaded.http_status,
            vendor_code=uploaded.vendor_code,
            message=uploaded.message,
        )

    @classmethod
    def of_error(cls, error: WolkvoxError) -> "Result":
        return cls(
            Outcome(error.code),
            http_status=error.http_status,
            vendor_code=error.vendor_code,
            message=error.message,
            reason=error.reason,
            retry_after=error.retry_after,
        )


def wait_before_next_try(
    outcome: Outcome, *, tries: int, retry_after: float | None = None
) -> timedelta | None:
    """How long to wait after `tries` calls that ended like this, or None to give up.

    `retry_after` is the vendor's own wish in seconds and is honoured where it is longer.
    """
    if tries >= MOST_TRIES.get(outcome, 0):
        return None
    wait = _wait(outcome, tries=tries)
    return max(wait, timedelta(seconds=retry_after)) if retry_after else wait


def _wait(outcome: Outcome, *, tries: int) -> timedelta:
    if outcome == Outcome.NOT_SENT:
        grown = settings.DELIVERY_NOT_SENT_FIRST * 3 ** (tries - 1)
        return _jittered(min(grown, settings.DELIVERY_NOT_SENT_MOST))
    if outcome == Outcome.BUSY:
        return _jittered(settings.DELIVERY_BUSY_FIRST * 2 ** (tries - 1))
    if outcome == Outcome.SIMULTANEOUS:
        return settings.DELIVERY_SIMULTANEOUS * tries
    if outcome == Outcome.UNCLEAR:
        return settings.DELIVERY_UNCLEAR
    return timedelta(0)


def _jittered(wait: timedelta) -> timedelta:
    return wait * random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, guards nothing)
