"""The summary table: it always says what the uploads say."""

import math
import threading
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from media_assets import figures, roles, submission
from media_assets.figures import counting, keeper, refreshing, times
from media_assets.models import Connector, DayFigures, FiguresState, Outcome, Status, Upload
from tests.factories import make_connector, make_handle, make_upload, make_user, team

DAY = timedelta(days=1)


@pytest.mark.parametrize("percent", [50, 95])
@given(st.lists(st.floats(0.25, 500_000), min_size=1, max_size=60))
def test_median_and_p95_are_off_by_less_than_a_tenth(percent, seconds):
    histogram = sum(times.one(each) for each in seconds)

    found = times.quantile(times.unpack(times.pack(histogram)), percent=percent)

    exact = sorted(seconds)[math.ceil(percent * len(seconds) / 100) - 1]
    assert found is not None
    assert abs(found / exact - 1) < 0.1


@pytest.mark.parametrize(("seconds", "place"), [(-1.0, 0), (0.0, 0), (0.25, 0), (1e9, 79)])
def test_what_no_class_is_for_goes_into_the_first_or_the_last(seconds, place):
    assert times.one(seconds) == 1 << times.BITS * place


def test_of_nothing_there_is_no_median():
    assert times.quantile(0, percent=50) is None


def test_a_class_holds_more_than_a_year_has_uploads():
    histogram = sum([times.one(4.0)] * 3_000_000)

    assert times.quantile(histogram, percent=95) == times.quantile(times.one(4.0), percent=95)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_after_whatever_happens_the_summary_says_what_the_uploads_say(data):
    people = [make_user(roles.MARKETING, groups=[team()]) for _ in range(2)]
    connectors = [make_connector() for _ in range(2)]
    days = [timezone.now() - n * DAY for n in (0, 0, 1, 3)]

    def new():
        at = data.draw(st.sampled_from(days))
        return make_upload(
            data.draw(st.sampled_from(connectors)),
            data.draw(st.sampled_from(people)),
            data.draw(st.sampled_from(Status)),
            campaign=data.draw(st.sampled_from(["", "Julio"])),
            created_at=at,
            changed_at=timezone.now(),
        )

    def change():
        uploads = list(Upload.objects.order_by("pk"))
        if not uploads:
            return
        upload = uploads[data.draw(st.integers(0, 100)) % len(uploads)]
        _changes()[data.draw(st.sampled_from(sorted(_changes())))](upload)

    for step in data.draw(st.lists(st.sampled_from([new, change, figures.refresh]), max_size=12)):
        step()
    while not figures.refresh():
        pass

    assert stored() == counted()


def _changes():
    now = timezone.now()
    seconds = timedelta(seconds=7)
    return {
        "sent": lambda one: _run(one.to_sending(now, fingerprint="f"), Status.QUEUED, one),
        "ready": lambda one: _run(
            [one.to_ready(make_handle(), number=one.attempt_count, at=now + seconds)],
            Status.SENDING,
            one,
        ),
        "failed": lambda one: _run(
            [one.to_failed(Outcome.UNCLEAR, number=one.attempt_count, at=now + seconds)],
            Status.SENDING,
            one,
        ),
        "waits again": lambda one: _run(
            [one.to_waiting(Outcome.BUSY, number=one.attempt_count, at=now, due_at=now)],
            Status.SENDING,
            one,
        ),
        "retried": lambda one: one.set_queued_again(now),
        "cancelled": lambda one: one.set_cancelled(now),
        "renewed": lambda one: submission.renew(one, by=one.submitted_by),
        "campaign": lambda one: Upload.objects.filter(pk=one.pk).update(
            campaign="Agosto", changed_at=now
        ),
    }


def _run(statements, status, upload):
    if upload.status == status:
        for statement in statements:
            statement.run()


def stored():
    """The summary, as numbers by what they are of."""
    found: dict[tuple[object, ...], tuple[int, int]] = {}
    for row in DayFigures.objects.all():
        kind = (row.day, row.connector_id, row.submitted_by_id, row.campaign, row.format)
        key = (*kind, row.status, row.outcome)
        assert key not in found
        found[key] = (row.uploads, times.unpack(row.times))
    return found


def counted():
    """The same from the uploads, one by one."""
    numbers: Counter[tuple[object, ...]] = Counter()
    histograms: Counter[tuple[object, ...]] = Counter()
    for one in Upload.objects.all():
        day = timezone.localdate(one.created_at, timezone.get_default_timezone())
        kind = (day, one.connector_id, one.submitted_by_id, one.campaign, one.format)
        key = (*kind, one.status, one.last_outcome if one.status == Status.FAILED else "")
        numbers[key] += 1
        if one.status == Status.READY and one.finished_at:
            histograms[key] += times.one((one.finished_at - one.created_at).total_seconds())
    return {key: (number, histograms[key]) for key, number in numbers.items()}


@pytest.mark.django_db
def test_what_was_there_before_the_summary_is_counted_newest_day_first():
    for days in (0, 2, 40):
        make_upload(created_at=timezone.now() - days * DAY)
    state = FiguresState.current()

    refreshing._count_earlier_day(state)
    refreshing._count_earlier_day(state)

    assert DayFigures.objects.count() == 2
    assert not FiguresState.objects.get().is_complete
    assert figures.refresh()
    assert stored() == counted()
    assert FiguresState.objects.get().is_complete


@pytest.mark.django_db
def test_a_change_that_commits_late_is_still_counted():
    upload = make_upload(status=Status.QUEUED)
    figures.refresh()
    late = timezone.now() - timedelta(minutes=3)

    Upload.objects.filter(pk=upload.pk).update(status=Status.CANCELLED, changed_at=late)
    figures.refresh()

    assert stored() == counted()


@pytest.mark.django_db
def test_days_are_those_of_the_installation(settings):
    settings.TIME_ZONE = "America/Bogota"
    with timezone.override("Asia/Tokyo"):
        make_upload(created_at=datetime(2026, 7, 16, 3, 30, tzinfo=UTC))
        figures.refresh()

    assert DayFigures.objects.get().day == date(2026, 7, 15)


@pytest.mark.django_db
def test_another_time_zone_of_the_installation_counts_everything_anew(settings):
    settings.TIME_ZONE = "America/Bogota"
    make_upload(created_at=datetime(2026, 7, 16, 3, 30, tzinfo=UTC))
    figures.refresh()

    settings.TIME_ZONE = "Europe/Madrid"
    figures.refresh()

    assert DayFigures.objects.get().day == date(2026, 7, 16)


@pytest.mark.django_db
def test_who_counted_at_the_same_time_and_comes_second_writes_nothing(monkeypatch):
    upload = make_upload(status=Status.QUEUED)
    figures.refresh()
    original = counting.count

    def count_while_somebody_else_does(uploads):
        cells = original(uploads)
        monkeypatch.setattr(refreshing, "count", original)
        upload.set_cancelled(timezone.now())
        assert figures.refresh()
        return cells

    monkeypatch.setattr(refreshing, "count", count_while_somebody_else_does)

    assert not figures.refresh()
    assert stored() == counted()
    assert DayFigures.objects.get().status == Status.CANCELLED


@pytest.mark.django_db
def test_a_page_leaves_more_changes_than_it_has_time_for_to_the_worker(monkeypatch):
    make_upload()
    figures.refresh()
    make_upload()
    make_upload()
    _age()
    monkeypatch.setattr(refreshing, "MOST_CHANGES", 2)

    assert not figures.refresh_for_page()
    assert DayFigures.objects.count() == 1
    assert figures.refresh()
    assert stored() == counted()


@pytest.fixture
def counts(monkeypatch):
    """What is counted from here on, one entry for each day."""
    found = []

    def count(uploads):
        found.append(uploads)
        return counting.count(uploads)

    monkeypatch.setattr(refreshing, "count", count)
    return found


def _spread(*, days):
    """An upload a day, all counted, and then all changed at once."""
    for number in range(days):
        make_upload(created_at=timezone.now() - number * DAY)
    while not figures.refresh():
        pass
    Upload.objects.update(campaign="spread", changed_at=timezone.now())
    _age()


@pytest.mark.django_db
def test_what_was_counted_is_not_counted_again_at_each_look(counts):
    _spread(days=4)
    counts.clear()

    for _ in range(3):
        assert figures.refresh()
    assert len(counts) == 4
    assert stored() == counted()

    late = timezone.now() - timedelta(minutes=2)
    Upload.objects.filter(pk=Upload.objects.earliest("pk").pk).update(
        campaign="later", changed_at=late
    )
    assert figures.refresh()
    assert len(counts) == 5
    assert stored() == counted()


@pytest.mark.django_db
def test_an_upload_that_changes_twice_in_a_minute_is_counted_twice(counts):
    minute = (timezone.now() - timedelta(minutes=2)).replace(second=0)
    upload = make_upload(campaign="first", changed_at=minute + timedelta(seconds=10))
    figures.refresh()
    figures.refresh()
    counts.clear()

    Upload.objects.filter(pk=upload.pk).update(
        campaign="second", changed_at=minute + timedelta(seconds=20)
    )
    figures.refresh()

    assert len(counts) == 1
    assert stored() == counted()


@pytest.mark.django_db
@pytest.mark.parametrize("forget", [True, False])
def test_what_is_forgotten_of_it_costs_a_count_and_nothing_else(counts, forget):
    _spread(days=2)
    figures.refresh()
    counts.clear()
    if forget:
        cache.clear()

    assert figures.refresh()
    assert len(counts) == (2 if forget else 0)
    assert stored() == counted()


@pytest.mark.django_db
def test_once_changes_are_old_a_look_writes_nothing():
    _spread(days=2)
    figures.refresh()
    long_ago = timezone.now() - timedelta(minutes=7)
    Upload.objects.update(changed_at=long_ago)
    figures.refresh()
    before = FiguresState.objects.get().version

    assert figures.refresh()
    assert FiguresState.objects.get().version == before


@pytest.mark.django_db
def test_a_page_leaves_changes_on_many_days_to_the_worker_and_is_fresh_once_that_has_counted(
    counts, monkeypatch
):
    monkeypatch.setattr(refreshing, "MOST_DAYS", 3)
    monkeypatch.setattr(refreshing, "FRESH", timedelta(0))
    _spread(days=4)
    counts.clear()

    assert not figures.refresh_for_page()
    assert not counts
    assert figures.refresh()
    assert figures.refresh_for_page()
    assert len(counts) == 4
    assert stored() == counted()


@pytest.mark.django_db
def test_a_page_ends_between_two_days_when_its_time_is_over_and_the_next_goes_on(
    counts, monkeypatch
):
    monkeypatch.setattr(refreshing, "PAGE_BUDGET", 0)
    _spread(days=3)
    counts.clear()

    assert [figures.refresh_for_page() for _ in range(3)] == [False, False, True]
    assert len(counts) == 3
    assert stored() == counted()


@pytest.mark.django_db
def test_a_page_does_not_count_again_what_was_counted_a_moment_ago():
    make_upload()
    figures.refresh()
    make_upload()
    before = stored()

    assert figures.refresh_for_page()

    assert stored() == before


@pytest.mark.django_db
def test_a_page_is_shown_when_the_summary_cannot_be_written(monkeypatch):
    make_upload()

    def full_disk(*_arguments):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(refreshing, "replace", full_disk)

    assert not figures.refresh_for_page()


@pytest.mark.django_db
def test_a_page_does_not_wait_long_for_another_writer_but_what_follows_does():
    waits = []

    def look(*_arguments, **_options):
        waits.append(_lock_wait())
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "_follow", look)
        figures.refresh_for_page()

    assert [*waits, _lock_wait()] == {
        "sqlite": [250, 20_000],
        "postgresql": ["250ms", "0"],
    }[connection.vendor]


def _lock_wait():
    asking = {"sqlite": "PRAGMA busy_timeout", "postgresql": "SHOW lock_timeout"}
    with connection.cursor() as cursor:
        cursor.execute(asking[connection.vendor])
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_removed_uploads_are_taken_out_by_who_removes_them():
    old = make_upload(created_at=timezone.now() - 40 * DAY)
    make_upload()
    figures.refresh()

    Upload.objects.filter(pk=old.pk).delete()
    figures.recount_until(timezone.localdate() - 30 * DAY)

    assert stored() == counted()
    assert DayFigures.objects.count() == 1


@pytest.mark.django_db
def test_rows_written_past_the_product_are_found_by_the_command():
    make_upload()
    figures.refresh()
    Upload.objects.update(campaign="set by hand")
    make_upload(created_at=timezone.now() - 90 * DAY)
    said = StringIO()

    call_command("refresh_figures", "--all", stdout=said)

    assert stored() == counted()
    assert said.getvalue() == "2 rows of figures.\n"


@pytest.mark.django_db
def test_the_command_alone_counts_what_has_changed():
    make_upload()

    call_command("refresh_figures", stdout=StringIO())

    assert stored() == counted()


@pytest.mark.django_db(transaction=True)
def test_a_keeper_counts_by_itself_until_it_is_told_to_end(monkeypatch):
    monkeypatch.setattr(keeper, "FIRST", timedelta(0))
    make_upload()
    thread = figures.Keeper()

    thread.start()
    for _ in range(100):
        if stored() == counted():
            break
        time.sleep(0.05)
    thread.stop()

    assert stored() == counted()
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_while_uploads_change_several_who_count_do_no_harm():
    uploads = [make_upload(status=Status.QUEUED) for _ in range(4)]
    stopping = threading.Event()

    def keep_counting():
        while not stopping.is_set():
            figures.refresh()
        connection.close()

    counting_threads = [threading.Thread(target=keep_counting) for _ in range(2)]
    for thread in counting_threads:
        thread.start()
    for _ in range(5):
        for upload in uploads:
            upload.set_cancelled(timezone.now())
            upload.set_queued_again(timezone.now())
        uploads.append(make_upload(uploads[0].connector, status=Status.QUEUED))
    stopping.set()
    for thread in counting_threads:
        thread.join(timeout=30)
    while not figures.refresh():
        pass

    assert not any(thread.is_alive() for thread in counting_threads)
    assert stored() == counted()


@pytest.mark.django_db
def test_a_keeper_outlives_a_database_that_does_not_answer(monkeypatch, caplog):
    def no_answer(**_options):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(keeper, "refresh", no_answer)
    monkeypatch.setattr(connection, "close", lambda: None)  # it is this test's

    assert keeper._refreshed()
    assert "figures are not brought up to date: OperationalError" in caplog.text


@pytest.mark.django_db
def test_a_removed_connector_leaves_no_figures():
    upload = make_upload()
    figures.refresh()
    upload.delete()

    Connector.objects.get(pk=upload.connector_id).batch_set.all().delete()
    Connector.objects.get(pk=upload.connector_id).delete()

    assert not DayFigures.objects.exists()


def _age():
    """As if the last look was a while ago."""
    FiguresState.objects.update(seen_until=timezone.now() - timedelta(minutes=1))
