"""`make bench`: measure against the goals, print a table, write var/bench.json.

ARGS="batch_500"    only benchmarks one of whose names begins so
ARGS="--runs 1"     another number of runs
"""

import argparse
import json
import os
import socket
import statistics
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
from tools.benchmarks import BENCHMARKS, POSTGRESQL, SQLITE, Benchmark
from tools.environment import PYTHON, ROOT, VAR, like_production
from tools.test import POSTGRESQL_SERVER, has_postgresql

RESULTS = VAR / "bench.json"
FOLDER = VAR / "bench"


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
    chosen = [each for each in BENCHMARKS.values() if _is_chosen(each, options.names)]
    rows = [row for each in chosen for row in _rows(each, runs=options.runs or each.runs)]
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    missed = sum(not row["ok"] for row in rows)
    print(f"{len(rows)} figures, {missed} goals missed: {RESULTS.relative_to(ROOT)}")
    return 1 if missed or not rows else 0


def _is_chosen(each: Benchmark, names: Sequence[str]) -> bool:
    own = [each.name, *(figure.name for figure in each.figures)]
    return not names or any(mine.startswith(tuple(names)) for mine in own)


def _rows(each: Benchmark, *, runs: int) -> Iterator[dict[str, Any]]:
    """One row for each figure and database: the median of the runs."""
    for database in each.databases:
        if database == POSTGRESQL and not has_postgresql(POSTGRESQL_SERVER):
            print(f"Left out: {each.name} on PostgreSQL, because no server answers.")
            continue
        results = _measure(each, database=database, runs=runs)
        for figure, values in zip(each.figures, zip(*results, strict=True), strict=True):
            value = statistics.median(values)
            ok = figure.is_reached(value)
            print(
                f"{'ok' if ok else 'MISSED':<8}{figure.name:<34}{database:<12}"
                f"{value:>10.3f} {figure.unit:<4}{'≥' if figure.at_least else '≤'}"
                f"{figure.goal:>9.2f}   {runs} runs, {min(values):.3f}–{max(values):.3f}",
                flush=True,
            )
            yield {
                "name": figure.name,
                "database": database,
                "value": round(value, 4),
                "unit": figure.unit,
                "goal": round(figure.goal, 4),
                "ok": ok,
                "runs": runs,
            }


def _measure(each: Benchmark, *, database: str, runs: int) -> list[list[float]]:
    """The figures of each run, measured in a process with a database of its own."""
    with _temporary_database(database) as url:
        sandbox = f"http://127.0.0.1:{_free_port()}"
        settings = {
            "DATABASE_URL": url,
            "HTTPS": "false",
            "ALLOWED_HOSTS": "testserver",
            "WOLKVOX_BASE_URL": f"{sandbox}/wv{{server}}/api/v2/",
            "STORAGE_HOSTS": f"{sandbox}/storage/wvox-",
            "LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore",
        }
        done = subprocess.run(
            [PYTHON, "-m", "tools.bench", "--child", each.name, "--runs", str(runs)],
            cwd=ROOT,
            env=like_production() | settings,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    results: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return results


def _measure_here(name: str, *, runs: int) -> int:
    django.setup()
    benchmarks.load()
    call_command("migrate", verbosity=0)
    print(json.dumps(list(BENCHMARKS[name].measure(runs))))
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
