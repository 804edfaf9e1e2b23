"""How near delivery comes to what the vendor's limits allow, and to a plain script."""

from collections.abc import Iterator, Sequence

from django.contrib.auth.models import User

from media_assets.models import Connector, Operation
from tools.benchmarks import Figure, benchmark, say
from tools.benchmarks.programs import Sandbox, sandbox, worker
from tools.benchmarks.rows import make_connectors, make_person, submit
from tools.benchmarks.script import script_seconds

FILES = 500
LATENCY = 0.2  # seconds for each call to the sandbox
TOKENS = 10


@benchmark(
    Figure(name="delivery_efficiency_limit1", goal=0.97, at_least=True),
    Figure(name="delivery_efficiency_limit2", goal=0.97, at_least=True),
    Figure(name="delivery_efficiency_10_tokens", goal=0.95, at_least=True),
    Figure(name="delivery_efficiency_2_workers", goal=0.95, at_least=True),
    Figure(name="delivery_vs_script_limit1", goal=0.98, at_least=True),
    Figure(name="delivery_vs_script_limit2", goal=1.9, at_least=True),
    Figure(name="delivery_vs_script_10_tokens", goal=9.0, at_least=True),
    Figure(name="script_beyond_latency_ms", unit="ms"),
)
def delivery(runs: int) -> Iterator[tuple[float, ...]]:
    """500 uploads in each of four ways, and 500 calls of a script to the same sandbox.

    An efficiency is floor / wall. Wall: from the commit of all uploads, while a worker waits, to
    the last result. Floor: calls x latency / calls allowed in flight, so that what the sandbox
    itself needs beyond its latency counts against the worker. `vs_script` is the script's wall
    over the worker's, in the same run; the script comes first in one run and last in the next.
    """
    with sandbox(latency=LATENCY, operations=2 + TOKENS) as box:
        person = make_person()
        one, two, *ten = make_connectors(box)
        Operation.objects.filter(pk=two.operation_id).update(max_in_flight=2)
        for run in range(runs):
            script = _script(box, one) if run % 2 == 0 else 0.0
            with worker("worker-1"):
                submit([one], files=1, folder=f"first-{run}", by=person).seconds_until_ready(
                    floor=LATENCY
                )
                # the limit is by token: with ten of them ten calls may be in flight
                limit1 = _wall(box, [one], in_flight=1, folder=f"one-{run}", by=person)
                limit2 = _wall(box, [two], in_flight=2, folder=f"two-{run}", by=person)
                tokens = _wall(box, ten, in_flight=TOKENS, folder=f"ten-{run}", by=person)
                with worker("worker-2"):
                    workers = _wall(box, ten, in_flight=TOKENS, folder=f"both-{run}", by=person)
            script = script or _script(box, one)
            yield (
                _floor(1) / limit1,
                _floor(2) / limit2,
                _floor(TOKENS) / tokens,
                _floor(TOKENS) / workers,
                script / limit1,
                script / limit2,
                script / tokens,
                1000 * (script / FILES - LATENCY),
            )


def _floor(in_flight: int) -> float:
    return FILES * LATENCY / in_flight


def _wall(
    box: Sandbox, connectors: Sequence[Connector], *, in_flight: int, folder: str, by: User
) -> float:
    """Seconds from the commit of 500 uploads to the last result, by whoever waits for them."""
    box.forget()
    sent = submit(connectors, files=FILES, folder=folder, by=by)
    seconds = sent.seconds_until_ready(floor=_floor(in_flight))
    box.require(calls=FILES, at_once=in_flight // len(connectors))
    say(f"{folder}: {seconds:.2f} s, floor {_floor(in_flight):.2f} s")
    return seconds


def _script(box: Sandbox, connector: Connector) -> float:
    seconds = script_seconds(box, connector, files=FILES)
    say(f"script: {seconds:.2f} s, floor {_floor(1):.2f} s")
    return seconds
