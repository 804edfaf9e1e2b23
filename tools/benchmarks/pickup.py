"""How soon a worker that waits takes up a single upload."""

import random
import time
from collections.abc import Iterator
from statistics import median

from tools.benchmarks import POSTGRESQL, SQLITE, Figure, benchmark, p95
from tools.benchmarks.programs import sandbox, worker
from tools.benchmarks.rows import make_connectors, make_person, submit

UPLOADS = 60
LATENCY = 0.2  # seconds for each call to the sandbox


@benchmark(
    Figure(name="pickup_p95_ms", unit="ms", goal={POSTGRESQL: 50, SQLITE: 300}),
    Figure(name="pickup_median_ms", unit="ms"),
)
def pickup(runs: int) -> Iterator[tuple[float, ...]]:
    """From the commit of an upload to the arrival of its call at the sandbox, in milliseconds.

    The system is idle before each: the one before has its handle, and a pause of varying length
    keeps us out of step with whatever a worker does regularly.
    """
    pause = random.Random(1)  # noqa: S311  (spreads moments, guards nothing)
    with sandbox(latency=LATENCY) as box, worker():
        person, connectors = make_person(), make_connectors(box)
        submit(connectors, files=1, folder="first", by=person).seconds_until_ready(floor=LATENCY)
        for run in range(runs):
            box.forget()
            committed = []
            for number in range(UPLOADS):
                time.sleep(pause.uniform(0.1, 0.4))
                sent = submit(connectors, files=1, folder=f"{run}-{number}", by=person)
                sent.seconds_until_ready(floor=LATENCY)
                committed.append(sent.monotonic)
            box.require(calls=UPLOADS, at_once=1)
            calls = box.ledger(latest=UPLOADS)["calls"]
            pairs = zip(calls, committed, strict=True)
            waits = [1000 * (call["arrived"] - moment) for call, moment in pairs]
            yield p95(waits), median(waits)
