"""Instants as the database writes them (`2026-03-01 15:20:30.5`, in UTC), made fit to read.

Making a `datetime` of each, and text of that again, would be most of an export's work. As text
they need one look-up for the hour.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo

HOURS_KEPT = 20_000
EXCEL_DAY_ZERO = date(1899, 12, 30).toordinal()


def iso(stored: Sequence[str | None]) -> list[str]:
    """ISO 8601 in UTC, to the second, for machines."""
    return [f"{at[:10]}T{at[11:19]}Z" if at else "" for at in stored]


def parsed(stored: str) -> datetime:
    """To the microsecond."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)


class Local:
    """Stored instants as a zone's clocks show them: `2026-03-01 10:20:30-05:00`."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._hours = _Hours(zone)

    def __call__(self, stored: Sequence[str | None]) -> list[str]:
        hours = self._hours
        if len(hours) > HOURS_KEPT:
            hours.clear()
        return [
            (f"{known[0]}{at[13:19]}{known[1]}" if (known := hours[at[:13]]) else self._exactly(at))
            if at
            else ""
            for at in stored
        ]

    def _exactly(self, at: str) -> str:
        return _shown(f"{at[:19]}+00:00", self._zone)


class _Hours(dict[str, tuple[str, str] | None]):
    """What stands before and after the minutes in a zone, by the hour in UTC.

    None where that changes within the hour, or the offset is not whole hours.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, hour: str) -> tuple[str, str] | None:
        begins = _shown(f"{hour}:00:00+00:00", self._zone)
        ends = _shown(f"{hour}:59:59+00:00", self._zone)
        whole = begins[13:19] == ":00:00" and ends[13:19] == ":59:59"
        same = begins[:13] == ends[:13] and begins[19:] == ends[19:]
        self[hour] = known = (begins[:13], begins[19:]) if whole and same else None
        return known


def _shown(utc: str, zone: tzinfo) -> str:
    return datetime.fromisoformat(utc).astimezone(zone).isoformat(sep=" ", timespec="seconds")


class Serial:
    """The same as a spreadsheet counts days, without the offset: `46082.430902778`."""

    def __init__(self, zone: tzinfo) -> None:
        self._local = Local(zone)
        self._days: dict[str, int] = {}

    def __call__(self, stored: Sequence[str | None]) -> list[str]:
        return [self._serial(text) if text else "" for text in self._local(stored)]

    def _serial(self, text: str) -> str:
        day = text[:10]
        if day not in self._days:
            self._days[day] = date.fromisoformat(day).toordinal() - EXCEL_DAY_ZERO
        seconds = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
        return f"{self._days[day] + seconds / 86400:.9f}"
