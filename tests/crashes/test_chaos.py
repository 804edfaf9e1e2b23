"""Four workers, twenty operations, two thousand uploads, and a worker killed again and again.

CHAOS_SEED=… chooses the same victims again, though not the same instants.
"""

import os
import random
import time

import pytest

from media_assets.models import Attempt, Operation
from media_assets.wolkvox.sandbox import Sandbox
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files
from tests.crashes.workers import all_finished, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4
UPLOADS = 2000
SERVERS = [f"{number:04}" for number in range(1, 21)]
TOKENS = {server: f"776f6c6b766f78{server}" + "0123456789" * 3 + "abcd" for server in SERVERS}
TOKENS["0002"] = TOKENS["0001"]
MOST_SECONDS_BETWEEN_KILLS = 5.0


@pytest.fixture
def box():
    with Sandbox(port=0, operations=TOKENS, latency=0.03) as box:
        yield box


def test_nothing_is_lost_doubled_or_left_while_workers_are_killed(box, workers, connector_of):
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**9))
    print(f"CHAOS_SEED={seed}")  # noqa: T201  (shown when the test fails)
    chance = random.Random(seed)
    for server in SERVERS:
        queue_files(connector_of(server), count=UPLOADS // len(SERVERS))
    Operation.objects.filter(server__in=SERVERS[2::4]).update(max_in_flight=2)
    box.hold("received")
    first = [workers.start() for _ in range(WORKERS)]
    workers.wait_for("received")
    for victim in first:  # by chance alone it might never hit one that has a call
        victim.kill()
    box.release("received")
    running = [workers.start() for _ in range(WORKERS)]
    started = time.monotonic()
    kills = 0
    while not all_finished():
        wait_for_calls(box, chance.randint(100, 300))
        if all_finished():
            break
        victim = chance.choice(running)
        victim.kill()
        running[running.index(victim)] = workers.start()
        kills += 1
        assert time.monotonic() - started < 300, workers.said()
    seconds = time.monotonic() - started
    print(f"{seconds:.0f} s, {kills} kills, {len(box.ledger.calls)} calls")  # noqa: T201

    promises_hold(box, accepted=UPLOADS)
    assert kills >= 5
    assert Attempt.objects.filter(outcome="interrupted").exists()


def wait_for_calls(box, more):
    """Until so many more calls have arrived, everything is finished, or a few seconds are over."""
    until = len(box.ledger.calls) + more
    deadline = time.monotonic() + MOST_SECONDS_BETWEEN_KILLS
    wait_until(
        lambda: len(box.ledger.calls) >= until or time.monotonic() > deadline or all_finished()
    )
