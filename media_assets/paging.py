"""Pages of a list by key: no COUNT, no OFFSET, the same speed at any depth.

A position is `<microseconds since 1970>.<id>` of a row. `?after=` asks for what follows that row
in the list, `?before=` for what precedes it, `?last=1` for the end; `?sort=oldest` turns the list
round. A page can be sent to somebody else: rows that arrive meanwhile do not shift it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from media_assets.filtering import OLDEST_FIRST
from media_assets.models import Upload
from media_assets.models.querysets import UploadQuerySet
from media_assets.selection import Position, Selection, Way

SIZE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
POSITION = re.compile(r"([0-9]{1,17})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Page:
    """Rows in the order of the list; `previous` and `next` are positions to go on from, or ""."""

    rows: list[Upload]
    previous: str = ""
    next: str = ""

    def __iter__(self) -> Iterator[Upload]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def microseconds_of(instant: datetime) -> int:
    """Since 1970; floats would lose the last digit."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """OverflowError beyond the year 9999."""
    return EPOCH + microseconds * MICROSECOND


def page_of(
    selection: Selection, *, shown: UploadQuerySet, params: Mapping[str, str], size: int = SIZE
) -> Page:
    """The page that `params` ask for, the first for anything that cannot be read.

    `shown` fetches the rows of the page: with what it shows of them.
    """
    turned = params.get("sort") == OLDEST_FIRST
    positions, has_previous, has_next = _positions(selection, params, size=size, turned=turned)
    return Page(
        _fetch(positions, shown),
        previous=_text(positions[0]) if has_previous else "",
        next=_text(positions[-1]) if has_next else "",
    )


def _positions(
    selection: Selection, params: Mapping[str, str], *, size: int, turned: bool
) -> tuple[list[Position], bool, bool]:
    """The page's positions, and whether there is something before and behind them."""
    if after := _read(params.get("after", "")):
        found = selection.take(Way(size + 1, beyond=after, oldest_first=turned))
        if found:
            return found[:size], True, len(found) > size
    elif before := _read(params.get("before", "")):
        found = selection.take(Way(size + 1, beyond=before, oldest_first=not turned))
        if len(found) > size:
            return found[:size][::-1], True, True
    elif params.get("last"):
        found = selection.take(Way(size + 1, oldest_first=not turned))
        return found[:size][::-1], len(found) > size, False
    found = selection.take(Way(size + 1, oldest_first=turned))
    return found[:size], False, len(found) > size


def _fetch(positions: Sequence[Position], shown: UploadQuerySet) -> list[Upload]:
    """The rows there are at these positions, in their order."""
    rows = shown.in_bulk([key for _at, key in positions])
    return [rows[key] for _at, key in positions if key in rows]


def _text(position: Position) -> str:
    at, key = position
    return f"{microseconds_of(at)}.{key}"


def _read(text: str) -> Position | None:
    match = POSITION.fullmatch(text)
    if match is None:
        return None
    try:
        return instant_of(int(match[1])), int(match[2])
    except OverflowError:
        return None
