"""How much is tried: a slice in the suite, all of it in `make fuzz`, which sets the environment."""

import json
import os
import time
import unittest
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

FULL = os.environ.get("FUZZ_REPORT", "")
SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))


def budget(name: str, *, otherwise: int) -> settings:
    """So many examples as FUZZ_<name> says; the same ones each time in the suite."""
    return settings(
        max_examples=int(os.environ.get(f"FUZZ_{name}", otherwise)),
        deadline=None,
        database=None,
        derandomize=not FULL,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


class Tally:
    """Counts what was tried and what came of it, until the time is over."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = time.monotonic()
        self._outcomes: Counter[str] = Counter()
        self._findings = 0

    def require_time(self) -> None:
        """Raises SkipTest when the time is over, at which hypothesis stops; see `run`.

        What was found is still made as small as can be.
        """
        if not self._findings and time.monotonic() - self._started > SECONDS:
            raise unittest.SkipTest("the time is over")

    def found(self) -> None:
        self._findings += 1

    def count(self, outcome: object) -> None:
        self._outcomes[str(outcome)] += 1

    def run(self, test: Callable[[], None]) -> None:
        """All examples, or as many as the time allows; what came of them goes to the report."""
        try:
            test()
        except unittest.SkipTest:
            self.count("(time was over)")
        finally:
            self._write()

    def _write(self) -> None:
        if not FULL:
            return
        report = Path(FULL)
        known: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
        known[self._name] = {
            "tried": sum(self._outcomes.values()),
            "seconds": round(time.monotonic() - self._started, 1),
            "outcomes": dict(self._outcomes.most_common()),
        }
        report.write_text(json.dumps(known))
