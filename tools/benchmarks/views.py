"""The views of the history that are compared, each with the stock admin's address for the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count
from django.db.models.functions import TruncDay
from django.utils import timezone

from media_assets.models import Connector, Status, Upload
from media_assets.models.querysets import UploadQuerySet
from tools.benchmarks.looking import Looking
from tools.benchmarks.stock import ROWS, changelist

DEEP = 50  # pages
FREQUENT, ABSENT = "promo", "zzqxv9876"


@dataclass(frozen=True)
class View:
    """The same rows in both, as far as both can show them."""

    name: str
    ours: str
    stock: str


@dataclass(frozen=True)
class Values:
    """What is filtered by."""

    connector: Connector
    person: User
    state: str
    day: datetime
    rare: str


def typical(looking: Looking) -> Values:
    """Those of some upload in the middle of the last third, and failures, which are few."""
    with looking.here():
        one = _newest()[looking.size // 3]
        return Values(
            one.connector,
            one.submitted_by,
            Status.FAILED,
            timezone.localtime(one.created_at),
            _rare(one),
        )


def busiest(looking: Looking) -> Values:
    """Those that most uploads have, so that pages are full whatever the size."""
    with looking.here():
        pairs = Upload.objects.order_by().values("connector", "submitted_by")
        pair = pairs.annotate(count=Count("pk")).order_by("-count")[0]
        days = Upload.objects.order_by().annotate(day=TruncDay("created_at")).values("day")
        day = days.annotate(count=Count("pk")).order_by("-count")[0]["day"]
        return Values(
            Connector.objects.get(pk=pair["connector"]),
            User.objects.get(pk=pair["submitted_by"]),
            Status.READY,
            timezone.localtime(day),
            _rare(_newest()[looking.size // 3]),
        )


def views_of(looking: Looking, values: Values) -> list[View]:
    """Those of one database, with values that are in it."""
    connector, person, day, rare = values.connector, values.person, values.day, values.rare
    by_connector = {"connector__id__exact": connector.pk}
    by_person = {"submitted_by__id__exact": person.pk}
    by_state = {"status__exact": values.state}
    return [
        _view("first", {}, {}),
        _view("last", {"last": 1}, {"p": -(-looking.size // ROWS)}),
        _deep(looking),
        _view("connector", {"connector": connector.code}, by_connector),
        _view("year", *_dates(day, ("year",))),
        _view("status", {"state": values.state}, by_state),
        _view("person", {"person": person.username}, by_person),
        _view("day", *_dates(day, ("year", "month", "day"))),
        _view(
            "combination",
            {"connector": connector.code, "state": values.state, "person": person.username},
            {**by_connector, **by_person, **by_state},
        ),
        _view("search_rare", {"q": rare}, {"q": rare}),
        _view("search_absent", {"q": ABSENT}, {"q": ABSENT}),
        _view("search_frequent", {"q": FREQUENT}, {"q": FREQUENT}),
    ]


def _newest() -> UploadQuerySet:
    newest = Upload.objects.order_by("-created_at", "-id")
    return newest.select_related("connector__operation", "submitted_by")


def _rare(upload: Upload) -> str:
    """A part of one file's name only."""
    return upload.file_url.rpartition(".")[0][-12:]


def _view(name: str, ours: Mapping[str, object], stock: Mapping[str, object]) -> View:
    return View(name, f"/history/?{urlencode(ours)}", changelist(stock))


def _deep(looking: Looking) -> View:
    """Page 50, reached as people reach it; where there are fewer pages, one in the middle."""
    page = min(DEEP, looking.size // ROWS // 2)
    ours = looking.following("/history/", pages=page - 1)
    return View("page50", ours, changelist({"p": page}))


def _dates(day: datetime, parts: tuple[str, ...]) -> tuple[dict[str, object], dict[str, object]]:
    """A year or a day, as the history and as the `date_hierarchy` name it."""
    stock: dict[str, object] = {f"created_at__{part}": getattr(day, part) for part in parts}
    if parts == ("year",):
        return {"since": f"{day.year}-01-01", "until": f"{day.year}-12-31"}, stock
    return {"since": f"{day:%Y-%m-%d}", "until": f"{day:%Y-%m-%d}"}, stock
