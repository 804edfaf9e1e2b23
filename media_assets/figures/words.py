"""Numbers as people read them, in their language."""

from django.utils.formats import number_format
from django.utils.translation import pgettext

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


def number(value: int) -> str:
    return number_format(value, force_grouping=True)


def percentage(part: int, whole: int) -> str:
    """Whole percents; a little is not none, and nearly all is not all."""
    if not whole or part in {0, whole}:
        return _percent("100" if part else "0")
    share = round(100 * part / whole)
    if share == 0:
        return _percent("<\N{NO-BREAK SPACE}1")
    return _percent(">\N{NO-BREAK SPACE}99" if share == 100 else str(share))


def duration(seconds: float | None) -> str:
    """Two digits and a unit that all our languages share; a dash for None."""
    if seconds is None:
        return "–"
    for unit, length in (("s", 1), ("min", MINUTE), ("h", HOUR)):
        if seconds < 90 * length:
            return f"{_digits(seconds / length)}\N{NO-BREAK SPACE}{unit}"
    return f"{_digits(seconds / DAY)}\N{NO-BREAK SPACE}d"


def _digits(value: float) -> str:
    places = 1 if value < 9.95 else 0
    return number_format(round(value, places), decimal_pos=places)


def _percent(text: str) -> str:
    return pgettext("percentage", "%(number)s%%") % {"number": text}
