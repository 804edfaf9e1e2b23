"""Cancelling what waits: the change of state, its race with the worker, and the way back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections, transaction
from django.utils import timezone

from media_assets import submission
from media_assets.delivery import Worker, claim_next
from media_assets.models import AuditEvent, Outcome, Status, Upload, rows
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import make_batch, make_connector, make_operation, make_upload

TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"


@pytest.fixture
def connector(db):
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


@pytest.fixture
def batch(connector, marketing):
    return make_batch(connector, marketing)


def status_of(upload):
    return Upload.objects.values_list("status", flat=True).get(pk=upload.pk)


def events(action):
    return AuditEvent.objects.filter(action=action)


def test_a_cancelled_upload_is_finished_and_says_who_did_it(batch, marketing):
    upload = make_upload(batch=batch, status=Status.QUEUED)

    assert submission.cancel(upload, by=marketing, address="192.0.2.7")

    upload.refresh_from_db()
    assert (upload.status, upload.is_finished) == (Status.CANCELLED, True)
    assert upload.finished_at == upload.changed_at
    event = AuditEvent.objects.about(upload).get()
    assert (event.action, event.actor_name, event.address) == (
        "upload.cancelled",
        "marta",
        "192.0.2.7",
    )


@pytest.mark.parametrize("status", [Status.SENDING, Status.READY, Status.FAILED, Status.CANCELLED])
def test_only_what_waits_can_be_cancelled(batch, marketing, status):
    upload = make_upload(batch=batch, status=status)
    before = Upload.objects.values().get(pk=upload.pk)

    assert not submission.cancel(upload, by=marketing)
    assert submission.cancel_waiting(batch, by=marketing) == 0

    assert Upload.objects.values().get(pk=upload.pk) == before
    assert not AuditEvent.objects.exists()


def test_what_the_worker_has_claimed_is_sent_though_the_page_says_it_waits(batch, marketing):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    seen_before = Upload.objects.get()
    rows.run(*upload.to_sending(timezone.now(), fingerprint="f"))

    assert not submission.cancel(seen_before, by=marketing)

    assert status_of(upload) == Status.SENDING


def test_what_is_cancelled_first_cannot_be_claimed(batch, marketing):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    seen_before = Upload.objects.get()
    assert submission.cancel(upload, by=marketing)

    taken, _attempt = seen_before.to_sending(timezone.now(), fingerprint="f")
    assert taken.run().count == 0

    assert status_of(upload) == Status.CANCELLED
    assert not upload.attempts.exists()


def test_between_two_tries_it_can_be_cancelled_and_keeps_its_slot(batch, marketing):
    lease_until = timezone.now() + timedelta(seconds=50)
    upload = make_upload(
        batch=batch,
        status=Status.QUEUED,
        attempt_count=1,
        last_outcome=Outcome.UNCLEAR,
        lease_until=lease_until,
        due_at=lease_until,
    )

    assert submission.cancel(upload, by=marketing)

    assert list(Upload.objects.holding(timezone.now())) == [upload]
    upload.refresh_from_db()
    assert submission.retry(upload, by=marketing)
    upload.refresh_from_db()
    assert (upload.status, upload.due_at, upload.finished_at) == ("queued", lease_until, None)
    assert upload.attempts_before == 1


def test_a_batch_is_cancelled_in_one_go_and_every_upload_remembers_it(batch, marketing):
    waiting = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(3)]
    others = [make_upload(batch=batch, status=status) for status in ("sending", "ready", "failed")]
    elsewhere = make_upload(batch.connector, marketing, status=Status.QUEUED)

    assert submission.cancel_waiting(batch, by=marketing, address="192.0.2.7") == 3

    assert {status_of(upload) for upload in waiting} == {Status.CANCELLED}
    assert [status_of(upload) for upload in others] == ["sending", "ready", "failed"]
    assert status_of(elsewhere) == Status.QUEUED
    event = events("batch.cancelled").get()
    assert (event.object_code, event.data) == (str(batch.code), {"uploads": 3})
    assert [event.address for event in events("upload.cancelled")] == ["192.0.2.7"] * 3
    for upload in waiting:
        event = AuditEvent.objects.about(upload).get()
        assert (event.actor_name, event.object_label) == ("marta", str(upload))
        assert event.data == {"batch": str(batch.code)}


def test_500_uploads_are_cancelled_with_a_handful_of_queries(
    batch, marketing, django_assert_max_num_queries
):
    template = make_upload(batch=batch, status=Status.QUEUED)
    names = [field.attname for field in Upload._meta.concrete_fields]
    row = {name: getattr(template, name) for name in names if name not in ("id", "code")}
    Upload.objects.bulk_create(Upload(**row) for _ in range(django_settings.BATCH_MAX - 1))

    with django_assert_max_num_queries(22):
        assert submission.cancel_waiting(batch, by=marketing) == django_settings.BATCH_MAX

    assert events("upload.cancelled").count() == django_settings.BATCH_MAX


@contextmanager
def in_open_transaction(change):
    """Another connection has made `change`, and commits it at the end of this block."""
    changed, may_commit = threading.Event(), threading.Event()

    def work():
        try:
            with transaction.atomic():
                result = change()
                changed.set()
                assert may_commit.wait(timeout=30)
                return result
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            assert changed.wait(timeout=30)
            yield
        finally:
            may_commit.set()
        assert future.result(timeout=30)


def apart(pool, act):
    """Do something on a connection of its own, and return when it waits for a lock or is done."""

    def work():
        try:
            return act()
        finally:
            connections.close_all()

    future = pool.submit(work)
    while connection.vendor == "postgresql" and not future.done() and not somebody_waits():
        pass
    return future


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["one", "batch"])
def test_a_worker_that_comes_while_it_is_cancelled_gets_nothing(by):
    connector = make_connector(make_operation(server="0042", token=TOKEN))
    upload = make_upload(connector, status=Status.QUEUED)
    fingerprint = connector.operation.token_fingerprint
    person = upload.submitted_by

    def cancel():
        if by == "one":
            return submission.cancel(upload, by=person)
        return submission.cancel_waiting(upload.batch, by=person)

    with ThreadPoolExecutor(1) as pool:
        with in_open_transaction(cancel):
            claiming = apart(pool, lambda: claim_next(fingerprint))
        assert claiming.result(timeout=30) is None
    assert status_of(upload) == Status.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_who_cancels_while_the_worker_claims_leaves_that_upload_to_it():
    connector = make_connector(make_operation(server="0042", token=TOKEN))
    claimed = make_upload(connector, status=Status.QUEUED)
    waiting = make_upload(batch=claimed.batch, status=Status.QUEUED)
    fingerprint = connector.operation.token_fingerprint
    person = claimed.submitted_by

    with ThreadPoolExecutor(1) as pool:
        with in_open_transaction(lambda: claim_next(fingerprint)):
            cancelling = apart(pool, lambda: submission.cancel_waiting(claimed.batch, by=person))
        assert cancelling.result(timeout=30) == 1
    assert (status_of(claimed), status_of(waiting)) == (Status.SENDING, Status.CANCELLED)
    assert events("upload.cancelled").get().object_code == str(waiting.code)


def test_the_worker_sends_what_was_not_cancelled_and_what_was_retried(
    settings, connector, batch, marketing
):
    cancelled, retried, sent = (make_upload(batch=batch, status=Status.QUEUED) for _ in range(3))
    for upload in (cancelled, retried):
        assert submission.cancel(upload, by=marketing)
    retried.refresh_from_db()
    assert submission.retry(retried, by=marketing)

    with Sandbox(port=0, operations={"0042": TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        operation = connector.operation
        operation.set_token(TOKEN)  # a token is bound to the address it is for
        Worker(threads=4).run(until_idle=True)
        urls = {call.file_url for call in box.ledger.calls}

    assert urls == {sent.file_url, retried.file_url}
    assert [status_of(each) for each in (cancelled, retried, sent)] == [
        Status.CANCELLED,
        Status.READY,
        Status.READY,
    ]


def test_a_cancelled_renewal_is_none(marketing, connector):
    upload = make_upload(connector, handle_expires_at=timezone.now() + timedelta(hours=5))
    renewal = submission.renew(upload, by=marketing)
    assert not Upload.objects.expiring(timedelta(days=1)).exists()

    assert submission.cancel(renewal, by=marketing)

    assert list(Upload.objects.expiring(timedelta(days=1))) == [upload]
    assert submission.renew(upload, by=marketing) != renewal
