"""`make test`: the whole suite on SQLite, on PostgreSQL and in a browser, as far as they are there.

The databases are tested at once, and PostgreSQL's report follows SQLite's; the browser follows
alone, because its pages have to be quick.

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
    in_browser = [run for run in runs if run.markers == "browser"]
    results = _at_once([run for run in runs if run not in in_browser]) | _at_once(in_browser)
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
        yield Run("Chromium", "browser", {"CHROMIUM": browser})
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


def _at_once(runs: list[Run]) -> dict[str, int]:
    """Exit codes by title; the first is seen as it goes, others when those before have ended."""
    results = {}
    started: list[tuple[Run, subprocess.Popen[bytes], IO[bytes] | None]] = []
    with ExitStack() as stack:
        for run in runs:
            output: IO[bytes] | None = None
            if started:
                output = stack.enter_context(tempfile.TemporaryFile())
            started.append((run, stack.enter_context(_pytest(run, output=output)), output))
        for run, process, output in started:
            print(f"\n{run.title}", flush=True)
            results[run.title] = process.wait()
            if output is not None:
                output.seek(0)
                shutil.copyfileobj(output, sys.stdout.buffer)
                sys.stdout.flush()
    return results


def _pytest(run: Run, *, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", **run.environment}
    environment = environment_with(settings)
    if "TEST_DATABASE_URL" not in settings:
        environment.pop("TEST_DATABASE_URL", None)
    command = [str(PYTHON), "-m", "pytest", "-q", "-m", run.markers, *ARGS]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main())
