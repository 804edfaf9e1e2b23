"""The history against the stock admin's list of the same rows, and against itself when small."""

from collections.abc import Iterator, Sequence
from statistics import median

from tools.benchmarks import POSTGRESQL, SIZES, SQLITE, Figure, benchmark, say
from tools.benchmarks.looking import Looking, looking, looking_at_peer, rows_on
from tools.benchmarks.views import View, busiest, typical, views_of

OURS_AT_ONCE = 5  # looks at ours for each at the peer, which takes a hundred times longer


def _on_both(goal: float) -> dict[str, float]:
    return {SQLITE: goal, POSTGRESQL: goal}


FAR: dict[str, float] = {SQLITE: 100, POSTGRESQL: 40}
VERSUS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("first", "last", "page50", "connector", "year"), FAR),
    **dict.fromkeys(("status", "person", "day"), _on_both(10)),
    "combination": _on_both(1.5),
    **dict.fromkeys(("search_rare", "search_absent"), _on_both(100)),
}
# The searches aside, which no index of the history helps.
INDEXED = tuple(view for view in VERSUS if not view.startswith("search"))
FLAT: dict[str, float] = {
    **dict.fromkeys(VERSUS, 1.5),
    "search_frequent": 3.0,
}


def _versus_name(view: str) -> str:
    """`history_vs_stock_first`, and `search_vs_stock_rare` for a search."""
    page, _, what = f"history_{view}".replace("history_search", "search").partition("_")
    return f"{page}_vs_stock_{what}"


@benchmark(
    *(Figure(name=_versus_name(view), goal=goal, at_least=True) for view, goal in VERSUS.items()),
    *(Figure(name=f"history_vs_indexed_stock_{view}") for view in INDEXED),
    *(Figure(name=f"history_{view}_ms", unit="ms") for view in VERSUS),
    *(Figure(name=f"stock_{view}_ms", unit="ms") for view in VERSUS),
    *(Figure(name=f"indexed_stock_{view}_ms", unit="ms") for view in INDEXED),
    runs=5,
    sizes=(max(SIZES),),
    peer=True,
)
def history_vs_stock(runs: int) -> Iterator[tuple[float, ...]]:
    """How many times as long the stock admin takes for the same view, at a million uploads.

    The owner looks at whole pages in this process, at both alternately: for each view five times
    at ours (their median counts) and once at the peer's. Both were looked at before, so that
    templates are compiled and the database has read what it needs. The peer has the same rows in
    a table with the indexes that Django makes by itself, over a connection as Django makes it;
    what it would gain from ours is told beside it, without a goal.
    """
    with looking() as (largest,), looking_at_peer(largest.size) as peer:
        views = [view for view in views_of(largest, typical(largest)) if view.name in VERSUS]
        for view in views:
            shown = rows_on(largest.page(view.ours)), rows_on(peer.page(view.stock))
            if shown[0] != shown[1]:
                raise RuntimeError(f"{view.name} shows {shown[0]} uploads, the peer {shown[1]}")
        for _run in range(runs):
            ours, stock, indexed = {}, {}, {}
            for view in views:
                ours[view.name] = largest.milliseconds(view.ours, times=OURS_AT_ONCE)
                stock[view.name] = peer.milliseconds(view.stock)
                if view.name in INDEXED:
                    indexed[view.name] = largest.milliseconds(view.stock)
            yield (
                *(stock[name] / ours[name] for name in VERSUS),
                *(indexed[name] / ours[name] for name in INDEXED),
                *(ours[name] for name in VERSUS),
                *(stock[name] for name in VERSUS),
                *(indexed[name] for name in INDEXED),
            )


@benchmark(
    *(Figure(name=f"history_flatness_{view}", goal=goal) for view, goal in FLAT.items()),
    Figure(name="history_flatness_handles", goal=1.5),
    runs=5,
    sizes=SIZES,
)
def history_flatness(runs: int) -> Iterator[tuple[float, ...]]:
    """The time of a page at a million uploads by its time at a thousand.

    `handles` is the first page of the library. The times at ten thousand and at a hundred thousand
    are only told. Filters are by what most uploads have, so that pages are full at every size.
    Sizes are looked at alternately, seven times each in a run.
    """
    with looking() as every:
        views = {one.size: _flat_views(one) for one in every}
        for one in every:
            for view in views[one.size]:
                one.milliseconds(view.ours, times=2)
        for _run in range(runs):
            yield tuple(_flatness(every, views))


def _flat_views(one: Looking) -> list[View]:
    found = {view.name: view for view in views_of(one, busiest(one))}
    return [*(found[name] for name in FLAT), View("handles", "/handles/", "")]


def _flatness(every: Sequence[Looking], views: dict[int, list[View]]) -> Iterator[float]:
    for place, view in enumerate(views[every[0].size]):
        took: dict[int, list[float]] = {one.size: [] for one in every}
        for _time in range(7):
            for one in every:
                took[one.size].append(one.milliseconds(views[one.size][place].ours))
        medians = [median(took[one.size]) for one in every]
        say(f"{view.name}: " + ", ".join(f"{value:.1f}" for value in medians) + " ms")
        yield medians[-1] / medians[0]
