"""Rows newest first, in pages by key: each page is a query of its own, outside any transaction.

A download may last as long as its reader likes: it holds no transaction, no lock and no cursor.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from media_assets.exports import instants

FIRST, PAGE, KEYS = 200, 1000, 30_000
SLOW = 0.25  # seconds
ORDER = ("-created_at", "-id")

Source = str | Combinable
Page = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Position:
    """A row's place in the list; without a number it is before all rows of that instant."""

    at: datetime
    number: int | None = None

    @property
    def older(self) -> Q:
        """What is older than this. Both databases walk along their index for this form."""
        if self.number is None:
            return Q(created_at__lte=self.at)
        return Q(Q(created_at__lt=self.at) | Q(id__lt=self.number), created_at__lte=self.at)


def as_stored(name: str) -> Cast:
    """A field as text, which the database makes and Python need not turn into objects."""
    return Cast(F(name), TextField())


def pages(rows: QuerySet[Any], sources: Sequence[Source], *, after: Position) -> Iterator[Page]:
    """The rows older than a position: of each its `sources`, and perhaps more behind them.

    Some searches find all that fits before they sort it. Asked anew for each page they would
    never end, so where the first answer takes long, the next ones bring many keys at once.
    """
    columns = list(dict.fromkeys([*sources, as_stored("created_at"), "id"]))
    began = time.monotonic()
    page = _older(rows, columns, than=after, most=FIRST)
    is_slow = time.monotonic() - began > SLOW
    if page:
        yield page
    if len(page) == FIRST:
        read = _pages_of_keys if is_slow else _pages
        yield from read(rows, columns, after=_position(page[-1], columns))


def _pages(rows: QuerySet[Any], columns: list[Source], *, after: Position) -> Iterator[Page]:
    while page := _older(rows, columns, than=after, most=PAGE):
        yield page
        after = _position(page[-1], columns)


def _pages_of_keys(
    rows: QuerySet[Any], columns: list[Source], *, after: Position
) -> Iterator[Page]:
    keys: list[Source] = [as_stored("created_at"), "id"]
    while found := _older(rows, keys, than=after, most=KEYS):
        after = _position(found[-1], keys)
        numbers = [number for _at, number in found]
        for start in range(0, len(numbers), PAGE):
            here = rows.model._default_manager.filter(pk__in=numbers[start : start + PAGE])
            if page := _fetched(here.order_by(*ORDER).values_list(*columns)):
                yield page


def _older(rows: QuerySet[Any], columns: list[Source], *, than: Position, most: int) -> Page:
    found = rows.filter(than.older).order_by(*ORDER)
    return _fetched(found.values_list(*columns)[:most])


def _position(row: tuple[Any, ...], columns: list[Source]) -> Position:
    at = instants.parsed(row[columns.index(as_stored("created_at"))])
    return Position(at, row[columns.index("id")])


def _fetched(rows: QuerySet[Any, tuple[Any, ...]]) -> Page:
    """All of them, as the driver hands them over: nothing here is left to convert."""
    try:
        sql, params = rows.query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return []
    with connections[rows.db].cursor() as cursor:
        cursor.execute(sql, params)
        page: Page = cursor.fetchall()
    return page
