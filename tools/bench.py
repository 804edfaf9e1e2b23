"""`make bench`: measure against the goals, print a table, write var/bench.json.

ARGS="delivery_efficiency"   only benchmarks with a name that begins so, their own or a figure's
ARGS="--runs 1"              another number of runs
TEST_DATABASE_URL=postgres://…   the PostgreSQL server; its role has to create databases
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import django
import psycopg
from django.core.management import call_command

from tools import benchmarks
from tools.benchmarks import BENCHMARKS, POSTGRESQL, SQLITE, Benchmark, table
from tools.benchmarks.programs import free_port
from tools.children import end_with_parent
from tools.environment import PYTHON, ROOT, VAR, like_production
from tools.test import POSTGRESQL_SERVER, has_postgresql

RESULTS = VAR / "bench.json"
FOLDER = VAR / "bench"


class BenchmarkFailed(Exception):
    """A benchmark did not come to its end; why, it has written to standard error."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure against the goals.")
    parser.add_argument("names", nargs="*", help="only those that begin so")
    parser.add_argument("--runs", type=int, help="how often, instead of as often as is usual")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return _measure_here(options.child, runs=options.runs)
    os.environ.update(like_production())
    django.setup()
    benchmarks.load()
    return measure(options.names, runs=options.runs)


def measure(names: Sequence[str], *, runs: int | None) -> int:
    """Run what the names choose, as often as is usual or `runs` times; returns the exit code.

    The results are written after every benchmark: an interrupted run leaves what it has measured.
    """
    rows: list[dict[str, Any]] = []
    for database in _databases():
        for each in benchmarks.chosen(names):
            if database in each.databases:
                rows += _rows(each, database=database, runs=runs or each.runs)
                write(rows)
    return conclude(rows)


def write(rows: list[dict[str, Any]]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def conclude(rows: list[dict[str, Any]]) -> int:
    """Print the table and return the exit code: 0 when every goal was measured and reached."""
    print("", *table.lines(rows), sep="\n")
    failed = sum(row["value"] is None for row in rows)
    missed = sum(not row["ok"] for row in rows) - failed
    print(f"{len(rows)} figures, {missed} goals missed, {failed} not measured: {RESULTS.name}")
    return 1 if missed or failed or not rows else 0


def _databases() -> Iterator[str]:
    yield SQLITE
    if has_postgresql(POSTGRESQL_SERVER):
        yield POSTGRESQL
        return
    print("Left out: PostgreSQL, because no server answers. Name one in TEST_DATABASE_URL.")


def _rows(each: Benchmark, *, database: str, runs: int) -> list[dict[str, Any]]:
    print(f"{each.name} on {database}, {runs} runs", flush=True)
    try:
        results = _measure(each, database=database, runs=runs)
        return list(table.rows_of(each, database=database, results=results))
    except BenchmarkFailed as failure:
        print(f"FAILED: {each.name} on {database}: {failure}", flush=True)
        return list(table.rows_of_failure(each, database=database))


def _measure(each: Benchmark, *, database: str, runs: int) -> list[list[float]]:
    """The figures of each run, measured in a process with a database of its own."""
    results: list[list[float]] = []
    with _temporary_database(database) as url:
        command = [str(PYTHON), "-m", "tools.bench", "--child", each.name, "--runs", str(runs)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=like_production() | _settings(url),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent(os.getpid()),
        ) as child:
            assert child.stdout is not None  # noqa: S101  (asked for with PIPE)
            for line in child.stdout:
                results.append(json.loads(line))
                print(f"  run {len(results)}: {_named(each, results[-1])}", flush=True)
    if child.returncode:
        raise BenchmarkFailed(f"exit code {child.returncode}")
    if len(results) != runs:
        raise BenchmarkFailed(f"{len(results)} of {runs} runs")
    return results


def _settings(url: str) -> dict[str, str]:
    sandbox = f"http://127.0.0.1:{free_port()}"
    return {
        "DATABASE_URL": url,
        "HTTPS": "false",
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
        "WOLKVOX_BASE_URL": f"{sandbox}/wv{{server}}/api/v2/",
        "STORAGE_HOSTS": f"{sandbox}/storage/wvox-",
        "LOG_LEVEL": "WARNING",
        "NO_PROXY": "127.0.0.1",
        "PYTHONWARNINGS": "ignore",
    }


def _named(each: Benchmark, values: list[float]) -> str:
    pairs = zip(each.figures, values, strict=False)
    return ", ".join(f"{figure.name} {value:.3f}" for figure, value in pairs)


def _measure_here(name: str, *, runs: int) -> int:
    django.setup()
    benchmarks.load()
    call_command("migrate", verbosity=0)
    for values in BENCHMARKS[name].measure(runs):
        print(json.dumps(values), flush=True)
    return 0


@contextmanager
def _temporary_database(kind: str) -> Iterator[str]:
    """The DATABASE_URL of an empty database, which is removed afterwards."""
    if kind == SQLITE:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{os.getpid()}.sqlite3"
        try:
            yield f"sqlite:///{path}"
        finally:
            for leftover in FOLDER.glob(f"{path.name}*"):
                leftover.unlink()
        return
    name = f"bench_{os.getpid()}"
    server = urlsplit(POSTGRESQL_SERVER)
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
