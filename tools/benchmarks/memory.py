"""What a process holds in memory, as Linux tells it in /proc."""

import os
import re
from pathlib import Path

MEBIBYTE = 1024  # in the kilobytes of /proc


def resident(process: int) -> float:
    """MiB that a process holds now."""
    return _megabytes(process, "VmRSS")


def peak(process: int) -> float:
    """The most MiB it has held since `forget_peak`."""
    return _megabytes(process, "VmHWM")


def forget_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def this_process() -> int:
    return os.getpid()


def _megabytes(process: int, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, flags=re.MULTILINE)
    if found is None:
        raise RuntimeError(f"process {process} has ended")
    return int(found[1]) / MEBIBYTE
