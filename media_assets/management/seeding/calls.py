"""How the calls for one upload went: their times, answers, and the handle."""

import base64
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from media_assets.management.seeding import texts
from media_assets.models import Attempt, Outcome
from media_assets.wolkvox import handles

Said = tuple[int | None, str, str, str]

ANSWERS: Mapping[Outcome, Sequence[Said]] = {
    Outcome.REFUSED: texts.REFUSALS,
    Outcome.UNCLEAR: texts.UNCLEAR,
    Outcome.BUSY: texts.BUSY,
    Outcome.SIMULTANEOUS: texts.SIMULTANEOUS,
    Outcome.NOT_SENT: texts.NOT_SENT,
    Outcome.INTERRUPTED: texts.INTERRUPTED,
}
FATAL = (
    Outcome.REFUSED,
    Outcome.UNCLEAR,
    Outcome.NOT_SENT,
    Outcome.BUSY,
    Outcome.SIMULTANEOUS,
    Outcome.INTERRUPTED,
)
FATAL_SHARES = (0.62, 0.79, 0.88, 0.94, 0.97, 1.0)
PASSING = (Outcome.UNCLEAR, Outcome.BUSY, Outcome.NOT_SENT, Outcome.SIMULTANEOUS)
PASSING_SHARES = (0.4, 0.7, 0.85, 1.0)
WAITS = {
    Outcome.UNCLEAR: 75.0,
    Outcome.BUSY: 110.0,
    Outcome.SIMULTANEOUS: 65.0,
    Outcome.NOT_SENT: 5.0,
    Outcome.INTERRUPTED: 20.0,
}
FATAL_TRIES = 3  # after so many this seed gives up what is not refused at once
REPEATED = 0.06  # of the uploads that end well
MEDIAN, SPREAD = math.log(3.2), 0.55  # of a call's seconds, log-normal
LONGEST = 60.0
SUCCESS: Said = (200, "200", texts.SUCCESS, "")


@dataclass(frozen=True)
class Calls:
    """The attempts of one upload without the upload itself, and what the last one was."""

    attempts: list[Attempt]
    outcome: Outcome
    message: str
    finished_at: datetime


def failing(created_at: datetime, *, rng: random.Random) -> Calls:
    """Calls of which the last failed for good."""
    (outcome,) = rng.choices(FATAL, cum_weights=FATAL_SHARES)
    tries = 1 if outcome == Outcome.REFUSED else FATAL_TRIES
    return _calls(created_at, [outcome] * tries, rng=rng)


def succeeding(created_at: datetime, *, rng: random.Random) -> Calls:
    """One call, or two or three of which the first ones passed."""
    outcomes = [Outcome.READY]
    if rng.random() < REPEATED:
        outcomes = rng.choices(PASSING, cum_weights=PASSING_SHARES, k=rng.choice((1, 1, 1, 2)))
        outcomes.append(Outcome.READY)
    return _calls(created_at, outcomes, rng=rng)


def make_handle(
    file_name: str, *, content_type: str, at: datetime, app: int, rng: random.Random
) -> str:
    """A handle of the nine-field shape, of several lines now and then."""
    lines = 1 if rng.random() < 0.975 else rng.choice((2, 3, 6))
    name = file_name.encode()[:18] if rng.random() < 0.05 else b""
    shown = base64.b64encode(name).decode() if _is_text(name) else ""
    kind = base64.b64encode(content_type.encode()).decode()
    expires = int((at + handles.LIFETIME).timestamp())
    ids = f"{634974688087057 + app}:{100089620928913 + app}"
    return "\n".join(
        f"4:{shown}:{kind}:AR{_opaque(81, rng)}:e:{expires}:{ids}:AR{_opaque(12, rng)}a"
        for _line in range(lines)
    )


def _calls(created_at: datetime, outcomes: Sequence[Outcome], *, rng: random.Random) -> Calls:
    attempts, at, message = [], created_at + timedelta(seconds=rng.uniform(0.02, 0.6)), ""
    for number, outcome in enumerate(outcomes, start=1):
        status, code, message, reason = rng.choice(ANSWERS.get(outcome, [SUCCESS]))
        ended = at + timedelta(seconds=min(rng.lognormvariate(MEDIAN, SPREAD), LONGEST))
        attempts.append(
            Attempt(
                number=number,
                started_at=at,
                finished_at=ended,
                outcome=outcome.value,
                http_status=status,
                vendor_code=code,
                message=message,
                reason=reason,
            )
        )
        at = ended + timedelta(seconds=WAITS.get(outcome, 0.0) * rng.uniform(0.9, 1.2))
    said = "" if outcome == Outcome.READY else message
    return Calls(attempts, outcome, said, ended)


def _is_text(name: bytes) -> bool:
    """Whether cutting the name has left whole characters."""
    return name.decode(errors="replace").isascii()


def _opaque(length: int, rng: random.Random) -> str:
    return base64.urlsafe_b64encode(rng.randbytes(length)).decode()
