"""SIGTERM, SIGSTOP and SIGCONT, and two workers that start in the same instant."""

import signal

import pytest

from media_assets.models import Attempt, Status, Upload
from tests.crashes.promises import promises_hold
from tests.crashes.rows import outcomes_of, queue_file, queue_files
from tests.crashes.workers import SHORT, stop_between_transactions, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_sigterm_stops_claiming_at_once_and_finishes_what_is_in_flight(box, workers, connector_of):
    connectors = [connector_of("0042"), connector_of("0044")]
    in_flight = [queue_file(connector) for connector in connectors]
    box.hold("received")
    worker = workers.start()
    workers.wait_for("received", calls=2)
    later = [queue_file(connector) for connector in connectors]
    worker.send(signal.SIGTERM)
    box.release("received")

    assert worker.wait() == 0
    assert {one.file_url for one in in_flight} == {call.file_url for call in box.ledger.calls}
    assert [outcomes_of(one) for one in in_flight + later] == [["ready"], ["ready"], [], []]
    promises_hold(box, accepted=4, finished=False)
    workers.finish()
    promises_hold(box, accepted=4)


def test_sigterm_ends_within_the_deadline_when_wolkvox_never_answers(box, workers, connector_of):
    upload = queue_file(connector_of("0042"))
    box.hold("received")
    worker = workers.start()
    workers.wait_for("received")
    worker.send(signal.SIGTERM)

    assert worker.wait() == 0
    assert outcomes_of(upload) == ["unclear"]
    box.release("received")
    workers.finish()
    promises_hold(box, accepted=1)


def test_a_second_sigterm_cuts_it_off_like_a_kill(box, workers, connector_of):
    upload = queue_file(connector_of("0042"))
    box.hold("received")
    patient = {**SHORT, "DELIVERY_DEADLINE": "60", "DELIVERY_LEASE": "70"}
    worker = workers.start(settings=patient)
    workers.wait_for("received")
    # one that comes before the first was dealt with is the same signal still
    wait_until(lambda: worker.send(signal.SIGTERM) or not worker.is_alive)

    assert worker.wait() == 1
    assert outcomes_of(upload) == ["running"]
    box.release("received")
    Upload.objects.update(lease_until=upload.created_at)  # the 70 seconds have passed
    workers.finish()
    assert outcomes_of(upload) == ["interrupted", "ready"]
    promises_hold(box, accepted=1)


def test_stopped_during_a_call_and_continued_after_its_lease(box, workers, connector_of):
    upload = queue_file(connector_of("0042"))
    box.hold("received")
    stopped = workers.start()
    workers.wait_for("received")
    stop_between_transactions(stopped)
    box.release("received")
    workers.finish()
    handle = Upload.objects.get().handle
    stopped.send(signal.SIGCONT)
    stopped.send(signal.SIGTERM)

    assert stopped.wait() == 0
    assert Upload.objects.get().handle == handle
    assert outcomes_of(upload) == ["interrupted", "ready"]
    promises_hold(box, accepted=1)


def test_stopped_after_the_answer_the_late_handle_is_kept_with_its_attempt(
    box, workers, connector_of
):
    queue_file(connector_of("0042"))
    stopped = workers.start(pause_at="answered")
    stopped.wait_at_point()
    stop_between_transactions(stopped)
    stopped.go_on()
    workers.finish()
    handle = Upload.objects.get().handle
    stopped.send(signal.SIGCONT)
    wait_until(Attempt.objects.exclude(late_handle="").exists)

    first, second = Attempt.objects.exclude(outcome="not_sent").order_by("number")
    assert (first.outcome, second.outcome) == ("interrupted", "ready")
    assert first.late_handle != handle
    assert second.late_handle == ""
    assert Upload.objects.get().handle == handle
    assert len(box.ledger.calls) == 2
    promises_hold(box, accepted=1)


def test_stopped_between_claim_and_call_it_does_not_call_after_its_lease(
    box, workers, connector_of
):
    upload = queue_file(connector_of("0042"))
    stopped = workers.start(pause_at="claim committed")
    stopped.wait_at_point()
    stopped.stop()
    stopped.go_on()
    workers.finish()
    stopped.send(signal.SIGCONT)
    stopped.send(signal.SIGTERM)

    assert stopped.wait() == 0
    assert len(box.ledger.calls) == 1
    assert outcomes_of(upload) == ["interrupted", "ready"]
    assert Attempt.objects.get(number=1).reason != ""  # what the stopped one has to say of it
    promises_hold(box, accepted=1)


def test_two_workers_started_in_the_same_instant(box, workers, connector_of):
    for server in ("0042", "0043", "0044"):
        queue_files(connector_of(server), count=10)
    both = [workers.start(pause_at="start") for _ in range(2)]
    for worker in both:
        worker.wait_at_point()
    for worker in both:
        worker.go_on()
    workers.wait_until_finished()

    promises_hold(box, accepted=30)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"ready"}
    assert set(Upload.objects.values_list("status", flat=True)) == {Status.READY}
