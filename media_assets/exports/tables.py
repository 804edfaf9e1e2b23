"""What is exported: rows, and the columns that are made of what is stored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum, auto
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable

from media_assets.exports import reading
from media_assets.exports.reading import Position

Words = Callable[[Sequence[Any]], Sequence[Any]]


class Kind(Enum):
    TEXT = auto()
    HANDLE = auto()  # text that stays byte for byte
    NUMBER = auto()
    INSTANT = auto()  # read by `reading.as_stored`


@dataclass(frozen=True)
class Column:
    """`title` heads it for people, `name` for machines; `words` come in place of what is stored."""

    name: str
    title: str
    source: str | Combinable
    kind: Kind = Kind.TEXT
    words: Words | None = None


@dataclass(frozen=True)
class Table:
    """Rows as they were when the export began, to be read once.

    Its texts are in the language of that moment: while the file leaves, it may be another one.
    `note` says why these are not all, if they are not.
    """

    name: str
    title: str
    rows: QuerySet[Any]
    columns: Sequence[Column]
    begin: Position
    zone: tzinfo
    machine: bool
    note: str = ""

    @property
    def header(self) -> list[str]:
        if self.machine:
            return [column.name for column in self.columns]
        return [
            f"{column.title} ({self.zone})" if column.kind is Kind.INSTANT else column.title
            for column in self.columns
        ]

    def count(self) -> int:
        """How many rows there are; those that arrive from now on do not belong to the export."""
        return self.rows.filter(self.begin.older).count()

    def pages(self) -> Iterator[list[Sequence[Any]]]:
        """The rows, some at a time, as one sequence of values for each column."""
        sources = list(dict.fromkeys(column.source for column in self.columns))
        places = [sources.index(column.source) for column in self.columns]
        for rows in reading.pages(self.rows, sources, after=self.begin):
            stored = list(zip(*rows, strict=True))
            yield [
                column.words(stored[place]) if column.words else stored[place]
                for column, place in zip(self.columns, places, strict=True)
            ]


class Names:
    """What rows of another table are called, by their key; each is asked for once."""

    def __init__(self, rows: QuerySet[Any], *fields: str) -> None:
        self._rows = rows.order_by()
        self._fields = fields
        self._known: dict[Any, tuple[Any, ...]] = {}

    def words(self, field: str) -> Words:
        place = self._fields.index(field)

        def words(keys: Sequence[Any]) -> Sequence[Any]:
            self._learn(set(keys) - self._known.keys())
            known = self._known
            return [known[key][place] for key in keys]

        return words

    def _learn(self, keys: set[Any]) -> None:
        if keys:
            found = self._rows.filter(pk__in=keys).values_list("pk", *self._fields)
            self._known.update((pk, names) for pk, *names in found)


def chosen(words: dict[str, str]) -> Words:
    """Words for stored values; those that this version does not know stay as they are."""
    return lambda values: [words.get(value, value) for value in values]
