"""Keeping the summary up to date, without a word from those who change uploads.

Whoever refreshes looks which uploads have changed since the last time, and counts their days anew,
connector by connector. Days that were never counted follow one by one, the newest first. What was
read is written only if nobody else has written meanwhile, so that no lock is held while counting.
"""

import logging
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from media_assets.figures.counting import count, of_day, replace, start_of
from media_assets.models import DayFigures, FiguresState, Upload, now_in_database

logger = logging.getLogger(__name__)

# A change becomes visible when its transaction commits, with a time from before that.
OVERLAP = timedelta(minutes=5)
# A checksum of the changes in each place: a day, a connector, and the minute of the changes.
Changes = dict[tuple[date, int, int], int]
# Those in the overlap that are counted already, or each look would count their days again. That
# they are in the summary stays true whoever counts next, and to forget them costs one more count.
COUNTED = "media_assets:figures:counted"
# For a page: how fresh is fresh enough, how many changes it counts itself, and how long it waits.
FRESH = timedelta(seconds=10)
MOST_CHANGES, MOST_DAYS = 10_000, 7
PAGE_BUDGET = 0.5
PAGE_LOCK_WAIT_MS = 250


def refresh(
    *,
    seconds: float | None = None,
    changes: int | None = None,
    days: int | None = None,
    unless_within: timedelta = timedelta(0),
) -> bool:
    """Bring the summary up to date; False if something is left for another time.

    No day is begun after so many `seconds`, and more than so many `changes`, or `days` that they
    are in, are left alone. Nothing is done if somebody has done it `unless_within` this time.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    state = FiguresState.current()
    if state.is_complete and state.seen_until > now_in_database() - unless_within:
        return True
    if state.zone != settings.TIME_ZONE and not _begin_anew(state):
        return False
    if not _follow(state, most=changes, most_days=days, ends=ends):
        return False
    while not state.is_complete:
        if ends is not None and time.monotonic() >= ends:
            return False
        if not _count_earlier_day(state):
            return False
    return True


def refresh_for_page() -> bool:
    """As `refresh`, within what a person who waits for a page may notice; never an error."""
    try:
        with _impatient():
            return refresh(
                seconds=PAGE_BUDGET, changes=MOST_CHANGES, days=MOST_DAYS, unless_within=FRESH
            )
    except OperationalError as error:  # another writer holds the database, or the disk is full
        logger.warning("figures are not brought up to date: %s", type(error).__name__)
        return False


def rebuild() -> Iterator[date]:
    """Count everything anew, and tell each day that is done."""
    state = FiguresState.current()
    while not _begin_anew(state):
        state.refresh_from_db()
    while not state.is_complete:
        if not _count_earlier_day(state):
            state.refresh_from_db()
        elif not state.is_complete:
            yield state.counted_from
    refresh()


def recount_until(last: date) -> None:
    """Count all days up to this one anew, each in a transaction of its own.

    For whoever has removed uploads, which leaves no trace here; it may be repeated.
    """
    FiguresState.current()
    days = DayFigures.objects.filter(day__lte=last).order_by("day")
    for day in list(days.values_list("day", flat=True).distinct()):
        with transaction.atomic():
            FiguresState.objects.select_for_update().get().move()
            replace(day, None, count(of_day(day)))


def _begin_anew(state: FiguresState) -> bool:
    with transaction.atomic():
        begun = state.move(**FiguresState.beginning())
        if begun:
            DayFigures.objects.all().delete()
    return begun


def _follow(
    state: FiguresState, *, most: int | None, most_days: int | None, ends: float | None
) -> bool:
    """Count anew the days of what has changed since the last time."""
    now = now_in_database()
    found = _changes(state, most=most)
    if found is None:
        return False
    if not found:
        return True
    counted: Changes = cache.get(COUNTED, {})
    places: dict[date, set[int]] = defaultdict(set)
    for place, checksum in found.items():
        if counted.get(place) != checksum:
            day, connector, _minute = place
            places[day].add(connector)
    if most_days is not None and len(places) > most_days:
        return False
    left = set(places) - set(_count_again(state, places, ends=ends))
    done = {place: checksum for place, checksum in found.items() if place[0] not in left}
    cache.set(COUNTED, done, timeout=2 * OVERLAP.total_seconds())
    return not left and state.move(seen_until=now)


def _count_again(
    state: FiguresState, places: Mapping[date, set[int]], *, ends: float | None
) -> Iterator[date]:
    """Count these connectors' days, and tell each that is done, until it is time to end."""
    for day in sorted(places, reverse=True):
        cells = count(of_day(day).filter(connector__in=places[day]))
        with transaction.atomic():
            if not state.move():
                return
            replace(day, places[day], cells)
        yield day
        if ends is not None and time.monotonic() >= ends:
            return


def _changes(state: FiguresState, *, most: int | None) -> Changes | None:
    """What has changed on days that are counted; None if it is more than `most`."""
    zone = timezone.get_default_timezone()
    # whole minutes, so that a checksum is always of all changes in its place
    since = (state.seen_until - OVERLAP).replace(second=0, microsecond=0)
    changed = Upload.objects.filter(changed_at__gte=since)
    # in the order of the index, which PostgreSQL else does not use before it knows the table
    changed = changed.order_by("changed_at")
    rows = changed.values_list("pk", "changed_at", "created_at", "connector_id")
    if most is not None and len(found := list(rows[: most + 1])) > most:
        return None
    changes: Changes = defaultdict(int)
    for key, changed_at, created_at, connector in rows.iterator() if most is None else found:
        day = created_at.astimezone(zone).date()
        if day >= state.counted_from:
            minute = int(changed_at.timestamp()) // 60
            changes[day, connector, minute] += zlib.crc32(f"{key} {changed_at}".encode())
    return dict(changes)


def _count_earlier_day(state: FiguresState) -> bool:
    """Count the last day before those counted already, or find that there is none."""
    earlier = Upload.objects.filter(created_at__lt=start_of(state.counted_from))
    newest = earlier.order_by("-created_at").values_list("created_at", flat=True).first()
    if newest is None:
        return state.move(counted_from=date.min)
    day = newest.astimezone(timezone.get_default_timezone()).date()
    cells = count(of_day(day))
    with transaction.atomic():
        if not state.move(counted_from=day):
            return False
        replace(day, None, cells)
    return True


@contextmanager
def _impatient() -> Iterator[None]:
    """Wait for another writer for a moment only; after that, `OperationalError`."""
    if connection.vendor == "sqlite":
        usual = settings.DATABASES["default"]["OPTIONS"]["timeout"]
        before, after = "PRAGMA busy_timeout = {}", f"PRAGMA busy_timeout = {1000 * usual}"
    else:
        before, after = "SET lock_timeout = {}", "RESET lock_timeout"
    with connection.cursor() as cursor:
        cursor.execute(before.format(PAGE_LOCK_WAIT_MS))
        try:
            yield
        finally:
            cursor.execute(after)
