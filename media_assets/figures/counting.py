"""Counting uploads into cells, and cells into the summary table."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.utils import timezone

from media_assets.figures import times
from media_assets.figures.tallies import Figures
from media_assets.models import DayFigures, Status, Upload
from media_assets.models.querysets import UploadQuerySet

CHUNK = 2_000


class Kind(NamedTuple):
    """What the uploads of one cell have in common."""

    day: date
    connector: int
    person: int
    campaign: str
    format: str
    status: str
    outcome: str


@dataclass
class Cell:
    uploads: int = 0
    times: int = 0


def count(uploads: UploadQuerySet) -> dict[Kind, Cell]:
    """The uploads by kind, on days of the installation's time zone."""
    zone = timezone.get_default_timezone()
    cells: dict[Kind, Cell] = defaultdict(Cell)
    rows = uploads.order_by().values_list(
        "created_at",
        "finished_at",
        "connector_id",
        "submitted_by_id",
        "campaign",
        "format",
        "status",
        "last_outcome",
    )
    for row in rows.iterator(chunk_size=CHUNK):
        created_at, finished_at, connector, person, campaign, form, status, outcome = row
        day = created_at.astimezone(zone).date()
        reason = outcome if status == Status.FAILED else ""
        cell = cells[Kind(day, connector, person, campaign, form, status, reason)]
        cell.uploads += 1
        if status == Status.READY and finished_at is not None:
            cell.times += times.one((finished_at - created_at).total_seconds())
    return cells


def figures_of_uploads(uploads: UploadQuerySet) -> Figures:
    """What `tallies.figures_of` would say if these uploads were all there are."""
    found = Figures()
    for kind, cell in count(uploads).items():
        found.add_day(kind.day, kind.status, cell.uploads)
        found.add_place(kind.connector, kind.person, kind.status, kind.outcome, cell.uploads)
        found.add_times(kind.day, kind.connector, kind.person, cell.times)
        found.total.times += cell.times
    return found


def replace(day: date, connectors: Collection[int] | None, cells: dict[Kind, Cell]) -> None:
    """Put these cells in the place of all that the summary has of a day, or of some connectors."""
    old = DayFigures.objects.filter(day=day)
    if connectors is not None:
        old = old.filter(connector__in=connectors)
    old.delete()
    DayFigures.objects.bulk_create(_rows(cells), batch_size=CHUNK)


def of_day(day: date) -> UploadQuerySet:
    return Upload.objects.filter(created_at__gte=start_of(day), created_at__lt=end_of(day))


def start_of(day: date) -> datetime:
    """Midnight in the installation's time zone; before all time, the beginning of time."""
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def end_of(day: date) -> datetime:
    return start_of(day + timedelta(days=1))


def _rows(cells: dict[Kind, Cell]) -> Iterable[DayFigures]:
    for kind, cell in cells.items():
        yield DayFigures(
            day=kind.day,
            connector_id=kind.connector,
            submitted_by_id=kind.person,
            campaign=kind.campaign,
            format=kind.format,
            status=kind.status,
            outcome=kind.outcome,
            uploads=cell.uploads,
            times=times.pack(cell.times),
        )
