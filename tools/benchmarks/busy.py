"""What people notice of a worker that sends for ten tokens at once."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.urls import reverse

from media_assets.models import Connector
from tools.benchmarks import Figure, benchmark, p95, say
from tools.benchmarks.browser import Browser
from tools.benchmarks.programs import sandbox, web, worker
from tools.benchmarks.rows import file_urls, make_connectors, make_person, submit

TOKENS = 10
LATENCY = 0.2  # seconds for each call to the sandbox
ROUNDS = 5  # of one idle and one busy phase each
PHASE = 3.0  # seconds
FILES_FOR_A_PHASE = 200  # no worker sends them within a phase: 4 s for ten tokens
FILES_ON_PAGE = 10  # as many as a page with 1 call in 0.2 s has news of every 2 s
PAUSE = 0.01  # seconds between two requests
LOCKED = re.compile(r"database is locked|OperationalError")


@dataclass(frozen=True)
class Waits:
    """Milliseconds of every request in the phases of one kind."""

    status: list[float] = field(default_factory=list)
    submit: list[float] = field(default_factory=list)


@benchmark(
    Figure(name="status_p95_busy_ratio", goal=2),
    Figure(name="submit_p95_busy_ratio", goal=2),
    Figure(name="locked_errors", goal=0),
    Figure(name="status_p95_idle_ms", unit="ms"),
    Figure(name="status_p95_busy_ms", unit="ms"),
    Figure(name="submit_p95_idle_ms", unit="ms"),
    Figure(name="submit_p95_busy_ms", unit="ms"),
)
def busy(runs: int) -> Iterator[tuple[float, ...]]:
    """The 95th percentile of pages while the worker sends for ten tokens, over that beside it idle.

    Phases take turns, so that both meet the same machine. Status: what a batch's page asks for
    while it is sent, here of a finished batch with all ten rows, the same work in every phase.
    Submit: the form with one new URL, which the worker then sends with an eleventh token, in the
    idle phases too. Locked errors: answers from 500 on, and lines of the logs of web and worker
    that speak of a locked database or an operational error.
    """
    with sandbox(latency=LATENCY, operations=1 + TOKENS) as box, worker() as sender, web() as site:
        origin, server = site
        person = make_person()
        connector, *ten = make_connectors(box)
        shown = submit([connector], files=FILES_ON_PAGE, folder="shown", by=person)
        shown.seconds_until_ready(floor=FILES_ON_PAGE * LATENCY)
        path = reverse("batch_progress", args=[shown.batches[0].code])
        browser = Browser(origin, person=person)
        _phase(browser, path, connector, folder="first", waits=Waits())
        logs = (server.log, sender.log)
        told = 0
        for run in range(runs):
            idle, busy = Waits(), Waits()
            for number in range(ROUNDS):
                name = f"{run}-{number}"
                _phase(browser, path, connector, folder=f"idle-{name}", waits=idle)
                _busy_phase(browser, path, connector, ten, name=name, waits=busy, by=person)
            say(f"{len(idle.status)} and {len(busy.status)} requests of each kind, idle and busy")
            lines = sum(len(LOCKED.findall(log.read_text(errors="replace"))) for log in logs)
            locked, told = lines + browser.errors - told, lines + browser.errors
            status, submitted = p95(idle.status), p95(idle.submit)
            status_busy, submitted_busy = p95(busy.status), p95(busy.submit)
            yield (
                status_busy / status,
                submitted_busy / submitted,
                locked,
                status,
                status_busy,
                submitted,
                submitted_busy,
            )


def _busy_phase(
    browser: Browser,
    path: str,
    connector: Connector,
    ten: list[Connector],
    *,
    name: str,
    waits: Waits,
    by: User,
) -> None:
    """A phase with ten calls in flight all the time; RuntimeError when the work ran out in it."""
    work = submit(ten, files=FILES_FOR_A_PHASE, folder=f"work-{name}", by=by)
    time.sleep(2 * LATENCY)
    _phase(browser, path, connector, folder=f"busy-{name}", waits=waits)
    if not any(batch.uploads.queued().exists() for batch in work.batches):
        raise RuntimeError("the worker had nothing more to do before the phase was over")
    work.seconds_until_ready(floor=0.0)


def _phase(browser: Browser, path: str, connector: Connector, *, folder: str, waits: Waits) -> None:
    """Requests of both kinds in turn for three seconds."""
    end = time.monotonic() + PHASE
    number = 0
    while time.monotonic() < end:
        number += 1
        time.sleep(PAUSE)
        waits.status.append(browser.milliseconds(path))
        time.sleep(PAUSE)
        urls = file_urls(connector, files=1, folder=f"{folder}-{number}")
        waits.submit.append(browser.milliseconds_to_submit(connector, urls=urls))
