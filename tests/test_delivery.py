"""The worker against the sandbox, over real sockets: what each answer leads to."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.utils import timezone

from media_assets import crypto, submission
from media_assets.delivery import Result, Worker, claim_next, look, record, recover, statements
from media_assets.delivery import queue as delivery_queue
from media_assets.delivery import worker as delivery_worker
from media_assets.delivery.rules import MOST_TRIES, wait_before_next_try
from media_assets.models import (
    BULK_LANE,
    Attempt,
    AuditEvent,
    Operation,
    Outcome,
    PauseReason,
    Status,
    Upload,
    verification,
)
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import make_connector, make_operation, make_upload
from tests.waiting import PATIENCE, wait_until

TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"
OTHER_TOKEN = "776f6c6b766f78" + "9876543210" * 3 + "abcdef01"


@pytest.fixture
def box(settings):
    with Sandbox(port=0, operations={"0042": TOKEN, "0077": OTHER_TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [box.origin]
        yield box


@pytest.fixture
def hurried(settings):
    """Waits between tries that a test can sit out."""
    settings.DELIVERY_NOT_SENT_FIRST = timedelta(milliseconds=10)
    settings.DELIVERY_BUSY_FIRST = timedelta(milliseconds=10)
    settings.DELIVERY_SIMULTANEOUS = timedelta(milliseconds=10)
    settings.DELIVERY_UNCLEAR = timedelta(milliseconds=-1)


@pytest.fixture
def connector(box, db):
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


def queued(connector, name="promo-julio.jpg", **values):
    url = f"https://storage.googleapis.com/wvox-0042/{name}"
    return make_upload(connector, status="queued", file_url=url, **values)


def deliver(upload):
    """Deliver until the upload is finished, through all the waits between its tries."""
    for _ in range(20):
        Worker(threads=4).run(until_idle=True)
        upload.refresh_from_db()
        if upload.is_finished or upload.connector.operation.paused_now:
            break
        Upload.objects.queued().update(due_at=timezone.now())
    return upload


def take_up(now):
    """What a worker does at this time with the uploads of dead ones; how many there were."""
    return recover(look(now).abandoned, now=now)


def deliver_once():
    Worker(threads=4).run(until_idle=True)


def test_a_queued_upload_becomes_ready_with_the_very_handle_that_was_given(box, connector):
    upload = deliver(queued(connector, "multiline.jpg"))

    assert upload.status == Status.READY
    assert upload.handle.count("\n") == 2
    assert upload.handle_expires_at - timezone.now() > timedelta(days=3, hours=23)
    attempt = upload.attempts.get()
    assert (attempt.outcome, attempt.http_status, attempt.vendor_code) == ("ready", 200, "200")
    assert attempt.finished_at is not None
    assert [event.action for event in AuditEvent.objects.about(upload)] == ["upload.ready"]


def test_the_call_says_the_connector_and_the_file_to_the_operations_own_server(box, connector):
    upload = deliver(queued(connector))

    (call,) = box.ledger.calls
    assert (call.server, call.connector_id, call.file_url) == ("0042", "1266", upload.file_url)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("reset-after", Outcome.UNCLEAR),
        ("truncated", Outcome.UNCLEAR),
        ("html-200", Outcome.UNCLEAR),
        ("html-502", Outcome.UNCLEAR),
        ("json-500", Outcome.UNCLEAR),
        ("handle-empty", Outcome.UNCLEAR),
        ("handle-missing", Outcome.UNCLEAR),
        ("handle-url", Outcome.UNCLEAR),
        ("data-list", Outcome.UNCLEAR),
        ("data-null", Outcome.UNCLEAR),
        ("429", Outcome.BUSY),
        ("403-unknown", Outcome.BUSY),
        ("403-maintenance", Outcome.BUSY),
        ("403-simultaneous", Outcome.SIMULTANEOUS),
    ],
)
def test_a_temporary_fault_is_tried_again_and_then_given_up(
    fault, outcome, box, connector, hurried
):
    upload = deliver(queued(connector, f"fault-{fault}.jpg"))

    assert (upload.status, upload.last_outcome) == (Status.FAILED, outcome)
    assert upload.attempts.count() == MOST_TRIES[outcome] == len(box.ledger.calls)
    assert set(upload.attempts.values_list("outcome", flat=True)) == {outcome}
    actions = [event.action for event in AuditEvent.objects.about(upload)]
    assert actions == ["upload.postponed"] * (MOST_TRIES[outcome] - 1) + ["upload.failed"]


@pytest.mark.parametrize("fault", ["400", "404", "code-400", "redirect-302", "redirect-307"])
def test_a_definite_no_is_not_tried_again(fault, box, connector):
    upload = deliver(queued(connector, f"fault-{fault}.jpg"))

    assert (upload.status, upload.last_outcome) == (Status.FAILED, Outcome.REFUSED)
    assert len(box.ledger.calls) == 1


def test_a_fault_that_passes_leaves_a_handle_and_every_attempt(box, connector, hurried):
    upload = deliver(queued(connector, "fault-json-500-2x.jpg"))

    assert upload.status == Status.READY
    outcomes = list(upload.attempts.values_list("outcome", flat=True))
    assert outcomes == [Outcome.UNCLEAR, Outcome.UNCLEAR, Outcome.READY]


def test_the_vendors_wish_to_wait_is_honoured(box, connector, hurried):
    upload = queued(connector, "fault-503-retry-after.jpg")
    deliver_once()

    upload.refresh_from_db()
    assert upload.status == Status.QUEUED
    assert upload.due_at > timezone.now() + timedelta(seconds=1)


def test_an_unreachable_server_is_tried_six_times(settings, connector, box, hurried):
    settings.WOLKVOX_BASE_URL = "http://127.0.0.1:9/wv{server}/api/v2/"
    connector.operation.set_token(TOKEN)
    upload = deliver(queued(connector))

    assert (upload.status, upload.last_outcome) == (Status.FAILED, Outcome.NOT_SENT)
    assert upload.attempts.count() == 6
    assert box.ledger.calls == []


def test_a_refused_token_pauses_the_operation_and_a_new_one_lets_it_go_on(box, connector):
    operation = connector.operation
    operation.set_token(OTHER_TOKEN)
    uploads = [queued(connector, f"muestra-00{n}.jpg") for n in range(1, 4)]
    deliver_once()

    operation.refresh_from_db()
    assert operation.paused_reason == PauseReason.TOKEN
    assert operation.paused_until is None
    assert len(box.ledger.calls) == 1
    assert {upload.status for upload in Upload.objects.all()} == {Status.QUEUED}

    operation.set_token(TOKEN)
    deliver_once()
    assert Upload.objects.ready().count() == len(uploads)


def test_a_used_up_quota_pauses_the_operation_and_one_call_an_hour_tries(box, connector):
    upload = queued(connector, "fault-403-daily-1x.jpg")
    queued(connector, "muestra-001.jpg")
    deliver_once()

    operation = Operation.objects.get(pk=connector.operation_id)
    assert operation.paused_reason == PauseReason.QUOTA
    assert operation.paused_until is not None
    assert timedelta(minutes=59) < operation.paused_until - timezone.now() <= timedelta(hours=1)
    assert len(box.ledger.calls) == 1

    Operation.objects.update(paused_until=timezone.now())
    deliver_once()
    operation.refresh_from_db()
    assert operation.paused_reason == PauseReason.NONE
    assert Upload.objects.ready().count() == 2
    upload.refresh_from_db()
    assert list(upload.attempts.values_list("outcome", flat=True)) == ["quota", "ready"]


def test_a_persons_pause_holds_whatever_the_worker_finds(box, connector):
    upload = queued(connector, "fault-403-token.jpg")
    claim = claim_next(connector.operation.token_fingerprint)
    assert claim is not None
    Operation.objects.all().pause(PauseReason.MANUAL, until=None)
    record(claim, Result(Outcome.TOKEN), claim_more=True)

    connector.operation.refresh_from_db()
    assert connector.operation.paused_reason == PauseReason.MANUAL
    upload.refresh_from_db()
    assert upload.status == Status.QUEUED


def test_a_pause_until_the_token_changes_is_not_made_a_shorter_one(box, connector):
    Operation.objects.update(max_in_flight=2)
    queued(connector, "a.jpg")
    queued(connector, "b.jpg")
    fingerprint = connector.operation.token_fingerprint
    first, second = claim_next(fingerprint), claim_next(fingerprint)
    assert first
    assert second
    record(first, Result(Outcome.TOKEN), claim_more=True)
    record(second, Result(Outcome.QUOTA), claim_more=True)

    connector.operation.refresh_from_db()
    assert connector.operation.paused_reason == PauseReason.TOKEN
    assert connector.operation.paused_until is None


def test_a_token_that_stops_opening_during_a_call_breaks_no_lane(box, connector):
    """The event of the pause and the one of the handle are of one lane and one transaction."""
    upload, following = queued(connector), queued(connector)
    claim = claim_next(connector.operation.token_fingerprint)
    assert claim is not None
    Operation.objects.update(server="0043")

    assert record(claim, Result(Outcome.READY, handle="4::x"), claim_more=True) is None

    told = AuditEvent.objects.order_by("number").values_list("action", "number")
    assert list(told) == [("operation.paused", 1), ("upload.ready", 2)]
    assert verification.verify().count == 2
    Operation.objects.update(server="0042", paused_reason="", paused_until=None)
    deliver_once()
    assert verification.verify().count == 3
    for each in (upload, following):
        each.refresh_from_db()
        assert each.status == Status.READY


def test_a_handle_says_nothing_of_another_operations_token_that_cannot_be_opened(box, connector):
    other = make_operation(server="0042", token=TOKEN)
    Operation.objects.filter(pk=other.pk).update(sealed_token="v1.deadbeef." + "A" * 40)
    for n in range(4):
        queued(connector, f"{n}.jpg")
    claim = claim_next(connector.operation.token_fingerprint)
    while claim is not None:
        claim = record(claim, Result(Outcome.READY, handle="4::x"), claim_more=True)

    assert Upload.objects.ready().count() == 4
    told = AuditEvent.objects.about(other).values_list("action", flat=True)
    assert list(told) == ["operation.paused"]

    other.set_token(TOKEN)  # as if its key were back
    over = {"paused_reason": PauseReason.LOCAL, "paused_until": timezone.now()}
    Operation.objects.filter(pk=other.pk).update(**over)
    Operation.objects.update(max_in_flight=2)
    for n in range(2):
        queued(connector, f"later-{n}.jpg")
    assert claim_next(connector.operation.token_fingerprint)
    assert claim_next(connector.operation.token_fingerprint)
    assert list(told.all()) == ["operation.paused", "operation.resumed"]


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_calls_are_in_flight_than_the_operation_allows(limit, box, connector):
    Operation.objects.update(max_in_flight=limit)
    box.latency = 0.02
    for n in range(1, 9):
        queued(connector, f"muestra-00{n}.jpg")
    deliver_once()

    assert Upload.objects.ready().count() == 8
    assert box.ledger.max_in_flight(TOKEN) == limit


def test_operations_with_the_same_token_share_its_limit(box, connector):
    box.latency = 0.02
    twin = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1267")
    for n in range(1, 5):
        queued(connector, f"muestra-00{n}.jpg")
        queued(twin, f"muestra-01{n}.jpg")
    deliver_once()

    assert Upload.objects.ready().count() == 8
    assert box.ledger.max_in_flight(TOKEN) == 1


def test_other_operations_are_served_side_by_side(box, connector):
    box.latency = 0.2
    other = make_connector(make_operation(server="0077", token=OTHER_TOKEN), connector_id="1366")
    queued(connector)
    queued(other)
    deliver_once()

    first, second = box.ledger.calls
    assert {first.server, second.server} == {"0042", "0077"}
    assert second.arrived < first.ended


def test_a_single_upload_passes_a_bulk(box, connector):
    for n in range(1, 8):
        queued(connector, f"muestra-00{n}.jpg", lane=BULK_LANE)
    single = queued(connector, "lanzamiento.jpg")
    deliver_once()

    assert box.ledger.calls[0].file_url == single.file_url
    in_order = [call.file_url[-7:] for call in box.ledger.calls[1:]]
    assert in_order == sorted(in_order)


def test_a_first_try_passes_repeats(box, connector, hurried):
    for n in range(1, 4):
        queued(connector, f"fault-json-500-1x-{n}.jpg", lane=BULK_LANE)
        queued(connector, f"muestra-00{n}.jpg", lane=BULK_LANE)
    deliver_once()

    names = [call.file_url.rpartition("/")[2] for call in box.ledger.calls]
    assert len(names) == 9
    assert len(set(names[:6])) == 6


def test_uploads_of_disabled_connectors_and_operations_wait(box, connector):
    queued(connector)
    connector.is_active = False
    connector.save()
    deliver_once()
    assert box.ledger.calls == []

    connector.is_active = True
    connector.save()
    Operation.objects.update(is_active=False)
    deliver_once()
    assert box.ledger.calls == []


def test_an_upload_of_a_disabled_connector_waits_beside_those_of_an_active_one(box, connector):
    disabled = make_connector(connector.operation, connector_id="1267", is_active=False)
    waits = queued(disabled, "muestra-001.jpg")
    queued(connector, "muestra-002.jpg")
    queued(connector, "muestra-003.jpg")
    deliver_once()

    waits.refresh_from_db()
    assert (waits.status, len(box.ledger.calls)) == (Status.QUEUED, 2)


def test_after_a_pause_one_call_goes_alone(box, connector):
    paused = {"paused_reason": PauseReason.QUOTA, "paused_until": timezone.now()}
    Operation.objects.update(max_in_flight=2, **paused)
    for n in range(1, 4):
        queued(connector, f"muestra-00{n}.jpg")
    fingerprint = connector.operation.token_fingerprint

    first = claim_next(fingerprint)
    assert first is not None
    assert claim_next(fingerprint) is None
    record(first, Result(Outcome.READY, handle="4::x"), claim_more=True)
    assert claim_next(fingerprint) is not None


def test_a_worker_with_nothing_in_flight_ends_though_the_database_is_away(box, db, monkeypatch):
    def away(*args):
        raise OperationalError

    monkeypatch.setattr(delivery_worker, "look", away)
    worker = Worker()
    running = threading.Thread(target=worker.stop)
    running.start()
    worker.run()
    running.join()
    assert box.ledger.calls == []


def test_an_upload_without_a_token_to_send_it_with_waits(box, db):
    connector = make_connector(make_operation(server="0042"))
    upload = queued(connector)
    deliver_once()

    upload.refresh_from_db()
    assert (upload.status, upload.attempt_count) == (Status.QUEUED, 0)


def test_a_missing_key_pauses_the_operation_costs_no_attempt_and_sends_nothing(
    box, connector, settings
):
    upload = queued(connector)
    settings.TOKEN_KEYS = ["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMTI="]
    deliver_once()

    connector.operation.refresh_from_db()
    assert connector.operation.paused_reason == PauseReason.LOCAL
    assert (box.ledger.calls, Attempt.objects.count()) == ([], 0)
    upload.refresh_from_db()
    assert upload.status == Status.QUEUED


def test_what_a_killed_worker_left_is_taken_up_when_its_lease_is_over(box, connector):
    upload = queued(connector)
    assert claim_next(connector.operation.token_fingerprint)
    now = timezone.now()
    assert take_up(now) == 0
    assert claim_next(connector.operation.token_fingerprint) is None

    assert take_up(now + django_settings.DELIVERY_LEASE + timedelta(seconds=1)) == 1
    upload.refresh_from_db()
    assert upload.status == Status.QUEUED
    assert upload.attempts.get().outcome == Outcome.INTERRUPTED
    Upload.objects.update(due_at=now)
    assert deliver(upload).status == Status.READY
    assert list(upload.attempts.values_list("outcome", flat=True)) == ["interrupted", "ready"]


def test_a_worker_that_lost_its_claim_changes_nothing_but_keeps_its_handle(box, connector):
    upload = queued(connector)
    late = claim_next(connector.operation.token_fingerprint)
    assert late is not None
    take_up(timezone.now() + timedelta(minutes=2))
    Upload.objects.update(due_at=timezone.now())
    assert deliver(upload).status == Status.READY
    kept = upload.handle

    record(late, Result(Outcome.READY, handle="4::late"), claim_more=False)
    upload.refresh_from_db()
    assert upload.handle == kept
    first, second = upload.attempts.all()
    assert (first.outcome, first.late_handle) == (Outcome.INTERRUPTED, "4::late")
    assert (second.outcome, second.late_handle) == (Outcome.READY, "")


def test_a_worker_that_slept_past_its_lease_does_not_call(box, connector, settings):
    settings.DELIVERY_START_WITHIN = timedelta(0)
    upload = queued(connector)
    deliver_once()

    assert box.ledger.calls == []
    assert upload.attempts.get().outcome == Outcome.NOT_SENT


def test_a_call_without_an_answer_keeps_its_slot_while_wolkvox_may_work_on_it(box, connector):
    queued(connector, "fault-reset-after-1x.jpg")
    queued(connector, "muestra-001.jpg")
    deliver_once()
    assert len(box.ledger.calls) == 1

    Upload.objects.exclude(lease_until=None).update(lease_until=timezone.now())
    deliver_once()
    assert len(box.ledger.calls) == 2


def test_a_retry_waits_for_the_call_that_gave_no_answer(box, connector):
    upload = queued(connector, "fault-reset-after.jpg")
    upload.attempts.create(number=1, started_at=timezone.now(), outcome=Outcome.UNCLEAR)
    upload.attempts.create(number=2, started_at=timezone.now(), outcome=Outcome.UNCLEAR)
    Upload.objects.update(attempt_count=2)
    deliver_once()
    upload.refresh_from_db()
    assert upload.status == Status.FAILED

    assert submission.retry(upload, by=upload.submitted_by)
    upload.refresh_from_db()
    assert upload.due_at > timezone.now() + timedelta(seconds=50)


def test_a_token_replaced_during_a_call_still_counts_for_the_operations_that_share_it(
    box, connector
):
    twin = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1267")
    queued(connector)
    queued(twin)
    fingerprint = connector.operation.token_fingerprint
    claim = claim_next(fingerprint)
    assert claim is not None
    connector.operation.set_token(OTHER_TOKEN)
    assert claim_next(fingerprint) is None

    record(claim, Result(Outcome.READY, handle="4::x"), claim_more=False)
    assert claim_next(fingerprint) is not None


def test_a_refusal_pauses_the_operation_also_when_keys_were_rotated_during_the_call(
    box, connector, settings
):
    queued(connector)
    claim = claim_next(connector.operation.token_fingerprint)
    assert claim is not None
    settings.TOKEN_KEYS = ["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMTI=", *settings.TOKEN_KEYS]
    call_command("rotate_tokens", stdout=StringIO())
    connector.operation.refresh_from_db()
    assert claim_next(connector.operation.token_fingerprint) is None

    # what a worker knows that was started with both keys
    both = tuple(crypto.fingerprints(TOKEN))
    record(replace(claim, fingerprints=both), Result(Outcome.TOKEN), claim_more=False)
    connector.operation.refresh_from_db()
    assert connector.operation.paused_reason == PauseReason.TOKEN


def test_with_every_thread_busy_the_tokens_take_turns(box, connector):
    other = make_connector(make_operation(server="0077", token=OTHER_TOKEN), connector_id="1366")
    for n in range(1, 5):
        queued(connector, f"muestra-00{n}.jpg")
        queued(other, f"muestra-00{n}.jpg")
    Worker(threads=1).run(until_idle=True)

    servers = [call.server for call in box.ledger.calls]
    assert len(servers) == 8
    assert all(one != following for one, following in itertools.pairwise(servers))


def test_a_fault_of_this_machine_costs_no_attempt(box, connector, monkeypatch):
    def no_authorities(*args, **kwargs):
        raise FileNotFoundError

    monkeypatch.setattr(delivery_queue, "Client", no_authorities)
    upload = queued(connector)
    deliver_once()

    connector.operation.refresh_from_db()
    assert connector.operation.paused_reason == PauseReason.LOCAL
    upload.refresh_from_db()
    assert (upload.status, upload.attempt_count) == (Status.QUEUED, 0)


def test_a_result_recorded_twice_is_no_late_handle(box, connector):
    queued(connector)
    claim = claim_next(connector.operation.token_fingerprint)
    assert claim is not None
    for _ in range(2):
        record(claim, Result(Outcome.READY, handle="4::x"), claim_more=False)
    assert Attempt.objects.get().late_handle == ""


@pytest.mark.django_db(transaction=True)
def test_a_call_that_was_prepared_is_not_made_when_its_claim_does_not_commit(box, monkeypatch):
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    upload = queued(connector)
    commit = connection.commit
    refusals = iter([OperationalError("no space left")])

    def refuse_once():
        for refusal in refusals:
            raise refusal
        commit()

    monkeypatch.setattr(connection, "commit", refuse_once)
    deliver_once()

    upload.refresh_from_db()
    assert (upload.status, upload.attempt_count, len(box.ledger.calls)) == (Status.READY, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_claim_at_once_one_gets_the_slot(box):
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    for n in range(1, 5):
        queued(connector, f"muestra-00{n}.jpg")
    start = threading.Barrier(4)

    def claim():
        start.wait()
        try:
            return claim_next(connector.operation.token_fingerprint)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        claims = [future.result() for future in [pool.submit(claim) for _ in range(4)]]
    assert sum(claim is not None for claim in claims) == 1
    assert Upload.objects.sending().count() == 1


def test_a_retry_gives_a_failed_upload_its_full_number_of_tries_again(
    box, connector, hurried, django_user_model
):
    upload = deliver(queued(connector, "fault-json-500-4x.jpg"))
    assert upload.status == Status.FAILED

    assert submission.retry(upload, by=upload.submitted_by)
    assert deliver(upload).status == Status.READY
    assert upload.attempts.count() == 5
    assert not submission.retry(upload, by=upload.submitted_by)


@pytest.mark.sqlite_only
def test_leases_that_ran_out_are_not_walked_for_every_call(connector):
    operation = connector.operation
    asked = statements.next_due(
        [operation.pk], fingerprints=[operation.token_fingerprint], now=timezone.now()
    )
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked.sql}", asked.parameters)
        plan = "\n".join(row[-1] for row in cursor.fetchall())

    assert "upload_holding (sent_with=? AND lease_until>?)" in plan
    assert plan.count("upload_holding") == 1


def test_nothing_is_looked_for_in_tokens_that_wait_for_nothing(box, connector):
    assert look(timezone.now()).waiting == []
    queued(connector, due_at=timezone.now() + timedelta(minutes=1))
    assert look(timezone.now()).waiting == []
    queued(connector)
    assert look(timezone.now()).waiting == [connector.operation.token_fingerprint]


@pytest.mark.parametrize("outcome", list(MOST_TRIES))
def test_waits_between_tries_only_grow_and_end(outcome):
    waits = [wait_before_next_try(outcome, tries=n) for n in range(1, MOST_TRIES[outcome] + 1)]

    assert waits[-1] is None
    assert all(wait is not None and wait >= timedelta(0) for wait in waits[:-1])
    busy = sum(
        (django_settings.DELIVERY_BUSY_FIRST * 2 ** (n - 1) for n in range(1, 8)), timedelta(0)
    )
    assert timedelta(hours=3, minutes=30) < busy < timedelta(hours=4, minutes=30)


@pytest.mark.django_db(transaction=True)
def test_sigterm_finishes_the_call_in_flight_and_ends_with_zero(box, settings):
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    box.hold("received")
    first, second = queued(connector, "muestra-001.jpg"), queued(connector, "muestra-002.jpg")
    with worker_process(box) as process:
        box.wait_for("received", timeout=PATIENCE)
        process.send_signal(signal.SIGTERM)
        box.release("received")

        assert process.wait(timeout=PATIENCE) == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Status.READY, Status.QUEUED)


@pytest.mark.django_db(transaction=True)
def test_new_work_is_picked_up_at_once_by_a_waiting_worker(box):
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    queued(connector, "muestra-001.jpg")
    url = "https://storage.googleapis.com/wvox-0042/muestra-002.jpg"
    with worker_process(box) as process:
        wait_until(lambda: box.ledger.calls)
        box.ledger.clear()
        person = Upload.objects.get().submitted_by
        checked = submission.check(url, connector=connector)
        submission.submit(checked, connector=connector, by=person, key=uuid.uuid4())
        wait_until(lambda: box.ledger.calls)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=PATIENCE) == 0


@contextmanager
def worker_process(box):
    """`manage.py deliver` on this test's database and sandbox; it looks by itself once an hour."""
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        server = connection.settings_dict
        url = f"postgres://{server['USER']}@{server['HOST']}:{server['PORT']}/{name}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "deliver"],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE_URL": url,
            "WOLKVOX_BASE_URL": box.base_url,
            "DELIVERY_POLL": "3600",
            "DEMO": "true",  # the sandbox is for demonstrations only
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_damaged_server_beside_a_good_one_with_the_same_token_stops_only_itself(box, connector):
    good = [queued(connector), queued(connector)]
    damaged = make_connector(make_operation(server="0042", token=TOKEN))
    waiting = queued(damaged)
    Operation.objects.filter(pk=damaged.operation_id).update(server="@e.t")

    deliver_once()

    for upload in good:
        upload.refresh_from_db()
        assert upload.status == Status.READY
    waiting.refresh_from_db()
    assert waiting.status == Status.QUEUED
    assert len(box.ledger.calls) == 2
    damaged.operation.refresh_from_db()
    assert damaged.operation.paused_reason == PauseReason.LOCAL
