"""Figures as a page shows them: sentences, rows of tables, and what its charts are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils.formats import date_format, get_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from media_assets.figures.tallies import Figures, Tally
from media_assets.figures.words import duration, number, percentage
from media_assets.models import Connector, Outcome

DAYS_DRAWN = 92  # more are drawn as weeks
WEEKS_DRAWN = 106  # more as months
MOST_ROWS = 10


@dataclass(frozen=True)
class Period:
    """A day, a week or a month: with the year for tables, shorter for charts and sentences."""

    label: str
    short: str
    tally: Tally


@dataclass(frozen=True)
class Row:
    """One line of a ranking: `key` is what the history is filtered by, "" where it cannot be."""

    label: str
    tally: Tally
    key: str = ""
    width: float = 0.0  # in percent of the longest row's


@dataclass(frozen=True)
class Reason:
    label: str
    uploads: int
    share: str
    width: float


@dataclass(frozen=True)
class Shown:
    """The figures of the days from `since` (None: from the first upload on) to `until`."""

    figures: Figures
    since: date | None
    until: date

    @property
    def total(self) -> Tally:
        return self.figures.total

    @cached_property
    def unit(self) -> str:
        """What one bar stands for: "day", "week" or "month"."""
        days = (self.until - self._first).days + 1
        if days <= DAYS_DRAWN:
            return "day"
        return "week" if days <= 7 * WEEKS_DRAWN else "month"

    @cached_property
    def periods(self) -> list[Period]:
        """From the first to the last without gaps."""
        begin = {"day": _day, "week": _week, "month": _month}[self.unit]
        tallies: dict[date, Tally] = {}
        day = self._first
        while day <= self.until:
            tallies.setdefault(begin(day), Tally())
            day += timedelta(days=1)
        for day, tally in self.figures.days.items():
            start = begin(day)
            tallies[start] = tallies.get(start, Tally()) + tally
        label, short = "SHORT_DATE_FORMAT", "j M"
        if self.unit == "month":
            label, short = "YEAR_MONTH_FORMAT", "M Y"
        return [
            Period(date_format(start, label), date_format(start, short), tallies[start])
            for start in sorted(tallies)
        ]

    @cached_property
    def reasons(self) -> list[Reason]:
        """Why uploads failed, the most frequent first."""
        found = sorted(self.figures.reasons.items(), key=lambda item: (-item[1], item[0]))
        most = max(self.figures.reasons.values(), default=1)
        return [
            Reason(
                label=str(Outcome(outcome).label) if outcome else _("Unknown"),
                uploads=uploads,
                share=percentage(uploads, self.total.failed),
                width=_width(uploads, most),
            )
            for outcome, uploads in found
        ]

    @cached_property
    def connectors(self) -> list[Row]:
        keys = list(self.figures.connectors)
        found = {
            connector.pk: (f"{connector} · {connector.operation}", str(connector.code))
            for connector in Connector.objects.select_related("operation").filter(pk__in=keys)
        }
        return _ranked(self.figures.connectors, names=found)

    @cached_property
    def people(self) -> list[Row]:
        keys = list(self.figures.people)
        found = {
            key: (name, name)
            for key, name in User.objects.filter(pk__in=keys).values_list("pk", "username")
        }
        return _ranked(self.figures.people, names=found)

    @property
    def drawn(self) -> dict[str, Any]:
        """What charts.js needs: numbers, and their texts where it could not make them itself."""
        tallies = [row.tally for row in self.periods]
        return {
            "labels": [row.short for row in self.periods],
            "ready": [tally.ready for tally in tallies],
            "failed": [tally.failed for tally in tallies],
            "others": [tally.others for tally in tallies],
            "median": [tally.median for tally in tallies],
            "p95": [tally.p95 for tally in tallies],
            "thousands": get_format("THOUSAND_SEPARATOR"),
            "decimal": get_format("DECIMAL_SEPARATOR"),
        }

    # In words.

    @property
    def said(self) -> str:
        total = self.total
        return ngettext(
            "%(uploads)s upload: %(ready)s ready, %(failed)s failed.",
            "%(uploads)s uploads: %(ready)s ready, %(failed)s failed.",
            total.uploads,
        ) % {
            "uploads": number(total.uploads),
            "ready": percentage(total.ready, total.uploads),
            "failed": percentage(total.failed, total.uploads),
        }

    @property
    def said_of_time(self) -> str:
        if self.total.median is None or self.total.p95 is None:
            return _("No handle was received.")
        return _(
            "Half of the handles came within %(median)s of the submission, 95%% within %(p95)s."
        ) % {"median": duration(self.total.median), "p95": duration(self.total.p95)}

    @property
    def said_of_failures(self) -> str:
        if not self.reasons:
            return _("Nothing failed.")
        return ngettext(
            "%(failed)s upload failed; the most frequent reason: %(reason)s.",
            "%(failed)s uploads failed; the most frequent reason: %(reason)s.",
            self.total.failed,
        ) % {"failed": number(self.total.failed), "reason": self.reasons[0].label}

    @property
    def busiest(self) -> Period:
        return max(self.periods, key=lambda row: row.tally.uploads)

    @property
    def days(self) -> str:
        """Which days these are figures of."""
        until = date_format(self.until, "SHORT_DATE_FORMAT")
        if self.since == self.until:
            return until
        if self.since is None:
            return _("until %(until)s") % {"until": until}
        return f"{date_format(self.since, 'SHORT_DATE_FORMAT')} – {until}"

    @property
    def _first(self) -> date:
        """Where drawing begins: years before the first upload are left out."""
        first = min(self.figures.days, default=self.until)
        if self.since is None or (self.until - self.since).days >= DAYS_DRAWN:
            return first
        return self.since


def _ranked(tallies: Mapping[int, Tally], *, names: Mapping[int, tuple[str, str]]) -> list[Row]:
    """The rows with the most uploads, and the sum of the others."""
    gone = ("–", "")  # removed since it was counted
    order = sorted(tallies, key=lambda key: (-tallies[key].uploads, names.get(key, gone)))
    most = tallies[order[0]].uploads if order else 1
    rows = []
    for key in order[:MOST_ROWS]:
        name, chosen_by = names.get(key, gone)
        rows.append(Row(name, tallies[key], chosen_by, _width(tallies[key].uploads, most)))
    others = order[MOST_ROWS:]
    if others:
        rest = sum((tallies[key] for key in others), Tally())
        label = ngettext("%(count)s other", "%(count)s others", len(others))
        rows.append(Row(label % {"count": number(len(others))}, rest))
    return rows


def _width(value: int, most: int) -> float:
    return round(100 * value / most, 1)


def _day(day: date) -> date:
    return day


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)
