"""Many uploads at once: what is changed, for whom, what is recorded, and who comes too late."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from media_assets import roles, submission
from media_assets.delivery import claim_next
from media_assets.models import (
    BULK_LANE,
    QUICK_LANE,
    AuditEvent,
    Batch,
    Outcome,
    Status,
    Upload,
    UploadText,
    now_in_database,
)
from media_assets.submission import Action, fitting
from tests.factories import make_batch, make_connector, make_operation, make_upload, make_user, team

TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"
HOUR = timedelta(hours=1)


@pytest.fixture
def connector(db):
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


@pytest.fixture
def batch(connector, marketing):
    return make_batch(connector, marketing, campaign="Julio")


def statuses(uploads):
    found = Upload.objects.in_bulk([upload.pk for upload in uploads])
    return [found[upload.pk].status for upload in uploads]


def events(action):
    return AuditEvent.objects.filter(action=action)


def many(upload, number):
    """So many rows like this one, made quickly."""
    names = [field.attname for field in Upload._meta.concrete_fields]
    row = {name: getattr(upload, name) for name in names if name not in ("id", "code")}
    return Upload.objects.bulk_create(Upload(**row) for _ in range(number))


def do(change, uploads, *, by, asked_at):
    if change == "campaign":
        return submission.set_campaign_of_each(uploads, "Otra", by=by)
    return vars(submission)[f"{change}_each"](uploads, by=by, asked_at=asked_at)


def test_what_failed_or_was_cancelled_is_retried_and_nothing_else(batch, marketing):
    uploads = [make_upload(batch=batch, status=status) for status in Status]
    before = {upload.pk: upload.status for upload in uploads}

    number = submission.retry_each(
        Upload.objects.all(), by=marketing, asked_at=now_in_database(), address="192.0.2.7"
    )

    assert number == 2
    for upload in Upload.objects.all():
        was = before[upload.pk]
        assert upload.status == (Status.QUEUED if was in {"failed", "cancelled"} else was)
    retried = Upload.objects.filter(pk__in=[u.pk for u in uploads if u.may_be_retried])
    assert {(u.attempts_before, u.finished_at, u.lane) for u in retried} == {
        (1, None, QUICK_LANE),
        (0, None, QUICK_LANE),
    }


def test_many_retries_do_not_hold_up_single_ones(batch, marketing):
    for _ in range(6):
        make_upload(batch=batch, status=Status.FAILED)
    submission.retry_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())
    assert {upload.lane for upload in Upload.objects.all()} == {BULK_LANE}


def test_a_retry_waits_while_wolkvox_may_still_work_on_the_call_before(batch, marketing):
    lease_until = timezone.now() + timedelta(seconds=50)
    unclear = make_upload(batch=batch, status=Status.FAILED, lease_until=lease_until)
    over = make_upload(batch=batch, status=Status.FAILED, lease_until=timezone.now() - HOUR)
    clear = make_upload(batch=batch, status=Status.FAILED)

    submission.retry_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())

    for upload in (unclear, over, clear):
        upload.refresh_from_db()
    assert unclear.due_at == lease_until
    assert over.due_at == over.changed_at
    assert clear.due_at == clear.changed_at


def test_each_upload_remembers_it_and_one_event_stands_for_all(batch, marketing):
    uploads = [make_upload(batch=batch, status=Status.FAILED) for _ in range(3)]

    submission.retry_each(
        Upload.objects.all(),
        by=marketing,
        asked_at=now_in_database(),
        address="192.0.2.7",
        filters={"state": "failed"},
    )

    event = events("upload.retried_many").get()
    assert (event.actor_name, event.address) == ("marta", "192.0.2.7")
    assert event.data == {"uploads": 3, "filters": {"state": "failed"}}
    for upload in uploads:
        own = AuditEvent.objects.about(upload).get()
        assert (own.action, own.data, own.address) == (
            "upload.retried",
            {"together": 3},
            "192.0.2.7",
        )


def test_nothing_is_recorded_where_nothing_is_done(batch, marketing):
    make_upload(batch=batch)
    uploads, now = Upload.objects.all(), now_in_database()

    assert submission.retry_each(uploads, by=marketing, asked_at=now) == 0
    assert submission.cancel_each(uploads, by=marketing, asked_at=now) == 0
    assert submission.set_campaign_of_each(uploads, "Julio", by=marketing) == 0
    assert not AuditEvent.objects.exists()


def test_only_what_waits_is_cancelled(batch, marketing):
    uploads = [make_upload(batch=batch, status=status) for status in Status]

    submission.cancel_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())

    assert statuses(uploads) == ["cancelled", "sending", "ready", "failed", "cancelled"]
    assert events("upload.cancelled").get().object_code == str(uploads[0].code)


def test_renewals_make_one_batch_for_each_connector_and_campaign(connector, marketing):
    july, august = (make_batch(connector, campaign=name) for name in ("Julio", "Agosto"))
    other = make_batch(make_connector(), campaign="Julio")
    uploads = [make_upload(batch=each) for each in (july, july, august, other)]

    number = submission.renew_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())

    assert number == 4
    made = Batch.objects.filter(submitted_by=marketing)
    assert Counter((b.connector_id, b.campaign) for b in made) == {
        (connector.pk, "Julio"): 1,
        (connector.pk, "Agosto"): 1,
        (other.connector_id, "Julio"): 1,
    }
    for upload in uploads:
        renewal = upload.renewals.get()
        assert (renewal.status, renewal.file_url, renewal.campaign, renewal.connector_id) == (
            "queued",
            upload.file_url,
            upload.campaign,
            upload.connector_id,
        )
        assert (renewal.submitted_by, renewal.batch.submitted_by) == (marketing, marketing)
        event = AuditEvent.objects.about(upload).get()
        assert (event.action, event.data) == ("upload.renewed", {"batch": str(renewal.batch.code)})
        assert UploadText.objects.get(upload=renewal).words
    assert events("upload.renewed_many").get().data == {"uploads": 4}


def test_a_batch_of_renewals_is_no_larger_than_any_other(batch, marketing, settings):
    settings.BATCH_MAX = 3
    for _ in range(7):
        make_upload(batch=batch)
    submission.renew_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())
    made = Batch.objects.filter(submitted_by=marketing).exclude(pk=batch.pk)
    assert sorted(each.uploads.count() for each in made) == [1, 3, 3]
    assert set(Upload.objects.queued().values_list("lane", flat=True)) == {BULK_LANE}


@pytest.mark.parametrize(
    ("renewal", "again"),
    [("queued", 0), ("sending", 0), ("ready", 1), ("failed", 1), ("cancelled", 1)],
)
def test_what_has_been_renewed_is_not_renewed_again(batch, marketing, renewal, again):
    """Of a chain only the newest is renewed, and one that failed does not count."""
    upload = make_upload(batch=batch, created_at=timezone.now() - 90 * HOUR)
    made = make_upload(batch=batch, status=renewal, renews=upload, created_at=upload.created_at)

    assert (
        submission.renew_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())
        == again
    )
    newest = made if renewal == "ready" else upload
    assert newest.renewals.queued().exists() == bool(again or renewal == "queued")


def test_a_campaign_is_set_found_and_remembered_with_the_one_before(batch, marketing):
    july, none, same = (
        make_upload(batch=batch, campaign=name) for name in ("Julio", "", "Navidad ñandú")
    )

    number = submission.set_campaign_of_each(Upload.objects.all(), "Navidad ñandú", by=marketing)

    assert number == 2
    assert set(Upload.objects.values_list("campaign", flat=True)) == {"Navidad ñandú"}
    assert AuditEvent.objects.about(july).get().data == {
        "campaign": "Navidad ñandú",
        "campaign_before": "Julio",
    }
    assert AuditEvent.objects.about(none).get().data["campaign_before"] == ""
    assert not AuditEvent.objects.about(same).exists()
    assert events("upload.changed_many").get().data == {"uploads": 2, "campaign": "Navidad ñandú"}
    assert "navidad nandu" in UploadText.objects.get(upload=july).words
    batch.refresh_from_db()
    assert batch.campaign == "Julio"


def test_since_when_it_waits_or_is_sent_stays_when_its_campaign_is_set(batch, marketing):
    earlier = timezone.now() - HOUR
    uploads = [make_upload(batch=batch, status=status, created_at=earlier) for status in Status]

    submission.set_campaign_of_each(Upload.objects.all(), "Otra", by=marketing)

    changed = {
        upload.status
        for upload in Upload.objects.filter(pk__in=[u.pk for u in uploads])
        if upload.changed_at > earlier
    }
    assert changed == {"ready", "failed", "cancelled"}


def test_copied_handles_are_recorded_one_by_one(batch, supervisor):
    ready, failed = make_upload(batch=batch), make_upload(batch=batch, status=Status.FAILED)

    number = submission.copied_each(Upload.objects.all(), snippet="handle", by=supervisor)

    assert number == 1
    event = AuditEvent.objects.about(ready).get()
    assert (event.action, event.data) == ("handle.copied", {"snippet": "handle"})
    assert not AuditEvent.objects.about(failed).exists()
    assert events("handle.copied_many").get().data == {"handles": 1, "snippet": "handle"}


# Who may


@pytest.mark.parametrize("who", ["marketing", "stranger", "supervisor", "connector_admin", "owner"])
def test_the_conditions_say_the_same_as_the_rules_for_one_upload(request, connector, who):
    """`may_change` and `may_cancel`, as a condition over rows of every kind."""
    person = request.getfixturevalue(who)
    colleague = make_user(roles.MARKETING, groups=[team()])
    disabled, brazil = make_connector(is_active=False), make_connector(groups=[team("Brazil")])
    for line in (connector, disabled, brazil):
        for by in (person, colleague):
            make_upload(batch=make_batch(line, by), status=Status.QUEUED)
    uploads = Upload.objects.select_related("connector")

    changeable = set(uploads.filter(roles.changeable_by(person)))
    cancellable = set(uploads.filter(roles.cancellable_by(person)))

    assert changeable == {upload for upload in uploads if roles.may_change(person, upload)}
    assert cancellable == {upload for upload in uploads if roles.may_cancel(person, upload)}


def test_what_one_may_not_change_stays_as_it_is(connector, marketing, stranger, supervisor):
    failed = make_upload(connector, marketing, Status.FAILED)
    waiting = make_upload(connector, marketing, Status.QUEUED)
    everything, now = Upload.objects.all(), now_in_database()
    before = list(Upload.objects.order_by("pk").values())

    for person in (stranger, supervisor):
        assert submission.retry_each(everything, by=person, asked_at=now) == 0
        assert submission.cancel_each(everything, by=person, asked_at=now) == 0
        assert submission.renew_each(everything, by=person, asked_at=now) == 0
        assert submission.set_campaign_of_each(everything, "Otra", by=person) == 0

    assert list(Upload.objects.order_by("pk").values()) == before
    assert statuses([failed, waiting]) == ["failed", "queued"]


def test_a_colleagues_waiting_uploads_are_not_cancelled(connector, marketing):
    own = make_upload(connector, marketing, Status.QUEUED)
    theirs = make_upload(connector, status=Status.QUEUED)

    submission.cancel_each(Upload.objects.all(), by=marketing, asked_at=now_in_database())

    assert statuses([own, theirs]) == ["cancelled", "queued"]


# The number beforehand


def test_the_outlook_names_the_number_and_why_not_the_others(batch, marketing, connector):
    for status, number in [("failed", 3), ("cancelled", 1), ("ready", 2), ("queued", 1)]:
        for _ in range(number):
            make_upload(batch=batch, status=status)
    make_upload(make_connector(groups=[team("Brazil")]), status=Status.FAILED)

    found = submission.outlook(Action.RETRY, Upload.objects.all(), by=marketing)

    assert (found.possible, found.more) == (4, False)
    assert found.left == {"ready": 2, "queued": 1, "somebody_elses": 1}


def test_the_outlook_of_a_renewal_tells_what_is_renewed_from_what_is_not_ready(batch, marketing):
    upload = make_upload(batch=batch)
    make_upload(batch=batch, status=Status.QUEUED, renews=upload)
    make_upload(batch=batch)

    found = submission.outlook(Action.RENEW, Upload.objects.all(), by=marketing)

    assert (found.possible, found.left) == (1, {"renewed": 1, "queued": 1})


def test_of_very_many_the_reasons_are_not_counted(batch, marketing, monkeypatch, settings):
    monkeypatch.setattr(fitting, "COUNTED_MOST", 4)
    settings.BULK_MAX = 2
    many(make_upload(batch=batch), 4)
    many(make_upload(batch=batch, status=Status.FAILED), 1)

    found = submission.outlook(Action.RETRY, Upload.objects.all(), by=marketing)
    assert (found.possible, found.left, found.more, found.is_too_many) == (2, {}, True, False)

    many(make_upload(batch=batch, status=Status.FAILED), 3)
    found = submission.outlook(Action.RETRY, Upload.objects.all(), by=marketing)
    assert (found.possible, found.is_too_many) == (3, True)


@pytest.mark.parametrize("change", ["retry", "cancel", "renew", "campaign"])
def test_more_than_may_be_changed_at_once_are_refused_whole(batch, marketing, settings, change):
    settings.BULK_MAX = 2
    status = {"retry": "failed", "cancel": "queued"}.get(change, "ready")
    many(make_upload(batch=batch, status=status), 2)
    before = list(Upload.objects.order_by("pk").values())
    uploads, now = Upload.objects.all(), now_in_database()

    with pytest.raises(submission.TooMany):
        do(change, uploads, by=marketing, asked_at=now)

    assert list(Upload.objects.order_by("pk").values()) == before
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("number", [10, 1000])
@pytest.mark.parametrize("change", ["retry", "cancel", "renew", "campaign"])
def test_a_thousand_cost_a_few_dozen_queries(
    batch, marketing, django_assert_max_num_queries, change, number
):
    status = {"retry": "failed", "cancel": "queued"}.get(change, "ready")
    many(make_upload(batch=batch, status=status), number - 1)
    uploads, now = Upload.objects.all(), now_in_database()

    with django_assert_max_num_queries(80):
        done = do(change, uploads, by=marketing, asked_at=now)

    assert done == number


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's planner")
def test_renewals_are_looked_up_and_not_searched_for_row_by_row(batch, marketing):
    """With the statistics of a table in which nothing has been renewed yet."""
    many(make_upload(batch=batch), 300)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = Upload.objects.renewable().order_by().explain()
    assert "SEARCH U0 USING INDEX upload_renewals" in plan


# Twice, and at once


def test_a_form_that_is_sent_twice_does_its_work_once(batch, marketing):
    """Also when what it has done has ended in the meantime as it was before."""
    asked_at = now_in_database()
    upload = make_upload(batch=batch, status=Status.FAILED, created_at=asked_at - HOUR)
    ready = make_upload(batch=batch, created_at=asked_at - HOUR)
    failed, live = (Upload.objects.filter(pk=each.pk) for each in (upload, ready))

    assert submission.retry_each(failed, by=marketing, asked_at=asked_at) == 1
    assert submission.renew_each(live, by=marketing, asked_at=asked_at) == 1
    now = now_in_database()
    failed.update(status=Status.FAILED, changed_at=now, finished_at=now)
    Upload.objects.filter(renews=ready).update(status=Status.FAILED, finished_at=now)

    assert submission.retry_each(failed, by=marketing, asked_at=asked_at) == 0
    assert submission.renew_each(live, by=marketing, asked_at=asked_at) == 0
    assert submission.retry_each(failed, by=marketing, asked_at=now_in_database()) == 1
    assert submission.renew_each(live, by=marketing, asked_at=now_in_database()) == 1


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


def while_open(change, then):
    """`then` on another connection, while `change` is made and not committed; both results."""
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

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(work)
        try:
            assert changed.wait(timeout=30)
            second = apart(pool, then)
        finally:
            may_commit.set()
        return first.result(timeout=30), second.result(timeout=30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", ["retry", "cancel", "renew"])
def test_two_people_who_do_it_at_once_do_it_once(change):
    operation = make_operation(server="0042", token=TOKEN)
    batch = make_batch(make_connector(operation))
    status = {"retry": "failed", "cancel": "queued"}.get(change, "ready")
    uploads = [make_upload(batch=batch, status=status) for _ in range(3)]
    marta = batch.submitted_by
    carla = make_user("Owner")
    asked_at, chosen = now_in_database(), Upload.objects.filter(batch=batch)

    done = while_open(
        lambda: do(change, chosen, by=marta, asked_at=asked_at),
        lambda: do(change, chosen, by=carla, asked_at=asked_at),
    )

    assert done == (3, 0)
    name = {"retry": "retried", "cancel": "cancelled", "renew": "renewed"}[change]
    assert {event.actor_name for event in events(f"upload.{name}")} == {marta.username}
    if change == "renew":
        assert all(upload.renewals.count() == 1 for upload in uploads)


@pytest.mark.django_db(transaction=True)
def test_two_people_with_overlapping_choices_do_not_lock_each_other_out():
    batch = make_batch(make_connector(make_operation(server="0042", token=TOKEN)))
    uploads = [make_upload(batch=batch, status=Status.FAILED) for _ in range(30)]
    olga, omar = make_user("Owner"), make_user("Owner")
    start = threading.Barrier(2)
    asked_at = now_in_database()

    def act(person, some):
        try:
            start.wait(timeout=30)
            return submission.retry_each(
                Upload.objects.filter(pk__in=[upload.pk for upload in some]),
                by=person,
                asked_at=asked_at,
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(act, olga, uploads[:20]),
            pool.submit(act, omar, uploads[10:][::-1]),
        ]
        done = [future.result(timeout=60) for future in futures]

    assert sum(done) == 30
    assert events("upload.retried").count() == 30
    assert set(statuses(uploads)) == {Status.QUEUED}


@pytest.mark.django_db(transaction=True)
def test_what_the_worker_claims_meanwhile_is_left_to_it():
    connector = make_connector(make_operation(server="0042", token=TOKEN))
    claimed = make_upload(connector, status=Status.QUEUED)
    waiting = make_upload(batch=claimed.batch, status=Status.QUEUED)
    person, asked_at = claimed.submitted_by, now_in_database()
    fingerprint = connector.operation.token_fingerprint

    _claim, number = while_open(
        lambda: claim_next(fingerprint),
        lambda: submission.cancel_each(Upload.objects.all(), by=person, asked_at=asked_at),
    )

    assert number == 1
    assert statuses([claimed, waiting]) == [Status.SENDING, Status.CANCELLED]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_comes_meanwhile_passes_over_what_is_being_cancelled():
    connector = make_connector(make_operation(server="0042", token=TOKEN))
    upload = make_upload(connector, status=Status.QUEUED)
    person, asked_at = upload.submitted_by, now_in_database()
    fingerprint = connector.operation.token_fingerprint

    number, claim = while_open(
        lambda: submission.cancel_each(Upload.objects.all(), by=person, asked_at=asked_at),
        lambda: claim_next(fingerprint),
    )

    assert (number, claim) == (1, None)
    assert statuses([upload]) == [Status.CANCELLED]


@pytest.mark.django_db(transaction=True)
def test_a_result_that_arrives_while_a_campaign_is_set_loses_neither():
    connector = make_connector(make_operation(server="0042", token=TOKEN))
    upload = make_upload(connector, status=Status.SENDING, last_outcome=Outcome.UNCLEAR)
    person = upload.submitted_by

    number, answer = while_open(
        lambda: submission.set_campaign_of_each(Upload.objects.all(), "Otra", by=person),
        lambda: upload.to_ready("4::x", number=1, at=timezone.now()).run().count,
    )

    upload.refresh_from_db()
    assert (number, answer) == (1, 1)
    assert (upload.status, upload.campaign, upload.handle) == ("ready", "Otra", "4::x")
