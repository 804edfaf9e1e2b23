"""The results as rows for var/bench.json, and as a table for people."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.benchmarks import Benchmark, Figure

Row = Mapping[str, Any]


def rows_of(
    each: Benchmark, *, database: str, results: Sequence[Sequence[float]]
) -> Iterator[dict[str, Any]]:
    """One row for each figure: the median of the runs, and the span they were in.

    ValueError when a run did not give every figure.
    """
    columns = zip(*results, strict=True)
    for figure, values in zip(each.figures, columns, strict=True):
        value = statistics.median(values)
        yield _row(figure, database=database, runs=len(values)) | {
            "value": round(value, 4),
            "ok": figure.is_reached(value, database=database),
            "min": round(min(values), 4),
            "max": round(max(values), 4),
        }


def rows_of_failure(each: Benchmark, *, database: str) -> Iterator[dict[str, Any]]:
    """What stands in the results for a benchmark that did not come to its end."""
    for figure in each.figures:
        yield _row(figure, database=database, runs=0)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table, a line for each row."""
    yield f"{'':<8}{'figure':<40}{'database':<12}{'value':>12}{'':>6}{'goal':>10}   runs, min–max"
    for row in rows:
        yield _line(row)


def _row(figure: Figure, *, database: str, runs: int) -> dict[str, Any]:
    goal = figure.goal_on(database)
    return {
        "name": figure.name,
        "database": database,
        "value": None,
        "unit": figure.unit,
        "goal": None if goal is None else round(goal, 4),
        "at_least": figure.at_least,
        "ok": False,
        "runs": runs,
        "min": None,
        "max": None,
    }


def _line(row: Row) -> str:
    start = f"{row['name']:<40}{row['database']:<12}"
    if row["value"] is None:
        return f"{'FAILED':<8}{start}"
    goal, sign = "", "≥" if row["at_least"] else "≤"
    word = "ok" if row["ok"] else "MISSED"
    if row["goal"] is None:
        word = "report"
    else:
        goal = f"{sign} {row['goal']:g}"
    span = f"{row['min']:.3f}–{row['max']:.3f}"
    return (
        f"{word:<8}{start}{row['value']:>12.3f} {row['unit']:<5}{goal:>10}   {row['runs']}, {span}"
    )
