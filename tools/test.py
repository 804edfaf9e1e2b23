"""`make test`: the whole suite on SQLite, on PostgreSQL and in a browser, as far as they are there.

All at a time; their reports follow each other.

ARGS="tests/test_crypto.py -k seal"   what pytest is given besides
TEST_DATABASE_URL=postgres://…        the PostgreSQL server; its role has to create databases
CHROMIUM=/path/of/chromium            the browser
REQUIRE_ALL=1                         what is left out is an error
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from tools.environment import PYTHON, ROOT, VAR, environment_with

# a name for each folder, so that two checkouts can be tested at once
DATABASE = f"wolkvox_admin_{zlib.crc32(bytes(ROOT)):08x}"
POSTGRESQL_SERVER = os.environ.get(
    "TEST_DATABASE_URL", f"postgres://postgres@127.0.0.1:5432/{DATABASE}"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = shlex.split(os.environ.get("ARGS", ""))
NO_TESTS = 5  # pytest's exit code when nothing was selected


class Run(NamedTuple):
    """One run of pytest: what it is called, which marks it selects, and its environment."""

    title: str
    markers: str
    environment: dict[str, str]


def main() -> int:
    VAR.mkdir(exist_ok=True)
    left_out: list[str] = []
    runs = list(_runs(left_out))
    results = _results(runs)
    failed = [title for title, code in results.items() if code not in {0, NO_TESTS}]
    empty = [title for title, code in results.items() if code == NO_TESTS]
    if len(empty) == len(results):
        failed.append("no test was selected")
    elif empty and not ARGS:
        left_out.append(f"{', '.join(empty)}, because there are no such tests.")
    for sentence in left_out:
        print(f"Left out: {sentence}")
    if failed:
        print(f"Failed: {', '.join(failed)}.")
    return 1 if failed or (left_out and os.environ.get("REQUIRE_ALL") == "1") else 0


def _runs(left_out: list[str]) -> Iterator[Run]:
    """What can run here; what cannot goes to `left_out`."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    yield Run("SQLite", "not browser", {})
    if has_postgresql(POSTGRESQL_SERVER):
        yield Run("PostgreSQL", "not browser", {"TEST_DATABASE_URL": POSTGRESQL_SERVER})
    else:
        left_out.append(
            "the tests on PostgreSQL, because none answers at "
            f"{urlsplit(POSTGRESQL_SERVER).hostname}: start one, or name one in TEST_DATABASE_URL."
        )
    if browser:
        database = f"sqlite:///{VAR}/test.browser.sqlite3"  # the other may still be in use
        yield Run("Chromium", "browser", {"CHROMIUM": browser, "TEST_DATABASE_URL": database})
    else:
        left_out.append(
            "the tests in a browser, because there is no Chromium: install it "
            "(on Debian: apt-get install chromium), or name one in CHROMIUM."
        )


def has_postgresql(url: str) -> bool:
    """Whether a server answers there; the database that every server has is asked for."""
    maintenance = urlsplit(url)._replace(path="/postgres").geturl()
    connect = "import sys, psycopg; psycopg.connect(sys.argv[1], connect_timeout=3).close()"
    done = subprocess.run([PYTHON, "-c", connect, maintenance], capture_output=True, check=False)
    return done.returncode == 0


def _results(runs: list[Run]) -> dict[str, int]:
    """Exit codes by title; the first run is seen as it goes, the others when they have ended."""
    results = {}
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(runs)))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)  # interrupted: no more
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in runs[1:]]
        started = [
            (run, output, pool.submit(_pytest, run, output=output))
            for run, output in zip(runs, [None, *outputs], strict=True)
        ]
        for run, output, process in started:
            print(f"\n{run.title}", flush=True)
            results[run.title] = process.result()
            if output is not None:
                output.seek(0)
                shutil.copyfileobj(output, sys.stdout.buffer)
                sys.stdout.flush()
    return results


def _pytest(run: Run, *, output: IO[bytes] | None) -> int:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", **run.environment}
    environment = environment_with(settings)
    if "TEST_DATABASE_URL" not in settings:
        environment.pop("TEST_DATABASE_URL", None)
    command = [str(PYTHON), "-m", "pytest", "-q", "-m", run.markers, *ARGS]
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
