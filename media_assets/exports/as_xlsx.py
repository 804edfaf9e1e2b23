"""A table as an XLSX workbook, while it is read.

A workbook is a ZIP archive of XML files, and an archive can be written without ever going back:
so it leaves while it is made, as CSV does, without a temporary file. Its list of contents comes
last; a file that broke off lacks it and does not open. What does not fit on one sheet goes on on
the next; the last sheet says how many rows there are.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from media_assets.exports import instants, sheets
from media_assets.exports.tables import Kind, Table
from media_assets.exports.workbook import frame, sheet_name

LEVEL = 2  # of compression: a third of the time of the usual 6, for a file a tenth larger
SHEET_ROWS = 1_048_576  # what a sheet holds
SHEET_BYTES = 1_900_000_000  # from 2 GiB on ZIP needs an extension of which Excel complains
PIECE = 200  # rows that are compressed at once

Columns = list[Sequence[Any]]
Facts = Sequence[tuple[str, str]]


def xlsx_parts(table: Table, *, facts: Facts = ()) -> Iterator[bytes]:
    """The file in parts. `facts` (what, value) stand on the last sheet, below the count."""
    if table.machine:
        return _parts(table, facts=[("rows", ""), *facts], about="information")
    known = [(_("Rows"), ""), (_("Time zone"), str(table.zone)), *facts]
    return _parts(table, facts=known, about=_("Information"))


class _Outgoing(io.RawIOBase):
    """A file that nobody can go back in, and that hands on what was written to it."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._written)
        self._written.clear()
        return data


def _parts(table: Table, *, facts: Facts, about: str) -> Iterator[bytes]:
    outgoing = _Outgoing()
    archive = zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
    pieces = _Pieces(table)
    titles: list[str] = []
    while not titles or pieces.more():
        titles.append(f"{table.title} {len(titles) + 1}" if titles else table.title)
        with archive.open(sheet_name(len(titles)), "w") as sheet:
            for xml in _sheet(table, pieces):
                sheet.write(xml.encode())
                if data := outgoing.taken():
                    yield data
    titles.append(about)
    archive.writestr(sheet_name(len(titles)), _about(facts, count=pieces.count))
    for name, content in frame(titles):
        archive.writestr(name, content)
    archive.close()  # only now, so that a file that broke off lacks its contents
    yield outgoing.taken()


def _sheet(table: Table, pieces: "_Pieces") -> Iterator[str]:
    """One sheet in pieces of XML, as far as there are rows and it holds them."""
    yield sheets.head([column.kind for column in table.columns], frozen=True)
    yield sheets.header(table.header)
    number, size = 2, 0
    while number <= SHEET_ROWS and size < SHEET_BYTES and pieces.more():
        columns = pieces.take(SHEET_ROWS - number + 1)
        xml = sheets.rows(columns, pieces.kinds, first=number)
        number += len(columns[0])
        size += len(xml.encode())
        yield xml
    yield sheets.TAIL


class _Pieces:
    """The rows of a table, as many at a time as are wanted."""

    def __init__(self, table: Table) -> None:
        self.count = 0
        self._pages = table.pages()
        self._rest: Columns = []
        self._values = _values_of(table)
        self._stored = [column.kind for column in table.columns]
        is_text = {Kind.INSTANT: Kind.TEXT} if table.machine else {}
        self.kinds = [is_text.get(kind, kind) for kind in self._stored]

    def more(self) -> bool:
        if not self._rest or not self._rest[0]:
            self._rest = next(self._pages, [])
        return bool(self._rest)

    def take(self, most: int) -> Columns:
        most = min(most, PIECE)
        taken = [values[:most] for values in self._rest]
        self._rest = [values[most:] for values in self._rest]
        self.count += len(taken[0])
        return [
            self._values[kind](values) if kind in self._values else values
            for kind, values in zip(self._stored, taken, strict=True)
        ]


def _values_of(table: Table) -> dict[Kind, Callable[[Sequence[Any]], Sequence[str]]]:
    """How stored values of a kind become those of cells; other kinds stay as they are."""
    return {Kind.INSTANT: instants.iso if table.machine else instants.Serial(table.zone)}


def _about(facts: Facts, *, count: int) -> str:
    """The last sheet: what and its value, one a row; the first of them is the number of rows."""
    kinds = [Kind.TEXT, Kind.TEXT]
    (rows, _nothing), *others = facts
    number = sheets.rows([[rows], [count]], [Kind.TEXT, Kind.NUMBER], first=1)
    columns = [[what for what, _value in others], [value for _what, value in others]]
    rest = sheets.rows(columns, kinds, first=2) if others else ""
    return sheets.head(kinds, frozen=False) + number + rest + sheets.TAIL
