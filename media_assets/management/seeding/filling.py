"""Write a year of history, part by part: each part is one transaction."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management import call_command, get_commands
from django.db import connection, transaction

from media_assets.management.seeding import writing
from media_assets.management.seeding.company import make_company
from media_assets.management.seeding.history import History, Submitted
from media_assets.management.seeding.telling import EVENTS_PER_UPLOAD, Teller
from media_assets.models import Attempt

PART = 10_000  # uploads
SQLITE_CACHE = 256 * 1024  # KiB


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
    _roomy_cache()
    with transaction.atomic():
        company = make_company(rng)
    history = History(company, until=until, rng=rng)
    teller = Teller(rng, from_upload=uploads - round(events / EVENTS_PER_UPLOAD))
    done = batches = attempts = 0
    for part in _parts(history.batches(uploads)):
        with transaction.atomic():
            written = _write(part)
            teller.tell(part, before=done)
        history.written(part)
        done += sum(len(one.uploads) for one in part)
        batches, attempts = batches + len(part), attempts + written
        say(f"{done:,} of {uploads:,} uploads, {time.monotonic() - started:.0f} s")
    if queued:
        with transaction.atomic():
            _write([history.waiting(queued)])
    _summarise()
    writing.analyze()
    return Filled(done + queued, batches, attempts, teller.told, time.monotonic() - started)


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
    for rows in _search_rows():
        rows.write(uploads)
    return len(attempts)


def _search_rows() -> list[Any]:
    """The managers of the tables that are searched in place of the uploads themselves."""
    models = apps.all_models["media_assets"]
    return [
        models[name]._default_manager for name in ("uploadtext", "handletext") if name in models
    ]


def _summarise() -> None:
    if "refresh_figures" in get_commands():
        call_command("refresh_figures", "--all", verbosity=0)


def _roomy_cache() -> None:
    """For this connection: SQLite's own 2 MB send every random key to the disk."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = -{SQLITE_CACHE}")
