"""Pages of a newest-first list by key: no COUNT, no OFFSET, the same speed at any depth.

A position is `<microseconds since 1970>.<id>` of a row. `?after=` asks for what is older than that
row, `?before=` for what is newer. The predicate `created_at <= t AND (created_at < t OR id < n)`
is the form that the planners of both databases turn into one walk along the index.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from media_assets.models import Upload
from media_assets.models.querysets import UploadQuerySet

SIZE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
POSITION = re.compile(r"([0-9]{1,17})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Page:
    """Rows, newest first; `newer` and `older` are the positions to go on from, or ""."""

    rows: list[Upload]
    newer: str = ""
    older: str = ""

    def __iter__(self) -> Iterator[Upload]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page_of(uploads: UploadQuerySet, *, params: Mapping[str, str], size: int = SIZE) -> Page:
    """The page that `after` or `before` in `params` asks for; the newest for anything else."""
    if after := _position(params.get("after", "")):
        return _older(uploads, than=after, size=size)
    if before := _position(params.get("before", "")):
        page = _newer(uploads, than=before, size=size)
        if page.newer:
            return page
    return _first(uploads, size=size)


def _first(uploads: UploadQuerySet, *, size: int) -> Page:
    rows = list(uploads.newest_first()[: size + 1])
    return Page(rows[:size], older=_of(rows[size - 1]) if len(rows) > size else "")


def _older(uploads: UploadQuerySet, *, than: tuple[datetime, int], size: int) -> Page:
    at, number = than
    older = uploads.filter(Q(created_at__lt=at) | Q(id__lt=number), created_at__lte=at)
    page = _first(older, size=size)
    return Page(page.rows, newer=_of(page.rows[0]) if page.rows else "", older=page.older)


def _newer(uploads: UploadQuerySet, *, than: tuple[datetime, int], size: int) -> Page:
    at, number = than
    newer = uploads.filter(Q(created_at__gt=at) | Q(id__gt=number), created_at__gte=at)
    rows = list(newer.order_by("created_at", "id")[: size + 1])
    shown = rows[:size][::-1]
    more = len(rows) > size
    return Page(shown, newer=_of(shown[0]) if more else "", older=_of(shown[-1]) if shown else "")


def _of(row: Upload) -> str:
    return f"{(row.created_at - EPOCH) // timedelta(microseconds=1)}.{row.pk}"


def _position(text: str) -> tuple[datetime, int] | None:
    match = POSITION.fullmatch(text)
    if match is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=int(match[1])), int(match[2])
    except OverflowError:
        return None
