"""`make bench`: what is chosen, what counts as reached, and what is printed and written."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools import bench, benchmarks, databases
from tools.benchmarks import BENCHMARKS, POSTGRESQL, SQLITE, Benchmark, Figure, looking, table

VIEWS = (
    *("first", "last", "page50", "connector", "year", "status", "person", "day"),
    "combination",
)


def measure_nothing(runs: int) -> Iterator[tuple[float, ...]]:
    yield from ()


def make_benchmark(*figures: Figure, name: str = "quick", runs: int = 3) -> Benchmark:
    return Benchmark(
        name=name,
        measure=measure_nothing,
        figures=figures or (Figure(name="quick_ms", unit="ms", goal=5),),
        runs=runs,
        databases=(SQLITE, POSTGRESQL),
    )


def rows_of(*figures: Figure, values: list[list[float]], database: str = SQLITE) -> list[Any]:
    each = make_benchmark(*figures)
    return list(table.rows_of(each, database=database, results=values))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Benchmark]:
    """Two benchmarks in place of the real ones."""
    own = {
        "pickup": make_benchmark(Figure(name="pickup_p95_ms"), name="pickup"),
        "send": make_benchmark(
            Figure(name="delivery_limit1"), Figure(name="delivery_limit2"), name="send"
        ),
    }
    monkeypatch.setattr(benchmarks, "BENCHMARKS", own)
    return own


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the results are written to."""
    path = tmp_path / "var" / "bench.json"
    monkeypatch.setattr(bench, "RESULTS", path)
    return path


# What is chosen


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ["pickup", "send"]),
        (["delivery_limit2"], ["send"]),
        (["deliv"], ["send"]),
        (["send"], ["send"]),
        (["pick", "send"], ["pickup", "send"]),
        (["limit"], []),
    ],
)
def test_names_choose_by_how_a_benchmark_or_one_of_its_figures_begins(registered, names, expected):
    assert [each.name for each in benchmarks.chosen(names)] == expected


def test_every_goal_of_the_product_is_measured_on_both_databases():
    benchmarks.load()
    measured = {
        figure.name: each.databases for each in BENCHMARKS.values() for figure in each.figures
    }

    goals = {
        "delivery_efficiency_limit1",
        "delivery_efficiency_limit2",
        "delivery_efficiency_10_tokens",
        "delivery_efficiency_2_workers",
        "delivery_vs_script_limit1",
        "delivery_vs_script_limit2",
        "delivery_vs_script_10_tokens",
        "pickup_p95_ms",
        "delivery_own_cost_ms",
        "batch_500_save_p95_ms",
        "status_p95_busy_ratio",
        "submit_p95_busy_ratio",
        "locked_errors",
        *(f"history_vs_stock_{view}" for view in VIEWS),
        "search_vs_stock_rare",
        "search_vs_stock_absent",
        *(f"history_flatness_{view}" for view in VIEWS),
        "history_flatness_search_frequent",
        "history_worst_ms",
        "batch_500_save_at_1m_p95_ms",
        "csv_1m_first_byte_s",
        "csv_1m_memory_mb",
        "csv_1m_vs_dump",
        "xlsx_100k_vs_import_export",
        "xlsx_100k_memory_ratio",
        "history_page_kb",
    }
    assert goals <= measured.keys()
    assert all(set(measured[name]) == {SQLITE, POSTGRESQL} for name in goals)


def test_a_benchmark_makes_three_runs_or_more_and_no_figure_has_two_homes():
    benchmarks.load()
    names = [figure.name for each in BENCHMARKS.values() for figure in each.figures]

    assert len(names) == len(set(names))
    assert all(each.runs >= 3 for each in BENCHMARKS.values())


# What counts as reached


def test_a_goal_is_a_most_or_a_least():
    most, least = Figure(name="ms", goal=5), Figure(name="ratio", goal=5, at_least=True)

    assert [most.is_reached(value, database=SQLITE) for value in (4, 5, 6)] == [True, True, False]
    assert [least.is_reached(value, database=SQLITE) for value in (4, 5, 6)] == [False, True, True]


def test_a_goal_may_differ_by_database():
    figure = Figure(name="pickup", goal={POSTGRESQL: 50, SQLITE: 300})

    assert figure.is_reached(100, database=SQLITE)
    assert not figure.is_reached(100, database=POSTGRESQL)


def test_a_figure_without_a_goal_is_never_missed():
    figure = Figure(name="cost")

    assert figure.goal_on(SQLITE) is None
    assert figure.is_reached(1e9, database=SQLITE)


def test_the_95th_percentile_is_the_value_that_one_in_twenty_exceeds():
    assert benchmarks.p95([float(value) for value in range(101)]) == 95
    assert benchmarks.p95([1.0] * 99 + [100.0]) == 1


# On how many uploads


def test_a_benchmark_of_sizes_is_measured_on_its_own_where_they_are_wanted():
    each = replace(make_benchmark(), sizes=(1_000, 1_000_000))

    assert each.sizes_of(benchmarks.SIZES) == (1_000, 1_000_000)
    assert each.sizes_of((10, 1_000)) == (1_000,)
    assert each.sizes_of((20, 10)) == (20,)


def test_on_other_sizes_goals_are_neither_reached_nor_missed(registered, results, monkeypatch):
    each = replace(make_benchmark(name="pickup"), sizes=(1_000_000,))
    monkeypatch.setitem(registered, "pickup", each)
    monkeypatch.setattr(bench, "_measure", lambda *_args, **_options: [[1e9]])
    monkeypatch.setattr(databases, "has_postgresql", lambda _url: False)

    assert bench.measure(["pickup"], runs=1) == 1
    assert bench.measure(["pickup"], runs=1, sizes=(1_000,)) == 0

    (row,) = json.loads(results.read_text())
    assert (row["value"], row["goal"], row["ok"]) == (1e9, None, True)


def test_the_stock_admins_page_and_ours_are_counted_alike():
    ours = '<a href="/uploads/8ddfabe4-a82b-4278-85dd-cd65f18488e9/">a</a>' * 2
    stock = '<a href="/stock/media_assets/upload/17/change/?_changelist_filters=q">a</a>'

    assert looking.rows_on(ours) == looking.rows_on(stock) == 1
    assert looking.rows_on('<a href="/uploads/new/">new</a>') == 0


# What is written and printed


def test_a_row_has_the_median_and_the_span_of_its_runs():
    (row,) = rows_of(values=[[4.0], [9.0], [4.5]])

    assert row == {
        "name": "quick_ms",
        "database": SQLITE,
        "value": 4.5,
        "unit": "ms",
        "goal": 5,
        "at_least": False,
        "ok": True,
        "runs": 3,
        "min": 4.0,
        "max": 9.0,
    }


def test_a_run_without_one_of_the_figures_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        rows_of(Figure(name="one"), Figure(name="two"), values=[[1.0]])


def test_the_table_says_what_was_reached_missed_and_only_reported():
    figures = (
        Figure(name="fast_ms", unit="ms", goal=5),
        Figure(name="ratio", goal=2, at_least=True),
        Figure(name="cost_ms", unit="ms"),
    )
    lines = list(table.lines(rows_of(*figures, values=[[4.0, 1.5, 7.0]])))[1:]

    assert [line.split()[0] for line in lines] == ["ok", "MISSED", "report"]
    assert "≤ 5" in lines[0]
    assert "≥ 2" in lines[1]
    assert "≤" not in lines[2]


def test_results_are_written_as_json_with_missing_values_as_null(results):
    bench.write(list(table.rows_of_failure(make_benchmark(), database=POSTGRESQL)))

    (row,) = json.loads(results.read_text())
    assert (row["name"], row["value"], row["ok"], row["runs"]) == ("quick_ms", None, False, 0)


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [(4.0, 0, "0 goals missed, 0 not measured"), (6.0, 1, "1 goals missed, 0 not measured")],
)
def test_a_missed_goal_is_an_exit_code(capsys, value, code, words):
    assert bench.conclude(rows_of(values=[[value]])) == code
    assert words in capsys.readouterr().out


def test_measuring_nothing_is_no_success(capsys):
    assert bench.conclude([]) == 1


def test_a_benchmark_that_fails_is_named_and_the_others_still_run(
    registered, results, monkeypatch, capsys
):
    def measure(
        each: Benchmark, *, database: str, runs: int, sizes: Sequence[int]
    ) -> list[list[float]]:
        if each.name == "pickup":
            raise bench.BenchmarkFailed("exit code 1")
        return [[1.0, 2.0]] * runs

    monkeypatch.setattr(bench, "_measure", measure)
    monkeypatch.setattr(databases, "has_postgresql", lambda _url: False)

    assert bench.measure([], runs=2) == 1

    rows = {row["name"]: row for row in json.loads(results.read_text())}
    assert rows["pickup_p95_ms"]["value"] is None
    assert (rows["delivery_limit2"]["value"], rows["delivery_limit2"]["runs"]) == (2.0, 2)
    told = capsys.readouterr().out
    assert "FAILED: pickup on sqlite: exit code 1" in told
    assert "Left out: PostgreSQL" in told
