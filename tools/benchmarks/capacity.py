"""How much one worker process holds: calls in flight, and memory."""

import subprocess
import time
from collections.abc import Iterator

from tools.benchmarks import Figure, benchmark, say
from tools.benchmarks.programs import sandbox, worker
from tools.benchmarks.rows import make_connectors, make_person, submit

CALLS = 100
START_WITHIN = 30.0  # seconds
TOKENS = 10
FILES = 500
BATCHES = 5


@benchmark(
    Figure(name="calls_in_flight", goal=CALLS, at_least=True),
    Figure(name="calls_in_flight_start_s", unit="s"),
)
def calls_in_flight(runs: int) -> Iterator[tuple[float, ...]]:
    """Calls that one worker holds at once, over a hundred tokens, and how soon after the commit.

    The sandbox keeps every call waiting until all have come, or half a minute is over.
    """
    with sandbox(latency=0.0, operations=CALLS) as box, worker():
        person, connectors = make_person(), make_connectors(box)
        for run in range(runs):
            box.forget()
            box.hold("received")
            sent = submit(connectors, files=2 * CALLS, folder=f"run-{run}", by=person)
            held = box.held("received")
            while held < CALLS and time.monotonic() - sent.monotonic < START_WITHIN:
                time.sleep(0.02)
                held = box.held("received")
            seconds = time.monotonic() - sent.monotonic
            box.release("received")
            sent.seconds_until_ready(floor=0.0)
            box.require(calls=2 * CALLS, at_once=1)
            yield held, seconds


@benchmark(
    Figure(name="worker_memory_growth_mb", unit="MB", goal=10),
    Figure(name="worker_memory_mb", unit="MB"),
)
def memory(runs: int) -> Iterator[tuple[float, ...]]:
    """What 2,000 more uploads add to a worker's resident memory after its first 500, in MiB."""
    with sandbox(latency=0.0, operations=TOKENS) as box:
        person, connectors = make_person(), make_connectors(box)
        for run in range(runs):
            resident = []
            with worker() as sender:
                for number in range(BATCHES):
                    sent = submit(connectors, files=FILES, folder=f"{run}-{number}", by=person)
                    sent.seconds_until_ready(floor=0.0)
                    resident.append(_resident_mib(sender.process.pid))
            say(", ".join(f"{mib:.1f}" for mib in resident) + " MiB")
            yield resident[-1] - resident[0], resident[-1]


def _resident_mib(pid: int) -> float:
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(told.stdout) / 1024
