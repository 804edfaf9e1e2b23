"""One worker's clock is two hours off; on PostgreSQL all go by the database's."""

import signal

import pytest

from tests.crashes.promises import promises_hold
from tests.crashes.rows import outcomes_of, queue_file, queue_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]
TWO_HOURS = 2 * 3600.0


@pytest.mark.parametrize("clock", [TWO_HOURS, -TWO_HOURS], ids=["ahead", "behind"])
def test_what_another_left_is_taken_up_when_its_lease_is_over_and_not_before(
    clock, box, workers, connector_of
):
    one, other = connector_of("0042"), connector_of("0044")
    killed = workers.start(pause_at="start")
    wrong = workers.start(pause_at="start", clock=clock)
    killed.wait_at_point()
    wrong.wait_at_point()
    left = queue_file(one)
    box.hold("received")
    killed.go_on()
    box.wait_for("received")
    killed.kill()
    queue_file(other)
    wrong.go_on()
    assert box.wait_for("received", calls=2).server == "0044"
    box.release("received")
    workers.wait_until_finished()

    assert outcomes_of(left) == ["interrupted", "ready"]
    promises_hold(box, accepted=2)


def test_workers_two_hours_ahead_and_behind_share_the_work_with_one_that_is_right(
    box, workers, connector_of
):
    for server in ("0042", "0043", "0044"):
        queue_files(connector_of(server), count=15)
    box.hold("received")
    clocks = [TWO_HOURS, -TWO_HOURS, 0.0]
    three = [workers.start(clock=clock) for clock in clocks]
    workers.wait_for("received", calls=2)
    three[0].kill()
    box.release("received")
    workers.wait_until_finished()
    for worker in three[1:]:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.said

    promises_hold(box, accepted=45)
