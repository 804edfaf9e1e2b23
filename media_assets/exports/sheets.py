"""Rows as the XML of a sheet: texts as they are, typed as texts, so that none is a formula."""

import re
from collections.abc import Sequence
from typing import Any

from media_assets.exports.tables import Kind
from media_assets.exports.workbook import HEAD, INSTANT, MAIN, TEXT, XML

CELL_MOST = 32_767  # UTF-16 units
CUT = " […]"
# What XML cannot hold, or would not give back, is written as _xHHHH_ (ECMA-376, ST_Xstring), and
# so is the beginning of a text that only looks like that.
ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
SPECIAL = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
WIDTHS = {Kind.TEXT: 24, Kind.HANDLE: 40, Kind.NUMBER: 12, Kind.INSTANT: 20}
TAIL = "</sheetData></worksheet>"


def head(kinds: Sequence[Kind], *, frozen: bool) -> str:
    """What comes before the first row. The first one stays in sight if it is `frozen`."""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{WIDTHS[kind]}" customWidth="1"/>'
        for number, kind in enumerate(kinds, start=1)
    )
    return (
        f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
        f"{pane if frozen else ''}</sheetView></sheetViews><cols>{columns}</cols><sheetData>"
    )


def rows(
    columns: Sequence[Sequence[Any]], kinds: Sequence[Kind], *, first: int, text: int = TEXT
) -> str:
    """Rows from number `first` on; of instants and numbers their values, of empty cells nothing.

    text: the format of text cells.
    """
    cells = [
        _texts(values, letter=letter(place), first=first, style=text)
        if kind in {Kind.TEXT, Kind.HANDLE}
        else _values(values, kind, letter=letter(place), first=first)
        for place, (kind, values) in enumerate(zip(kinds, columns, strict=True))
    ]
    return "".join(
        f'<row r="{number}">{"".join(row)}</row>'
        for number, row in enumerate(zip(*cells, strict=True), start=first)
    )


def header(titles: Sequence[str]) -> str:
    return rows([[title] for title in titles], [Kind.TEXT] * len(titles), first=1, text=HEAD)


def letter(place: int) -> str:
    """What a spreadsheet calls a column, counted from 0; up to ZZ."""
    before, last = divmod(place, 26)
    return (chr(64 + before) if before else "") + chr(65 + last)


def fitting(text: str) -> str:
    """The text as far as a cell holds it; a sign at the end says where it was cut."""
    if len(text) <= CELL_MOST // 2 or len(text.encode("utf-16-le")) // 2 <= CELL_MOST:
        return text
    kept = text.encode("utf-16-le")[: 2 * (CELL_MOST - len(CUT))]
    return kept.decode("utf-16-le", errors="ignore") + CUT


def _texts(values: Sequence[str], *, letter: str, first: int, style: int) -> list[str]:
    if max(map(len, values)) > CELL_MOST // 2:
        values = [fitting(value) for value in values]
    if SPECIAL.search("\n".join(values)):
        values = [_escaped(value) for value in values]
    end = f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">'
    return [
        f'<c r="{letter}{number}{end}{value}</t></is></c>' if value else ""
        for number, value in enumerate(values, start=first)
    ]


def _values(values: Sequence[object], kind: Kind, *, letter: str, first: int) -> list[str]:
    style = f' s="{INSTANT}"' if kind is Kind.INSTANT else ""
    return [
        "" if value is None or value == "" else f'<c r="{letter}{number}"{style}><v>{value}</v></c>'
        for number, value in enumerate(values, start=first)
    ]


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
