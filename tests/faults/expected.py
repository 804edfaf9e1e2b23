"""What each class of failure leads to, written from the product's rules and not from its code.

Waits are judged with the settings as they are by default; tests skip them instead of sitting
them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from media_assets.models import Outcome, PauseReason, Status

HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """`calls` until it ends or the operation is paused; the words are what its page says then.

    `meanwhile` is what the page says before the next try, beside the time of it.
    """

    calls: int
    status: Status
    words: tuple[str, ...]
    meanwhile: str = ""
    pause: PauseReason = PauseReason.NONE
    pause_seconds: int | None = None


CONSEQUENCES = {
    Outcome.READY: Consequence(
        calls=1, status=Status.READY, words=("Ready", "Copy it into the template request")
    ),
    Outcome.NOT_SENT: Consequence(
        calls=6,
        status=Status.FAILED,
        meanwhile="wolkvox could not be reached",
        words=("wolkvox could not be reached.", "server number", "allowed IPs in wolkvox Manager"),
    ),
    Outcome.CERTIFICATE: Consequence(
        calls=1,
        status=Status.QUEUED,
        words=("The server's certificate was refused", "An administrator has to check"),
        pause=PauseReason.CERTIFICATE,
        pause_seconds=HOUR,
    ),
    Outcome.BUSY: Consequence(
        calls=8,
        status=Status.FAILED,
        meanwhile="wolkvox is busy or in maintenance",
        words=("wolkvox is busy or in maintenance.",),
    ),
    Outcome.SIMULTANEOUS: Consequence(
        calls=8,
        status=Status.FAILED,
        meanwhile="Too many calls at once with this token",
        words=("Too many calls at once with this token.",),
    ),
    Outcome.QUOTA: Consequence(
        calls=1,
        status=Status.QUEUED,
        words=("The daily limit of the token is used up", "It goes on by itself"),
        pause=PauseReason.QUOTA,
        pause_seconds=HOUR,
    ),
    Outcome.TOKEN: Consequence(
        calls=1,
        status=Status.QUEUED,
        words=("wolkvox refused the token", "administrator has stored a valid token"),
        pause=PauseReason.TOKEN,
    ),
    Outcome.UNCLEAR: Consequence(
        calls=3,
        status=Status.FAILED,
        meanwhile="No clear answer",
        words=("No clear answer.", "A repeat is harmless: it only makes another handle."),
    ),
    Outcome.REFUSED: Consequence(
        calls=1,
        status=Status.FAILED,
        words=("wolkvox refused the file.", "check the connector", "file is public"),
    ),
}


def assert_waits(outcome: Outcome, waits: Sequence[float]) -> None:
    """The seconds between the tries of one upload are those of its class."""
    assert len(waits) == CONSEQUENCES[outcome].calls - 1
    if outcome == Outcome.NOT_SENT:
        assert 3 <= waits[0] <= 7
        assert list(waits) == sorted(waits)
        assert waits[-1] <= 12 * 60
    if outcome == Outcome.BUSY:
        assert list(waits) == sorted(waits)
        assert 3 * HOUR <= sum(waits) <= 5 * HOUR
    if outcome == Outcome.SIMULTANEOUS:
        assert min(waits) >= 65
    if outcome == Outcome.UNCLEAR:
        assert min(waits) >= 60
