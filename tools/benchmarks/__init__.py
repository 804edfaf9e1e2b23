"""What is measured: each benchmark is a generator that registers under the names it yields.

A benchmark runs in a process of its own, on a fresh database with all migrations, and on settings
whose WOLKVOX_BASE_URL points at a free port of this machine. It yields one tuple of figures a run.

A benchmark with `sizes` finds databases with so many uploads each instead (`databases.py`), the
largest of them as the default one. They are kept for the next run, so it leaves them as they are,
but for a few rows; one that `writes` gets a copy of the largest, one with a `peer` gets a copy
besides, to turn it into the peer's.
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # uploads

Measure = Callable[[int], Iterator[tuple[float, ...]]]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number, and its goal if it has one: at most so much, or `at_least` so much.

    `goal` may differ by database. A figure without a goal is reported and is never missed.
    """

    name: str
    unit: str = ""
    goal: float | Mapping[str, float] | None = None
    at_least: bool = False

    def goal_on(self, database: str) -> float | None:
        return self.goal.get(database) if isinstance(self.goal, Mapping) else self.goal

    def is_reached(self, value: float, *, database: str) -> bool:
        goal = self.goal_on(database)
        if goal is None:
            return True
        return value >= goal if self.at_least else value <= goal


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    name: str
    measure: Measure
    figures: tuple[Figure, ...]
    runs: int
    databases: tuple[str, ...]
    sizes: tuple[int, ...] = ()
    writes: bool = False
    peer: bool = False

    def sizes_of(self, wanted: Sequence[int]) -> tuple[int, ...]:
        """What it is measured on; sizes other than its own stand in for those that are missing."""
        return tuple(size for size in self.sizes if size in wanted) or tuple(sorted(wanted))[-1:]

    def without_goals(self) -> "Benchmark":
        """The same for other sizes than its own: its goals say nothing there."""
        figures = tuple(replace(figure, goal=None) for figure in self.figures)
        return replace(self, figures=figures)


BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(
    *figures: Figure,
    runs: int = 3,
    databases: tuple[str, ...] = (SQLITE, POSTGRESQL),
    sizes: tuple[int, ...] = (),
    writes: bool = False,
    peer: bool = False,
) -> Callable[[Measure], Measure]:
    """Register a generator that is told how many runs to make and yields the figures of each."""

    def register(measure: Measure) -> Measure:
        name = measure.__name__
        BENCHMARKS[name] = Benchmark(
            name=name,
            measure=measure,
            figures=figures,
            runs=runs,
            databases=databases,
            sizes=sizes,
            writes=writes,
            peer=peer,
        )
        return measure

    return register


def chosen(names: Sequence[str]) -> list[Benchmark]:
    """The benchmarks whose own name, or one of whose figures' names, begins so; all for none."""
    return [
        each
        for each in BENCHMARKS.values()
        if not names
        or any(
            mine.startswith(tuple(names))
            for mine in (each.name, *(figure.name for figure in each.figures))
        )
    ]


def load() -> None:
    """Import every module of this package; Django has to be set up."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


def say(sentence: str) -> None:
    """Tell how far a benchmark is. Its standard output holds the results and nothing else."""
    print(f"    {sentence}", file=sys.stderr, flush=True)


def p95(values: Sequence[float]) -> float:
    """The value that 95 % of them do not exceed."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
