"""Write a year of history, part by part: each part is one transaction."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.management import call_command, get_commands
from django.db import connection, transaction

from media_assets.management.seeding import writing
from media_assets.management.seeding.company import make_company
from media_assets.management.seeding.history import History, Submitted
from media_assets.management.seeding.telling import EVENTS_PER_UPLOAD, Teller
from media_assets.models import Attempt, search
from media_assets.models.search import HandleText, UploadText

PART = 10_000  # uploads
MANY = 50_000  # uploads
CACHE = 256  # MiB


@dataclass(frozen=True)
class Filled:
    """How much was written."""

    uploads: int
    batches: int
    attempts: int
    events: int
    seconds: float


def fill(
    uploads: int,
    *,
    until: datetime | None = None,
    queued: int = 0,
    events: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Filled:
    """Add so many uploads of the year before `until`, and `queued` ones that are sent next.

    Chance is the same for the same numbers. About `events` audit events tell of the latest
    uploads. An interrupted run leaves whole parts; a second run adds its own.
    """
    started = time.monotonic()
    until = until or datetime.now(UTC)
    rng = random.Random(f"{uploads} {queued}")  # noqa: S311  (chance that repeats)
    _roomy()
    with transaction.atomic():
        company = make_company(rng)
    history = History(company, until=until, rng=rng)
    teller = Teller(rng, from_upload=uploads - round(events / EVENTS_PER_UPLOAD))
    done = batches = attempts = 0
    with _search_index_afterwards(many=uploads >= MANY, say=say):
        for part in _parts(history.batches(uploads)):
            with transaction.atomic():
                attempts += _write(part)
                teller.tell(part, before=done)
            history.written(part)
            done += sum(len(one.uploads) for one in part)
            batches += len(part)
            say(f"{done:,} of {uploads:,} uploads, {time.monotonic() - started:.0f} s")
    if queued:
        with transaction.atomic():
            _write([history.waiting(queued)])
    _summarise()
    writing.analyze()
    return Filled(done + queued, batches, attempts, teller.told, time.monotonic() - started)


@contextmanager
def _search_index_afterwards(*, many: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Make the index of the search at once for many rows: growing with them takes far longer.

    Searches meanwhile read every row on PostgreSQL, and do not find the new ones on SQLite. A
    seed that is killed leaves it so: a check says it, and `migrate` makes the index again.
    """
    if not many:
        yield
        return
    if connection.vendor == "postgresql":
        search.uninstall()
    else:
        _stop_indexing()
    try:
        yield
    finally:
        say("Making the index of the search …")
        if connection.vendor == "postgresql":
            connection.check_constraints()  # no index is made while checks of rows are pending
        search.install()
        search.rebuild()


def _stop_indexing() -> None:
    with connection.cursor() as cursor:
        for name in search.NAMES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}_added")


def _parts(batches: Iterable[Submitted]) -> Iterator[list[Submitted]]:
    part: list[Submitted] = []
    size = 0
    for batch in batches:
        part.append(batch)
        size += len(batch.uploads)
        if size >= PART:
            yield part
            part, size = [], 0
    if part:
        yield part


def _write(part: list[Submitted]) -> int:
    """Write batches, uploads, attempts and what is searched; returns how many attempts."""
    batches = [one.batch for one in part]
    writing.number(batches)
    writing.write(batches)
    uploads = [upload for one in part for upload in one.uploads]
    for upload in uploads:
        upload.batch_id = upload.batch.pk
    writing.number(uploads)
    writing.write(uploads)
    attempts: list[Attempt] = []
    for one in part:
        for upload, made in zip(one.uploads, one.attempts, strict=True):
            for attempt in made:
                attempt.upload_id = upload.pk
            attempts += made
    writing.number(attempts)
    writing.write(attempts)
    writing.write([UploadText(upload=one, words=search.words_of(one)) for one in uploads])
    writing.write(
        [
            HandleText(upload=one, part=search.handle_part(one.handle))
            for one in uploads
            if one.handle
        ]
    )
    return len(attempts)


def _summarise() -> None:
    if "refresh_figures" in get_commands():
        call_command("refresh_figures", "--all", verbosity=0)


def _roomy() -> None:
    """For this connection: the usual few MB send every random key to the disk."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA cache_size = -{CACHE * 1024}")
            return
        cursor.execute(f"SET maintenance_work_mem = '{CACHE}MB'")
