"""A table as CSV, while it is read.

A header, one line a row, and a last line that says how many there were: `"Rows","1200"` for
people, `#rows,1200` for machines, and behind that a note if these are not all. A file without it
broke off. All other cells are in quotation marks, lines end with CRLF. The kind for people begins
with a byte order mark, without which spreadsheets read UTF-8 as something else.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from media_assets.exports import instants
from media_assets.exports.cells import joined, neutral_column, neutral_handles
from media_assets.exports.tables import Kind, Table

BOM = "\ufeff"
PIECE = 100  # lines that are handed on at once: some 64 KB

Cells = Callable[[Sequence[Any]], Sequence[str]]


def csv_lines(table: Table) -> Iterator[str]:
    """The file in pieces of whole lines. Nothing of the table is read before the second one."""
    return _lines(table, title=_("Rows"))


def _lines(table: Table, *, title: str) -> Iterator[str]:
    yield ("" if table.machine else BOM) + _joined(['","'.join(_text(table.header))])
    cells_of = _cells_of(table)
    count = 0
    for page in table.pages():
        cells = [cells_of[column.kind](values) for column, values in _with_columns(table, page)]
        rows = list(map('","'.join, zip(*cells, strict=True)))
        count += len(rows)
        for start in range(0, len(rows), PIECE):
            yield _joined(rows[start : start + PIECE])
    note = [table.note] if table.note else []
    if table.machine:
        yield ",".join(["#rows", str(count), *note]) + "\r\n"
    else:
        yield _joined(['","'.join([title, str(count), *note])])


def _with_columns(table: Table, page: list[Sequence[Any]]) -> Iterator[tuple[Any, Sequence[Any]]]:
    return zip(table.columns, page, strict=True)


def _joined(rows: Sequence[str]) -> str:
    return '"' + '"\r\n"'.join(rows) + '"\r\n'


def _cells_of(table: Table) -> dict[Kind, Cells]:
    return {
        Kind.TEXT: _text,
        Kind.HANDLE: _handles,
        Kind.NUMBER: _numbers,
        Kind.INSTANT: instants.iso if table.machine else instants.Local(table.zone),
    }


def _text(values: Sequence[str]) -> Sequence[str]:
    return _quoted(neutral_column(values))


def _handles(values: Sequence[str]) -> Sequence[str]:
    return _quoted(neutral_handles(values))


def _numbers(values: Sequence[int | None]) -> Sequence[str]:
    if None in values:
        return ["" if value is None else str(value) for value in values]
    return list(map(str, values))


def _quoted(cells: Sequence[str]) -> Sequence[str]:
    """Quotation marks doubled, where there are any."""
    if '"' in joined(cells):
        return [cell.replace('"', '""') for cell in cells]
    return cells
