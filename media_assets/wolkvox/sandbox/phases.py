"""Points at which calls can be held, so that a test can end a worker exactly there."""

import threading
import time
from collections import Counter
from typing import Literal, get_args

from media_assets.wolkvox.sandbox.ledger import Call

Phase = Literal["connected", "received", "half-answered", "answered"]
PHASES: tuple[Phase, ...] = get_args(Phase)


def phase_named(value: object) -> Phase:
    """The phase of that name; ValueError says which there are."""
    for phase in PHASES:
        if phase == value:
            return phase
    raise ValueError(f"No phase is called {value!r}; there are: {', '.join(PHASES)}.")


class Phases:
    """`connected`: the call's head is here, its body unread. `received`: all read, nothing done.
    `half-answered`: half of the answer is sent. `answered`: all of it is sent.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[Phase] = set()
        self._reached: dict[Phase, list[Call]] = {phase: [] for phase in PHASES}
        self._waiting: Counter[Phase] = Counter()
        self._open = True

    def hold(self, phase: Phase) -> None:
        """From now on calls stop at `phase`. ValueError for a phase that does not exist."""
        phase_named(phase)
        with self._changed:
            self._held.add(phase)
            self._reached[phase] = []

    def release(self, phase: Phase) -> None:
        """Let the held calls and all later ones go on."""
        phase_named(phase)
        with self._changed:
            self._held.discard(phase)
            self._changed.notify_all()

    def is_held(self, phase: Phase) -> bool:
        return phase in self._held

    def reach(self, phase: Phase, *, call: Call) -> None:
        """Called by the server: note the call and wait while the phase is held."""
        with self._changed:
            if phase not in self._held:
                return
            self._reached[phase].append(call)
            self._waiting[phase] += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._open or phase not in self._held)
            self._waiting[phase] -= 1

    def wait_for(self, phase: Phase, *, timeout: float = 5.0, calls: int = 1) -> Call:
        """The `calls`-th call that reached `phase` since it was held; TimeoutError if none does."""
        phase_named(phase)
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self._reached[phase]) < calls:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"No call reached {phase!r} within {timeout} s.")
                self._changed.wait(left)
            return self._reached[phase][calls - 1]

    def open(self) -> None:
        with self._changed:
            self._open = True

    def close(self) -> None:
        """Wake every held call; the server is stopping."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def as_json(self) -> dict[str, dict[str, bool | int]]:
        with self._changed:
            return {
                phase: {"held": phase in self._held, "waiting": self._waiting[phase]}
                for phase in PHASES
            }
