"""`manage.py purge_history`: what it removes, what it keeps, and what it leaves behind."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from media_assets import figures, retention
from media_assets.models import (
    Attempt,
    AuditEvent,
    Batch,
    DayFigures,
    HandleText,
    Purge,
    Status,
    Upload,
    UploadText,
    verification,
)
from tests.factories import make_batch, make_upload

pytestmark = pytest.mark.django_db

OLD, NEW = timedelta(days=500), timedelta(days=300)


def purge(*arguments):
    said = io.StringIO()
    call_command("purge_history", *arguments, stdout=said)
    return said.getvalue()


def old(status=Status.READY, **values):
    upload = make_upload(status=status, created_at=timezone.now() - OLD, **values)
    upload.attempts.create(number=1, started_at=upload.created_at)
    return upload


def test_nothing_is_removed_unless_it_is_said_how_old_it_has_to_be(settings):
    old()

    with pytest.raises(CommandError, match="HISTORY_KEEP_DAYS"):
        purge()

    assert settings.HISTORY_KEEP_DAYS == 0
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("age", ["400", "0d", "-3d", "400h", "", "4e2d"])
def test_an_age_that_is_none_is_refused_in_a_sentence(age):
    with pytest.raises(CommandError, match="400d"):
        purge(f"--older-than={age}")


def test_old_finished_uploads_go_with_all_that_hangs_on_them(owner):
    gone = [old(Status.READY), old(Status.FAILED), old(Status.CANCELLED)]
    kept = make_upload(created_at=timezone.now() - NEW)
    assert UploadText.objects.count() == 4

    said = purge("--older-than", "400d", "--by", owner.username)

    assert "Removed 3 uploads" in said
    assert list(Upload.objects.all()) == [kept]
    assert not Attempt.objects.filter(upload__in=gone).exists()
    assert list(Batch.objects.all()) == [kept.batch]
    assert set(UploadText.objects.values_list("pk", flat=True)) == {kept.pk}
    assert set(HandleText.objects.values_list("pk", flat=True)) <= {kept.pk}
    event = AuditEvent.objects.get(action="history.purged")
    assert event.actor_name == owner.username
    assert (event.data["uploads"], event.data["attempts"], event.data["batches"]) == (3, 3, 3)
    assert event.data["before"]
    assert not event.data["interrupted"]


def test_figures_are_of_what_is_left():
    old()
    kept = make_upload(created_at=timezone.now() - NEW)
    figures.refresh()

    purge("--older-than", "400d")

    assert [cell.connector_id for cell in DayFigures.objects.all()] == [kept.connector_id]


def _spread_and_counted():
    for days in (150, 300, 500):
        make_upload(status=Status.FAILED, created_at=timezone.now() - timedelta(days=days))
    figures.refresh()


def _in_the_figures():
    return sum(DayFigures.objects.values_list("uploads", flat=True))


def test_a_killed_run_of_younger_uploads_leaves_none_in_the_figures(monkeypatch):
    _spread_and_counted()
    with monkeypatch.context() as patch:
        patch.setattr(figures, "recount_until", _killed)
        with pytest.raises(KeyboardInterrupt):
            purge("--older-than", "200d")
    assert (Upload.objects.count(), _in_the_figures()) == (1, 3)

    purge("--older-than", "400d")

    assert _in_the_figures() == 1
    told = AuditEvent.objects.filter(action="history.purged").order_by("id")
    assert [(each.data["uploads"], each.data["interrupted"]) for each in told] == [
        (2, True),
        (0, False),
    ]


def test_a_run_that_is_taken_over_leaves_none_of_its_own_in_the_figures(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 1)
    _spread_and_counted()
    remove = retention._remove
    steps = []

    def taken_over_at_the_second(chosen):
        steps.append(chosen)
        if len(steps) == 2:
            Purge.objects.all().delete()
        return remove(chosen)

    monkeypatch.setattr(retention, "_remove", taken_over_at_the_second)
    with pytest.raises(CommandError, match="Another run"):
        purge("--older-than", "100d")

    assert Upload.objects.count() == _in_the_figures() == 2


def test_a_run_that_another_one_ends_while_it_counts_says_so(monkeypatch):
    old()
    monkeypatch.setattr(figures, "recount_until", lambda until: Purge.objects.all().delete())

    with pytest.raises(CommandError, match="Another run"):
        purge("--older-than", "400d")


def _killed(*_arguments):
    raise KeyboardInterrupt


def test_the_setting_stands_in_for_the_age(settings):
    settings.HISTORY_KEEP_DAYS = 400
    old()

    assert "more than 400 days ago" in purge()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING])
def test_what_waits_or_is_being_sent_stays_however_old_it_is(status):
    upload = old(status)

    purge("--older-than", "1d")

    assert list(Upload.objects.all()) == [upload]


def test_what_was_finished_lately_or_has_a_live_handle_stays():
    retried = old(finished_at=timezone.now() - NEW)
    live = old(handle_expires_at=timezone.now() + timedelta(days=1))

    purge("--older-than", "400d")

    assert set(Upload.objects.all()) == {retried, live}


def test_a_handle_without_an_expiry_stays_as_long_as_it_counts_as_live():
    finished = timezone.now() - timedelta(days=2)
    live = old(handle_expires_at=None, finished_at=finished)
    old(status=Status.FAILED, handle_expires_at=None, finished_at=finished)
    old(handle_expires_at=None, finished_at=timezone.now() - timedelta(days=5))

    purge("--older-than", "1d")

    assert list(Upload.objects.all()) == [live] == list(Upload.objects.live())


def test_what_a_younger_upload_renews_stays_and_an_old_chain_goes_as_a_whole():
    first, second = old(), old()
    third = make_upload(created_at=timezone.now() - NEW, renews=second)
    Upload.objects.filter(pk=second.pk).update(renews=first)
    gone = old()
    old(renews=gone)

    assert "Would remove 2 uploads" in purge("--older-than", "400d", "--dry-run")
    purge("--older-than", "400d")

    assert set(Upload.objects.all()) == {first, second, third}


def test_a_batch_stays_as_long_as_it_has_an_upload():
    batch = make_batch()
    old(batch=batch)
    kept = make_upload(batch=batch)

    assert "and 0 batches" in purge("--older-than", "400d", "--dry-run")
    purge("--older-than", "400d")

    assert list(batch.uploads.all()) == [kept]


def test_a_dry_run_names_the_numbers_and_writes_nothing():
    old(), old()

    said = purge("--older-than", "400d", "--dry-run")

    assert "Would remove 2 uploads" in said
    assert "with 2 attempts, and 2 batches" in said
    assert Upload.objects.count() == 2
    assert not AuditEvent.objects.exists()
    assert not Purge.objects.exists()


def test_events_about_what_is_removed_stay(owner):
    upload = old()
    AuditEvent.objects.record("handle.copied", by=owner, on=upload, snippet="handle")

    purge("--older-than", "400d")

    assert AuditEvent.objects.get(action="handle.copied").object_label == str(upload)
    assert verification.verify().count == 2


def test_a_run_without_a_name_is_the_servers_and_says_under_which_account():
    purge("--older-than", "400d")

    event = AuditEvent.objects.get()
    assert (event.actor_name, event.actor_id) == ("server", "")
    assert event.data["account"]
    with pytest.raises(CommandError, match="nobody called"):
        purge("--older-than", "400d", "--by", "nadie")


def test_a_killed_run_keeps_what_it_did_and_the_next_one_tells_of_it_and_goes_on(
    owner, monkeypatch
):
    monkeypatch.setattr(retention, "STEP", 2)
    for _ in range(5):
        old()
    take_step = retention._take_step
    steps = iter([True, True, False])

    def killed(*arguments):
        if not next(steps):
            raise KeyboardInterrupt
        return take_step(*arguments)

    monkeypatch.setattr(retention, "_take_step", killed)
    with pytest.raises(KeyboardInterrupt):
        purge("--older-than", "400d", "--by", owner.username)
    assert Upload.objects.count() == 1
    assert not AuditEvent.objects.filter(action="history.purged").exists()

    monkeypatch.setattr(retention, "_take_step", take_step)
    purge("--older-than", "400d")

    first, second = AuditEvent.objects.filter(action="history.purged").order_by("id")
    assert (first.actor_name, first.data["uploads"], first.data["interrupted"]) == (
        owner.username, 4, True,
    )  # fmt: skip
    assert (second.data["uploads"], second.data["interrupted"]) == (1, False)
    assert not Upload.objects.exists()
    assert not Purge.objects.exists()


def test_a_step_that_fails_takes_back_what_it_removed(monkeypatch):
    old()
    monkeypatch.setattr(retention, "_remove_empty", lambda batches: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        purge("--older-than", "400d")

    assert (Upload.objects.count(), Attempt.objects.count()) == (1, 1)


def test_a_run_that_another_one_has_ended_walks_away(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 1)
    old(), old()
    remove = retention._remove

    def taken_over(chosen):
        for run in Purge.objects.all():
            retention._tell(run, interrupted=True)
        return remove(chosen)

    monkeypatch.setattr(retention, "_remove", taken_over)
    with pytest.raises(CommandError, match="Another run"):
        purge("--older-than", "400d")


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_remove_everything_once_and_each_leaves_one_event(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 3)
    for _ in range(20):
        old()

    def run(_number):
        try:
            return retention.purge(
                timezone.now() - timedelta(days=400),
                by=None,
                account="root",
                recount=lambda until: None,
            ).uploads
        except retention.TakenOver:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    purge("--older-than", "400d")

    told = AuditEvent.objects.filter(action="history.purged")
    assert told.count() == 3
    assert sum(event.data["uploads"] for event in told) == 20
    assert not Upload.objects.exists()
