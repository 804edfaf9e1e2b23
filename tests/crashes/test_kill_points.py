"""A worker killed at every point of a delivery; a second one finishes the job."""

from datetime import timedelta

import pytest

from tests.crashes.promises import promises_hold
from tests.crashes.rows import outcomes_of, queue_file, queue_files

pytestmark = pytest.mark.django_db(transaction=True)

INTERRUPTED = ["interrupted", "ready"]


@pytest.mark.parametrize(
    ("point", "outcomes", "calls"),
    [
        ("claim written", ["ready"], 1),
        ("claim committed", INTERRUPTED, 1),
        ("answered", INTERRUPTED, 2),
        ("result written", INTERRUPTED, 2),
        ("result committed", ["ready"], 1),
    ],
)
def test_killed_around_a_commit(point, outcomes, calls, box, workers, connector_of):
    first, *_ = queue_files(connector_of("0042"), count=3)
    killed = workers.start(pause_at=point)
    killed.wait_at_point()
    killed.kill()
    workers.finish()

    promises_hold(box, accepted=3)
    assert outcomes_of(first) == outcomes
    assert len([call for call in box.ledger.calls if call.file_url == first.file_url]) == calls


@pytest.mark.parametrize("phase", ["connected", "received", "half-answered"])
def test_killed_while_wolkvox_has_the_call(phase, box, workers, connector_of):
    first, *_ = queue_files(connector_of("0042"), count=3)
    box.hold(phase)
    killed = workers.start()
    workers.wait_for(phase)
    killed.kill()
    box.release(phase)
    workers.finish()

    promises_hold(box, accepted=3)
    assert outcomes_of(first) == INTERRUPTED
    assert len(box.ledger.calls) == 4


def test_the_slot_of_a_killed_worker_stays_taken_while_wolkvox_works(box, workers, connector_of):
    one, twin, other = (connector_of(server) for server in ("0042", "0043", "0044"))
    killed, second = workers.start(pause_at="start"), workers.start(pause_at="start")
    killed.wait_at_point()
    second.wait_at_point()
    queue_files(one, count=2)
    queue_file(twin)
    box.hold("received")
    killed.go_on()
    box.wait_for("received")
    killed.kill()
    queue_file(other)
    second.go_on()
    # it has looked for work, and found only what belongs to the other token
    assert box.wait_for("received", calls=2).server == "0044"
    box.release("received")
    workers.wait_until_finished()

    promises_hold(box, accepted=4)


def test_nothing_waits_longer_than_a_lease_and_a_look(settings):
    """Promise 5 in numbers; the tests above show that what has run out is taken up."""
    longest = settings.DELIVERY_LEASE + settings.DELIVERY_POLL
    assert longest < timedelta(minutes=3)
