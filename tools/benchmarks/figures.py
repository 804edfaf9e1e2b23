"""How long somebody waits for the figures beside the history."""

import time
from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_assets.figures import rebuild
from media_assets.models import DayFigures
from tools.benchmarks import SIZES, Figure, benchmark
from tools.benchmarks.filling import SUPERVISOR
from tools.benchmarks.signing_in import sign_in

YEAR = timedelta(days=364)


@benchmark(
    Figure(name="figures_ms", unit="ms"),
    Figure(name="figures_year_ms", unit="ms"),
    Figure(name="figures_year_person_ms", unit="ms"),
    Figure(name="figures_rows"),
    Figure(name="figures_rebuild_s", unit="s"),
    runs=5,
    sizes=(max(SIZES),),
)
def figures(runs: int) -> Iterator[tuple[float, ...]]:
    """The whole request for the part that the history loads, as a supervisor, in this process.

    `figures_ms` is what is shown when no days are chosen, the last 30; `_year` the last 365 days
    of everybody, and of the person with the most uploads. `figures_rows` is the size of the
    summary table for so many uploads, `figures_rebuild_s` the time to make it anew.
    """
    client = Client(headers={"HX-Request": "true"})
    sign_in(client, User.objects.get(username=SUPERVISOR))
    since = (timezone.localdate() - YEAR).isoformat()
    person = _busiest()
    for _run in range(runs):
        started = time.perf_counter()
        for _day in rebuild():
            continue
        rebuilt = time.perf_counter() - started
        yield (
            _milliseconds(client),
            _milliseconds(client, since=since),
            _milliseconds(client, since=since, person=person),
            DayFigures.objects.count(),
            rebuilt,
        )


def _milliseconds(client: Client, **filters: str) -> float:
    """The second time, as for everybody after the first."""
    for _time in range(2):
        started = time.perf_counter()
        response = client.get(reverse("figures"), filters)
        elapsed = time.perf_counter() - started
        if response.status_code != 200 or b"figures-drawn" not in response.content:
            raise RuntimeError("the figures were not shown")
    return 1000 * elapsed


def _busiest() -> str:
    """Who has submitted most."""
    counted = DayFigures.objects.values("submitted_by__username").annotate(all=Sum("uploads"))
    found: str = counted.order_by("-all")[0]["submitted_by__username"]
    return found
