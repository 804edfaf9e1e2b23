"""What is measured: each benchmark is a generator that registers under the names it yields.

A benchmark runs in a process of its own, on a fresh database with all migrations, and on settings
whose WOLKVOX_BASE_URL points at a free port of this machine. It yields one tuple of figures a run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

SQLITE, POSTGRESQL = "sqlite", "postgresql"

Measure = Callable[[int], Iterator[tuple[float, ...]]]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with a goal: reached when the median is at most the goal, or `at_least` it."""

    name: str
    unit: str
    goal: float
    at_least: bool = False

    def is_reached(self, value: float) -> bool:
        return value >= self.goal if self.at_least else value <= self.goal


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    name: str
    measure: Measure
    figures: tuple[Figure, ...]
    runs: int
    databases: tuple[str, ...]


BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(
    *figures: Figure, runs: int, databases: tuple[str, ...] = (SQLITE, POSTGRESQL)
) -> Callable[[Measure], Measure]:
    """Register a generator that is told how many runs to make and yields the figures of each."""

    def register(measure: Measure) -> Measure:
        name = measure.__name__
        BENCHMARKS[name] = Benchmark(
            name=name, measure=measure, figures=figures, runs=runs, databases=databases
        )
        return measure

    return register


def load() -> None:
    """Import every module of this package; Django has to be set up."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
