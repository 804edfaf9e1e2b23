"""The slowest of fifty combinations of filters and searches, the nasty ones among them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count, Max, Min

from media_assets import roles
from media_assets.models import Upload
from tools.benchmarks import SIZES, Figure, benchmark, say
from tools.benchmarks.filling import OWNER, SUPERVISOR
from tools.benchmarks.looking import Looking, looking
from tools.benchmarks.views import ABSENT, DEEP, FREQUENT, Values, typical

LOOKS = 3
COMBINATIONS = 50

Query = Mapping[str, object]


@benchmark(
    Figure(name="history_worst_ms", unit="ms", goal=300),
    Figure(name="history_50_median_ms", unit="ms"),
    runs=5,
    sizes=(max(SIZES),),
)
def history_worst(runs: int) -> Iterator[tuple[float, ...]]:
    """The slowest of 50 addresses of the history at a million uploads: the median of three looks.

    Whole pages in this process, each of which was looked at before. Which they are is told.
    """
    with looking() as (largest,):
        asked = addresses(largest)
        for person, url in asked:
            largest.page(url, person=person)
        for _run in range(runs):
            took = sorted(
                (largest.milliseconds(url, person=person, times=LOOKS), person, url)
                for person, url in asked
            )
            for milliseconds, person, url in took[-5:]:
                say(f"{milliseconds:7.1f} ms  {person}  {url[:120]}")
            yield took[-1][0], took[len(took) // 2][0]


def addresses(one: Looking) -> list[tuple[str, str]]:
    """Who looks at which address."""
    values = typical(one)
    with one.here():
        long_ago = _campaign_of_long_ago()
        busy, beginner = _marketing_people()
        newest, oldest = Upload.objects.ready().newest_first()[0], Upload.objects.earliest("pk")
        mine = (
            Upload.objects.filter(submitted_by__username=beginner).newest_first().first() or newest
        )
    found: list[tuple[str, Query]] = [
        (OWNER, query) for query in _by_everybody(values, long_ago, newest, oldest)
    ]
    found += [(busy, query) for query in _by_marketing(long_ago)]
    found += [(beginner, query) for query in _by_marketing(mine.campaign)]
    found += [(SUPERVISOR, query) for query in ({}, {"q": "é"}, {"q": "ñandú navidad"})]
    asked = [(person, f"/history/?{urlencode(query)}") for person, query in found]
    deep = {"q": FREQUENT, "state": "ready"}
    asked += [
        (OWNER, one.following("/history/", pages=DEEP - 1)),
        (OWNER, one.following(f"/history/?{urlencode(deep)}", pages=DEEP - 1)),
        (busy, one.following("/history/?state=failed", pages=DEEP - 1)),
    ]
    if len(set(asked)) != COMBINATIONS:
        raise RuntimeError(f"{len(set(asked))} combinations instead of {COMBINATIONS}")
    return asked


def _by_everybody(values: Values, long_ago: str, newest: Upload, oldest: Upload) -> Iterator[Query]:
    line, person, day = values.connector.code, values.person.username, f"{values.day:%Y-%m-%d}"
    first_word = long_ago.split(" ")[0]
    yield from ({}, {"last": 1}, {"state": "failed"}, {"state": "queued"}, {"format": "VIDEO"})
    yield from ({"connector": line}, {"person": person}, {"campaign": long_ago})
    yield {"connector": line, "state": "failed", "person": person, "format": "DOCUMENT"}
    yield {"connector": line, "state": "cancelled", "last": 1}
    yield {"since": day, "until": day, "state": "failed"}
    yield {"since": day, "until": day, "q": FREQUENT}
    yield {"until": f"{values.day - timedelta(days=150):%Y-%m-%d}", "q": FREQUENT}
    yield {"until": f"{values.day - timedelta(days=150):%Y-%m-%d}", "format": "VIDEO"}
    # frequent; frequent long ago only; nowhere; one file's
    yield from ({"q": FREQUENT}, {"q": FREQUENT, "last": 1}, {"q": long_ago}, {"q": first_word})
    yield {"q": long_ago, "last": 1}
    yield {"q": long_ago, "state": "failed", "person": person}
    yield from ({"q": ABSENT}, {"q": values.rare}, {"q": values.rare, "state": "failed"})
    yield {"q": f"{FREQUENT} {ABSENT}"}
    # short, and what means something to a LIKE or to a query language
    yield from ({"q": "a"}, {"q": "zq"}, {"q": "q", "state": "failed"}, {"q": "%"}, {"q": "_%_"})
    yield from ({"q": "100% *"}, {"q": '"promo'}, {"q": "a OR b"}, {"q": "pró"})
    # pasted: a handle whole and in part, an address, codes
    yield from ({"q": newest.handle}, {"q": newest.handle[25:90]}, {"q": newest.file_url})
    yield from ({"q": str(newest.code)}, {"q": str(oldest.batch.code)})


def _by_marketing(campaign: str) -> Iterator[Query]:
    yield {"q": FREQUENT}
    yield {"q": campaign, "state": "failed"}
    yield {"campaign": campaign[:6], "last": 1}


def _campaign_of_long_ago() -> str:
    """One of the larger ones among those that ended first, as far as there are any."""
    spans = Upload.objects.order_by().exclude(campaign="").values("campaign")
    ended = spans.annotate(end=Max("created_at"), begin=Min("created_at"), count=Count("pk"))
    name: str = max(list(ended.order_by("end")[:10]), key=lambda row: row["count"])["campaign"]
    return name


def _marketing_people() -> tuple[str, str]:
    """The ones with most and with fewest uploads."""
    people = User.objects.filter(groups__name=roles.MARKETING).annotate(count=Count("upload"))
    ordered = list(people.order_by("count", "pk"))
    return ordered[-1].username, ordered[0].username
