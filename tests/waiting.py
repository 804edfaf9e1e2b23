"""Waiting for what another thread or process is about to do."""

import time
from collections.abc import Callable

# Seconds. A machine may be slow and busy: what takes this long does not happen at all.
PATIENCE = 60.0


def wait_until(
    happened: Callable[[], object],
    *,
    seconds: float = PATIENCE,
    else_say: Callable[[], str] = str,
) -> None:
    """Ask until it is so; after so many seconds AssertionError, with what `else_say` tells."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"it did not happen in {seconds} s\n{else_say()}"
        time.sleep(0.02)
