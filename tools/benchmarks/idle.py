"""What a worker costs that has nothing to do."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from media_assets.delivery import Worker
from tools.benchmarks import Figure, benchmark

SETTLE = 2.0  # seconds
WATCHED = 30.0  # seconds


@benchmark(
    Figure(name="idle_queries_per_minute"),
    Figure(name="idle_cpu_ms_per_minute", unit="ms"),
)
def idle(runs: int) -> Iterator[tuple[float, ...]]:
    """Statements on the worker's connection, and processor time of its process, in a minute.

    The worker runs in this process, which does nothing else; it is watched for half a minute. On
    SQLite its look for news, a PRAGMA that reads one number, is among the statements.
    """
    for _run in range(runs):
        yield _watch()


def _watch() -> tuple[float, float]:
    statements = 0
    seen: list[tuple[float, float, float]] = []

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    def watch() -> None:
        for seconds in (SETTLE, WATCHED):
            time.sleep(seconds)
            seen.append((statements, time.process_time(), time.monotonic()))
        worker.stop()

    worker = Worker()
    watcher = threading.Thread(target=watch)
    watcher.start()
    with connection.execute_wrapper(count):
        worker.run()
    watcher.join()
    first, last = seen
    executed, processor, seconds = (
        after - before for before, after in zip(first, last, strict=True)
    )
    minutes = seconds / 60
    return executed / minutes, 1000 * processor / minutes
