"""Figures as they are added up: in all, by day, by connector, by person, failures by reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet, Sum

from media_assets.figures import times
from media_assets.models import DayFigures, Status


@dataclass
class Tally:
    """Uploads by how they ended, and the histogram of how long the ready ones took."""

    ready: int = 0
    failed: int = 0
    others: int = 0  # waiting, being sent, cancelled
    times: int = 0

    def add(self, status: str, uploads: int) -> None:
        if status == Status.READY:
            self.ready += uploads
        elif status == Status.FAILED:
            self.failed += uploads
        else:
            self.others += uploads

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.ready + other.ready,
            self.failed + other.failed,
            self.others + other.others,
            self.times + other.times,
        )

    @property
    def uploads(self) -> int:
        return self.ready + self.failed + self.others

    @property
    def median(self) -> float | None:
        """Seconds from submission to handle; see `times` for how exact it is."""
        return times.quantile(self.times, percent=50)

    @property
    def p95(self) -> float | None:
        return times.quantile(self.times, percent=95)


def _tallies() -> defaultdict[int, Tally]:
    return defaultdict(Tally)


@dataclass
class Figures:
    """Connectors and people by primary key, reasons by `Outcome`."""

    total: Tally = field(default_factory=Tally)
    days: defaultdict[date, Tally] = field(default_factory=lambda: defaultdict(Tally))
    connectors: defaultdict[int, Tally] = field(default_factory=_tallies)
    people: defaultdict[int, Tally] = field(default_factory=_tallies)
    reasons: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add_day(self, day: date, status: str, uploads: int) -> None:
        self.days[day].add(status, uploads)
        self.total.add(status, uploads)

    def add_place(
        self, connector: int, person: int, status: str, outcome: str, uploads: int
    ) -> None:
        self.connectors[connector].add(status, uploads)
        self.people[person].add(status, uploads)
        if status == Status.FAILED:
            self.reasons[outcome] += uploads

    def add_times(self, day: date, connector: int, person: int, histogram: int) -> None:
        self.days[day].times += histogram
        self.connectors[connector].times += histogram
        self.people[person].times += histogram


def figures_of(cells: QuerySet[DayFigures]) -> Figures:
    """What rows of the summary come to, in three queries."""
    found = Figures()
    for row in cells.values_list("day", "status").annotate(Sum("uploads")):
        found.add_day(*row)
    places = cells.values_list("connector_id", "submitted_by_id", "status", "outcome")
    for place in places.annotate(Sum("uploads")):
        found.add_place(*place)
    ready = cells.filter(status=Status.READY).values_list(
        "day", "connector_id", "submitted_by_id", "times"
    )
    for day, connector, person, stored in ready.iterator(chunk_size=5_000):
        found.add_times(day, connector, person, times.unpack(stored))
    found.total.times = sum(tally.times for tally in found.days.values())
    return found
