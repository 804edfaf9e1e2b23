"""Programs that live as long as this one: started, watched and ended together."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.environment import ROOT, VAR

LOGS = VAR / "log"
# A line of a log begins with its date; what follows without one, as a traceback, belongs to it.
RECORD = re.compile(r"\[?\d{4}-\d\d-\d\d ")
ALARM = re.compile(r"\b(?:ERROR|CRITICAL)\b|^Traceback ")
PR_SET_PDEATHSIG = 1  # prctl(2)


class Child:
    """One program in a session of its own, so that a Ctrl-C reaches it only through `stop`."""

    def __init__(
        self, name: str, *, command: Sequence[str | Path], environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
            )
        self._output = self.log.open(encoding="utf-8", errors="replace")
        self._unfinished_line = ""
        self._alarmed = False

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def alarms(self) -> list[str]:
        """The errors among the lines it has written since the last look, tracebacks in full."""
        *lines, self._unfinished_line = (self._unfinished_line + self._output.read()).split("\n")
        alarms = []
        for line in lines:
            if RECORD.match(line) or ALARM.search(line):
                self._alarmed = bool(ALARM.search(line))
            if self._alarmed:
                alarms.append(line)
        return alarms

    def kill(self) -> None:
        """End what is left of it and of the processes it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()


def stop(children: Sequence[Child], *, grace: float) -> None:
    """Ask the children to end, and end those that have not after `grace` seconds."""
    for child in children:
        if not child.ended:
            child.process.terminate()
    deadline = time.monotonic() + grace
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        child.kill()


def end_with_parent(parent: int) -> Callable[[], None] | None:
    """What a process calls so that SIGTERM reaches it when `parent` is killed; None if it cannot.

    Only Linux offers this.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def call() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed in the meantime
            os._exit(1)

    return call
