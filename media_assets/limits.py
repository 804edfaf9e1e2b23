"""How much one person may do at once: submits in a minute, files that wait, exports at once.

What is counted stands in the database, so the limits hold over all processes; and it stands there
only if it was accepted, so what was refused never counts. Who is counted is locked, so that two
requests at once are counted one after the other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from media_assets.models import AuditEvent, Download, Upload
from media_assets.models.downloads import LEASE

logger = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
KEEP_EVERY = 15  # seconds
SOME_TIME = timedelta(minutes=5)  # for files that wait: how long depends on their operations


class LimitReached(Exception):
    """A sentence for the person, in their language, and after which time it is worth trying."""

    def __init__(self, sentence: str, *, wait: timedelta) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.seconds = max(1, ceil(wait.total_seconds()))


def count_submit(person: User, *, files: int) -> None:
    """Refuse one more submit in this minute, or so many more files that wait.

    For the transaction that queues and records them.
    """
    _lock(person)
    _count_submits(person, most=settings.LIMIT_SUBMITS)
    _count_waiting(person, more=files, most=settings.LIMIT_WAITING)


def count_waiting(person: User, *, more: int) -> None:
    """Refuse so many more files that wait. For the transaction that queues them."""
    _lock(person)
    _count_waiting(person, more=more, most=settings.LIMIT_WAITING)


def _count_submits(person: User, *, most: int) -> None:
    if not most:
        return
    earlier = AuditEvent.objects.filter(
        actor_name=person.get_username(), action="batch.submitted"
    ).newest_first()
    times: list[datetime] = list(earlier.values_list("created_at", flat=True)[most - 1 : most])
    wait = times[0] + MINUTE - timezone.now() if times else timedelta()
    if wait <= timedelta():
        return
    seconds = ceil(wait.total_seconds())
    told = ngettext(
        "That is more than %(most)s submissions in a minute, so nothing was sent. Send it again "
        "in %(seconds)s second; what you typed is still here.",
        "That is more than %(most)s submissions in a minute, so nothing was sent. Send it again "
        "in %(seconds)s seconds; what you typed is still here.",
        seconds,
    )
    raise LimitReached(told % {"most": most, "seconds": seconds}, wait=wait)


def _count_waiting(person: User, *, more: int, most: int) -> None:
    if not most:
        return
    unfinished = Upload.objects.filter(submitted_by=person).unfinished().order_by()
    waiting = unfinished.values("pk")[: most + 1].count()
    if waiting + more <= most:
        return
    told = _(
        "%(waiting)s of your files are waiting and at most %(most)s may, so %(more)s more were not "
        "queued. Try it again in some minutes with fewer files, or cancel some that wait."
    )
    numbers = {"waiting": waiting, "most": most, "more": more}
    shown = {name: number_format(number, force_grouping=True) for name, number in numbers.items()}
    raise LimitReached(told % shown, wait=SOME_TIME)


def begin_download(person: User) -> Download:
    """Count one more export as under way, or refuse it."""
    most = settings.LIMIT_EXPORTS
    with transaction.atomic():
        _lock(person)
        own = Download.objects.filter(person=person)
        under_way = own.under_way().count()
        if not most or under_way < most:
            own.exclude(pk__in=own.under_way().values("pk")).delete()
            return Download.objects.create(person=person)
    told = ngettext(
        "%(count)s export of yours is still being downloaded, and no more are possible at once. "
        "Wait until it has ended, or cancel it in your browser; what was broken off counts for "
        "%(minutes)s minutes at most.",
        "%(count)s exports of yours are still being downloaded, and no more are possible at once. "
        "Wait until one has ended, or cancel one in your browser; what was broken off counts for "
        "%(minutes)s minutes at most.",
        under_way,
    )
    minutes = LEASE // MINUTE
    raise LimitReached(told % {"count": under_way, "minutes": minutes}, wait=LEASE)


class Counted:
    """The parts of an export; while they leave it counts as under way, and then no longer."""

    def __init__(self, parts: Iterable[str | bytes], *, download: Download) -> None:
        self._parts: Iterator[str | bytes] = iter(parts)
        self._download = download
        self._kept_at = time.monotonic()
        self._is_open = True

    def __iter__(self) -> Counted:
        return self

    def __next__(self) -> str | bytes:
        try:
            part = next(self._parts)
        except BaseException:
            self.close()
            raise
        if time.monotonic() - self._kept_at > KEEP_EVERY:
            self._kept_at = time.monotonic()
            self._tell(self._download.keep)
        return part

    def close(self) -> None:
        """The last byte has left, or the reader has gone."""
        if not self._is_open:
            return
        self._is_open = False
        if close := getattr(self._parts, "close", None):
            close()
        self._tell(self._download.end)

    def _tell(self, what: Any) -> None:
        try:
            what()
        except DatabaseError:  # the file is worth more than its count, which ends by itself
            logger.exception("an export was not counted")


def _lock(person: User) -> None:
    list(User.objects.select_for_update(no_key=True).filter(pk=person.pk).values_list("pk"))
