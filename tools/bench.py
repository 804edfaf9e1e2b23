"""`make bench`: measure against the goals, print a table, write var/bench.json.

ARGS="delivery_efficiency"   only benchmarks with a name that begins so, their own or a figure's
ARGS="--runs 1"              another number of runs
ARGS="--sizes 1000,10000"    other numbers of uploads than a thousand to a million, without goals
ARGS="--forget"              remove the databases with so many uploads that are kept for next time
TEST_DATABASE_URL=postgres://…   the PostgreSQL server; its role has to create databases
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import django
from django.core.management import call_command

from tools import benchmarks, databases
from tools.benchmarks import BENCHMARKS, SIZES, Benchmark, table
from tools.benchmarks.programs import free_port
from tools.children import end_with_parent
from tools.environment import PYTHON, ROOT, VAR, like_production

RESULTS = VAR / "bench.json"


class BenchmarkFailed(Exception):
    """A benchmark did not come to its end; why, it has written to standard error."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure against the goals.")
    parser.add_argument("names", nargs="*", help="only those that begin so")
    parser.add_argument("--runs", type=int, help="how often, instead of as often as is usual")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="uploads, by comma")
    parser.add_argument("--forget", action="store_true", help="remove the kept databases")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return _measure_here(options.child, runs=options.runs)
    if options.fill:
        return _fill_here(options.fill)
    if options.forget:
        print(*databases.forget(), sep="\n")
        return 0
    os.environ.update(like_production())
    django.setup()
    benchmarks.load()
    return measure(options.names, runs=options.runs, sizes=options.sizes)


def measure(names: Sequence[str], *, runs: int | None, sizes: Sequence[int] = SIZES) -> int:
    """Run what the names choose, as often as is usual or `runs` times; returns the exit code.

    The results are written after every benchmark: an interrupted run leaves what it has measured.
    """
    rows: list[dict[str, Any]] = []
    for database in databases.available():
        for each in benchmarks.chosen(names):
            if database in each.databases:
                rows += _rows(each, database=database, runs=runs or each.runs, sizes=sizes)
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


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _rows(
    each: Benchmark, *, database: str, runs: int, sizes: Sequence[int]
) -> list[dict[str, Any]]:
    if each.sizes and each.sizes_of(sizes) != each.sizes:
        each = each.without_goals()
    print(f"{each.name} on {database}, {runs} runs", flush=True)
    try:
        results = _measure(each, database=database, runs=runs, sizes=sizes)
        return list(table.rows_of(each, database=database, results=results))
    except BenchmarkFailed as failure:
        print(f"FAILED: {each.name} on {database}: {failure}", flush=True)
        return list(table.rows_of_failure(each, database=database))


def _measure(
    each: Benchmark, *, database: str, runs: int, sizes: Sequence[int]
) -> list[list[float]]:
    """The figures of each run, measured in a process of its own."""
    results: list[list[float]] = []
    with _prepared(each, database=database, sizes=sizes) as prepared:
        arguments = ("--child", each.name, "--runs", str(runs))
        with _child(arguments, settings=prepared) as child:
            assert child.stdout is not None  # noqa: S101  (asked for with PIPE)
            for line in child.stdout:
                results.append(json.loads(line))
                print(f"  run {len(results)}: {_named(each, results[-1])}", flush=True)
    if child.returncode:
        raise BenchmarkFailed(f"exit code {child.returncode}")
    if len(results) != runs:
        raise BenchmarkFailed(f"{len(results)} of {runs} runs")
    return results


@contextmanager
def _prepared(each: Benchmark, *, database: str, sizes: Sequence[int]) -> Iterator[dict[str, str]]:
    """What names the databases of a benchmark to its process."""
    if not each.sizes:
        with databases.temporary(database) as url:
            yield {"DATABASE_URL": url}
        return
    urls = {
        size: databases.filled(database, uploads=size, fill=_fill) for size in each.sizes_of(sizes)
    }
    largest = urls[max(urls)]
    if each.writes:
        with databases.copy_of(database, largest) as url:
            yield {"DATABASE_URL": url, "BENCH_DATABASES": json.dumps({max(urls): url})}
        return
    prepared = {"DATABASE_URL": largest, "BENCH_DATABASES": json.dumps(urls)}
    if each.peer:
        with databases.copy_of(database, largest) as url:
            yield {**prepared, "BENCH_PEER": url}
        return
    yield prepared


def _fill(url: str, uploads: int) -> None:
    print(f"  Filling a database with {uploads:,} uploads …", flush=True)
    with _child(("--fill", str(uploads)), settings={"DATABASE_URL": url}) as child:
        pass
    if child.returncode:
        raise BenchmarkFailed(f"a database could not be filled: exit code {child.returncode}")


def _child(arguments: Sequence[str], *, settings: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(PYTHON), "-m", "tools.bench", *arguments],
        cwd=ROOT,
        env=like_production() | _settings(settings["DATABASE_URL"]) | settings,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=end_with_parent(os.getpid()),
    )


def _settings(url: str) -> dict[str, str]:
    sandbox = f"http://127.0.0.1:{free_port()}"
    return {
        "DATABASE_URL": url,
        "DEMO": "true",  # the sandbox is for demonstrations only
        "LOG_FORMAT": "json",  # as in production
        "HTTPS": "false",
        "REQUIRE_MFA": "off",  # whoever measures has no app with codes
        "LIMIT_SUBMITS": "0",  # and is no crowd either
        "LIMIT_WAITING": "0",
        "LIMIT_EXPORTS": "0",
        "SESSION_IDLE": "43200",  # and waits for hours between two requests
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
    each = BENCHMARKS[name]
    if not each.sizes:
        call_command("migrate", verbosity=0)
    for values in each.measure(runs):
        print(json.dumps(values), flush=True)
    return 0


def _fill_here(uploads: int) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    import_module("tools.benchmarks.filling").fill(uploads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
