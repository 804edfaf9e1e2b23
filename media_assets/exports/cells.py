"""Cells as text that no spreadsheet takes for a formula."""

import re
from collections.abc import Sequence

# as OWASP lists them; also in full width, which some programs take for the same
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# Which character parts cells depends on the reader's country: any of them may begin one.
FORMULA = re.compile(r"(^|[;,\t\r\n])(?=[=+\-@\t\r＝＋－＠])")
# The same anywhere in cells that are joined by line feeds: one search for a whole column.
FORMULA_IN_COLUMN = re.compile(r"[;,\t\r\n][=+\-@\t\r＝＋－＠]")

FEW = 100


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula, nor a part of it for another."""
    return FORMULA.sub(r"\1'", "" if cell is None else str(cell))


def neutral_handle(handle: str) -> str:
    """The handle byte for byte, as long as it does not begin like a formula as none does."""
    return f"'{handle}" if handle.startswith(FORMULA_STARTS) else handle


def neutral_column(cells: Sequence[str]) -> Sequence[str]:
    """Each cell as `neutral` makes it; where nothing looks like a formula, one search says so."""
    if FORMULA_IN_COLUMN.search(joined(cells)):
        return [neutral(cell) for cell in cells]
    return cells


def neutral_handles(handles: Sequence[str]) -> Sequence[str]:
    """Each handle as `neutral_handle` makes it."""
    if {handle[:1] for handle in handles}.isdisjoint(FORMULA_STARTS):
        return handles
    return [neutral_handle(handle) for handle in handles]


def joined(cells: Sequence[str]) -> str:
    """All that stands in the cells, to be searched; what stands in many of them perhaps once.

    Each cell comes after a line feed.
    """
    if len(cells) > FEW and len(different := set(cells)) < len(cells) // 4:
        return "\n" + "\n".join(different)
    return "\n" + "\n".join(cells)
