"""How long a person waits who submits 500 URLs at once, to an empty list and to a long one."""

import time
from collections.abc import Iterator

from tools.benchmarks import SIZES, Figure, benchmark, p95
from tools.benchmarks.browser import Browser
from tools.benchmarks.programs import sandbox, web, worker
from tools.benchmarks.rows import file_urls, make_connectors, make_person

FILES = 500
POSTS = 20
PAUSE = 0.5  # seconds: looks at files that the last batch has begun come to their end
LATENCY = 0.2  # seconds for each call to the sandbox


@benchmark(
    Figure(name="batch_500_save_p95_ms", unit="ms", goal=500),
    Figure(name="batch_500_save_median_ms", unit="ms"),
)
def batch_saved(runs: int) -> Iterator[tuple[float, ...]]:
    """From the click to the redirect, over HTTP to the web server as production starts it.

    The look at the files in Storage is included, and no file was looked at before. A worker sends
    the earlier batches meanwhile, as it would.
    """
    yield from _posts(runs)


@benchmark(
    Figure(name="batch_500_save_at_1m_p95_ms", unit="ms", goal=800),
    Figure(name="batch_500_save_at_1m_median_ms", unit="ms"),
    runs=5,
    sizes=(max(SIZES),),
    writes=True,
)
def batch_saved_at_1m(runs: int) -> Iterator[tuple[float, ...]]:
    """The same where a million uploads are there already, with all indexes and the search."""
    yield from _posts(runs)


def _posts(runs: int) -> Iterator[tuple[float, ...]]:
    with sandbox(latency=LATENCY) as box, worker(), web() as (origin, _web):
        person, (connector,) = make_person(), make_connectors(box)
        browser = Browser(origin, person=person)
        for warm_up in range(2):  # processes of the web
            urls = file_urls(connector, files=FILES, folder=f"first-{warm_up}")
            browser.milliseconds_to_submit(connector, urls=urls)
        for run in range(runs):
            waits = []
            for number in range(POSTS):
                time.sleep(PAUSE)
                urls = file_urls(connector, files=FILES, folder=f"{run}-{number}")
                waits.append(browser.milliseconds_to_submit(connector, urls=urls))
            if browser.errors:
                raise RuntimeError(f"{browser.errors} answers were errors of the server")
            yield p95(waits), sorted(waits)[POSTS // 2]
