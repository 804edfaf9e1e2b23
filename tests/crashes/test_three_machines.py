"""Workers on three machines, with one PostgreSQL between them."""

import signal

import pytest

from tests.crashes.databases import cluster_running
from tests.crashes.machines import network_of, sandbox_on_every
from tests.crashes.promises import promises_hold
from tests.crashes.rows import outcomes_of, queue_file, queue_files
from tests.crashes.workers import database_url, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]
# milliseconds, in place of the product's half a minute
HURRIED = "?options=-c%20idle_in_transaction_session_timeout%3D1500"


@pytest.fixture
def network():
    with network_of(3) as network:
        yield network


@pytest.fixture
def start(network, transactional_db, box, workers):
    """A function that starts a worker on a machine."""
    with (
        cluster_running(addresses=[network.address], network=network.range),
        sandbox_on_every(network, port=box.port),
    ):
        url = database_url(HOST=network.address) + HURRIED
        yield lambda machine, **options: workers.start(
            database=url, prefix=network.command_in(machine), **options
        )


def test_they_share_the_work_and_survive_a_kill(network, start, box, workers, connector_of):
    for server in ("0042", "0043", "0044"):
        queue_files(connector_of(server), count=30)
    box.hold("received")
    three = [start(machine) for machine in network.machines]
    workers.wait_for("received", calls=2)
    three[0].kill()
    box.release("received")
    wait_until(lambda: len(box.ledger.calls) >= 40, else_say=workers.said)
    three[0] = start(network.machines[0])
    workers.wait_until_finished()
    for worker in three:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.said

    promises_hold(box, accepted=90)


def test_a_machine_that_is_cut_off_with_a_lock_holds_nobody_up(
    network, start, box, workers, connector_of
):
    left, right, _ = network.machines
    upload = queue_file(connector_of("0042"))
    lost = start(left, pause_at="claim written")
    lost.wait_at_point()
    network.unplug(left)
    other = start(right)
    workers.wait_until_finished()

    assert outcomes_of(upload) == ["ready"]
    assert other.is_alive
    promises_hold(box, accepted=1)


def test_a_machine_that_is_cut_off_during_a_call_brings_its_handle_late(
    network, start, box, workers, connector_of
):
    left, right, _ = network.machines
    upload = queue_file(connector_of("0042"))
    lost = start(left, pause_at="answered")
    lost.wait_at_point()
    network.unplug(left)
    lost.go_on()
    start(right)
    workers.wait_until_finished()
    network.plug_in(left)
    wait_until(upload.attempts.exclude(late_handle="").exists, else_say=workers.said)

    assert outcomes_of(upload) == ["interrupted", "ready"]
    assert lost.is_alive
    promises_hold(box, accepted=1)
