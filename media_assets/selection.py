"""The uploads that a list shows: what fits the filters and the search, read in the list's order.

No list counts or sorts the table. Without a search each filter has an index in the list's order,
and of several filters one's is walked along. Where a person sees several connectors, or a campaign
is written in several ways, each of them is a part with such an index, and the parts are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q

from media_assets.models import rows
from media_assets.models.querysets import UploadQuerySet
from media_assets.models.rows import Statement
from media_assets.search import Search

COUNTED = 1_000
WALK = 20_000  # rows that are asked whether they fit, before all that match are sorted instead

Position = tuple[datetime, int]  # created_at and id of an upload


@dataclass(frozen=True)
class Count:
    """How many there are: exactly, or at least so many."""

    number: int
    is_exact: bool


@dataclass(frozen=True)
class Way:
    """The order of a list, where in it one stands (None at its beginning), and how far to go."""

    limit: int
    beyond: Position | None = None
    oldest_first: bool = False

    def along(self, uploads: UploadQuerySet) -> UploadQuerySet:
        """In this order and beyond the position, without the limit."""
        return self.past(uploads).order_by(*self.order)

    def past(self, uploads: UploadQuerySet) -> UploadQuerySet:
        """Beyond the position, in a form that both planners turn into one walk along an index."""
        if self.beyond is None:
            return uploads
        at, key = self.beyond
        if self.oldest_first:
            return uploads.filter(Q(created_at__gt=at) | Q(id__gt=key), created_at__gte=at)
        return uploads.filter(Q(created_at__lt=at) | Q(id__lt=key), created_at__lte=at)

    @property
    def order(self) -> tuple[str, str]:
        return ("created_at", "id") if self.oldest_first else ("-created_at", "-id")

    def first_of(self, positions: Sequence[Position]) -> list[Position]:
        """The first of these, as far as the limit."""
        if self.beyond is not None:
            at = self.beyond
            positions = [p for p in positions if (p > at if self.oldest_first else p < at)]
        return sorted(positions, reverse=not self.oldest_first)[: self.limit]


def newest_of(parts: Sequence[UploadQuerySet]) -> tuple[list[UploadQuerySet], bool]:
    """Of each part as many of its newest as are walked for it, and whether that left any out."""
    steps = WALK // max(1, len(parts))
    bounds = [
        part.newest_first().values_list("created_at", "pk")[steps : steps + 1].first()
        for part in parts
    ]
    newest = [
        Way(steps, beyond=bound, oldest_first=True).past(part) if bound else part
        for part, bound in zip(parts, bounds, strict=True)
    ]
    return newest, any(bounds)


@dataclass(frozen=True)
class Selection:
    """Uploads that fit.

    parts: what the filters allow, as querysets that have no upload in common.
    search: what has to fit besides; it is not applied to the parts yet.
    whole: the parts as one queryset, for what is done once for all of them.
    is_partial: whether the parts are only the newest, because no index helps the search.
    """

    parts: Sequence[UploadQuerySet]
    search: Search | None = None
    whole: UploadQuerySet | None = None
    is_partial: bool = False

    def take(self, way: Way) -> list[Position]:
        """The first positions on the way."""
        if self.search is None:
            return self._merged(way)
        if self.search.few is not None:
            return way.first_of(self._few)
        is_first_page = way.beyond is None and not way.oldest_first
        found, is_enough = self._head if is_first_page else self._walked(self.search, way)
        if is_enough or len(found) >= way.limit:
            return found[: way.limit]
        return self._of_all(self.search, way) or found

    @cached_property
    def count(self) -> Count:
        """Exact up to a cap, or where the search has few candidates; else at least so many."""
        if self.search is not None and self.search.few is not None:
            return Count(len(self._few), is_exact=True)
        if self.search is not None:
            found, is_enough = self._head
            return Count(min(len(found), COUNTED), is_exact=is_enough and len(found) <= COUNTED)
        number = 0
        for part in self.parts:
            number += part.newest_first()[: COUNTED + 1 - number].count()
            if number > COUNTED:
                return Count(COUNTED, is_exact=False)
        return Count(number, is_exact=True)

    @cached_property
    def _few(self) -> list[Position]:
        """All positions, where the search has few candidates."""
        assert self.search is not None  # noqa: S101  (asked for only then)
        return [
            position
            for part in self.parts
            for position in self.search.within(part).order_by().values_list("created_at", "pk")
        ]

    @cached_property
    def _head(self) -> tuple[list[Position], bool]:
        """The newest positions near by, as many as are counted, as `_walked` gives them."""
        assert self.search is not None  # noqa: S101  (asked for only then)
        return self._walked(self.search, Way(COUNTED + 1))

    def _merged(self, way: Way) -> list[Position]:
        """The first of those that are first in each part; SQLite does not do this in one query."""
        firsts = [
            way.along(part).values_list("created_at", "pk")[: way.limit] for part in self.parts
        ]
        return way.first_of([position for first in firsts for position in first])

    def _of_all(self, search: Search, way: Way) -> list[Position]:
        """The first positions, by sorting everything that matches.

        Walking fills a page soon when what fits lies densely, but not when it lies far away.
        """
        if (matches := search.matches()) is None:
            return []
        sources = self.parts if self.whole is None else [self.whole]
        return way.first_of([p for each in sources for p in _sorted(each, matches, search, way)])

    def _walked(self, search: Search, way: Way) -> tuple[list[Position], bool]:
        """As far as a bounded walk along the parts finds them, and whether they are all there are
        or as many as asked for.

        Where a walk has ended too early in one part, nothing of the other parts counts that lies
        beyond: what is left out would come before it.
        """
        steps = WALK // max(1, len(self.parts))
        found: list[Position] = []
        ends: list[Position] = []
        for part in self.parts:
            along = way.along(part)
            here = _walk(along[:steps], search, limit=way.limit)
            found += here
            if len(here) < way.limit:
                last = along.values_list("created_at", "pk")[steps - 1 : steps + 1]
                ends += list(last)[:1] if len(last) == 2 else []
        for end in ends:
            found = [p for p in found if (p <= end if way.oldest_first else p >= end)]
        found = way.first_of(found)
        return found, not ends or len(found) == way.limit


def _walk(uploads: UploadQuerySet, search: Search, *, limit: int) -> list[Position]:
    """The first that fit among these, which are in order; it stops as soon as it has them."""
    inner, condition = _inner(uploads), search.condition("upload")
    if inner is None:
        return []
    sql = f"SELECT created_at, id FROM ({inner.sql}) upload WHERE {condition.sql} LIMIT %s"  # noqa: S608
    return _positions(Statement(sql, [*inner.parameters, *condition.parameters, limit]))


def _sorted(part: UploadQuerySet, matches: Statement, search: Search, way: Way) -> list[Position]:
    """The first that fit, by way of all that match.

    The order is by an expression, lest a planner walks along the index of the order after all.
    """
    inner = _inner(way.past(part).order_by())
    turn = "" if way.oldest_first else "DESC"
    if inner is None:
        return []
    joined = f"({inner.sql})"
    if connection.vendor == "postgresql":  # its planner would rather read the table from end to end
        joined = f"LATERAL (SELECT * FROM {joined} part WHERE id = matched.id OFFSET 0)"  # noqa: S608  (Django's)
    found = f"SELECT DISTINCT id FROM ({matches.sql}) matches"  # noqa: S608  (names of ours)
    condition = search.condition("upload")
    if search.is_told_by_keys:  # each of them once
        found, condition = matches.sql, Statement("TRUE", [])
    sql = f"""
        WITH matched AS MATERIALIZED ({found})
        SELECT upload.created_at, upload.id
        FROM matched CROSS JOIN {joined} upload
        WHERE upload.id = matched.id AND {condition.sql}
        ORDER BY CASE WHEN upload.id > 0 THEN upload.created_at END {turn}, upload.id {turn}
        LIMIT %s
    """  # noqa: S608  (made of Django's SQL and names of ours)
    parameters = [*matches.parameters, *inner.parameters, *condition.parameters, way.limit]
    return _positions(Statement(sql, parameters))


def _inner(uploads: UploadQuerySet) -> Statement | None:
    """These uploads as SQL, with the columns that a search and a position need.

    None where Django knows without asking that there are none, as of campaigns that do not exist.
    """
    columns = uploads.values_list("id", "created_at", "connector_id", "batch_id")
    try:
        sql, parameters = columns.query.sql_with_params()
    except EmptyResultSet:
        return None
    return Statement(sql, list(parameters))


def _positions(statement: Statement) -> list[Position]:
    found: list[tuple[Any, ...]] = statement.run().rows
    return [(rows.instant(at), key) for at, key in found]
