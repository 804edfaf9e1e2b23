"""What operations have to do just now: calls in flight and of today, and what waits."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, F, Min, OuterRef, Subquery, When
from django.utils import timezone

from media_assets.models import Attempt, Operation, Upload


@dataclass(frozen=True)
class Workload:
    """One operation's figures.

    in_flight: its token's calls as the worker counts them, those without an answer among them.
    calls_today: since midnight in the installation's time zone.
    """

    in_flight: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None
    calls_today: int = 0


def workloads(operations: Iterable[Operation]) -> dict[int, Workload]:
    """The workload of each operation by its primary key, in three queries for all of them."""
    wanted = list(operations)
    keys = [operation.pk for operation in wanted]
    in_flight = _in_flight(wanted)
    waiting = _waiting(keys)
    calls = _calls_today()
    return {
        key: Workload(in_flight[key], *waiting.get(key, (0, None)), calls_today=calls.get(key, 0))
        for key in keys
    }


def _in_flight(operations: Iterable[Operation]) -> dict[int, int]:
    """Calls holding a slot: by their token, and by their operation where it changed meanwhile."""
    holding = Upload.objects.holding(timezone.now())
    counted = holding.order_by().values_list("sent_with", "operation").annotate(Count("pk"))
    found: dict[int, int] = defaultdict(int)
    for sent_with, sender, number in counted:
        for operation in operations:
            if operation.pk == sender or sent_with == operation.token_fingerprint != "":
                found[operation.pk] += number
    return found


def _waiting(operations: Iterable[int]) -> dict[int, tuple[int, datetime | None]]:
    """How many wait on active connectors, and since when the first does."""
    # since it was submitted or, after a retry, since it came back into the queue
    # (tried again after it had been cancelled untried, its submission is all that is known)
    untried = When(attempt_count=F("attempts_before"), then=F("changed_at"))
    since = Case(untried, When(attempts_before=0, then=F("created_at")), default=F("changed_at"))
    counted = (
        Upload.objects.queued()
        .filter(operation__in=operations, connector__is_active=True)
        .order_by()
        .values_list("operation")
        .annotate(number=Count("pk"), first=Min(since))
    )
    return {operation: (number, first) for operation, number, first in counted}


def _calls_today() -> dict[int, int]:
    """Of every operation; asked attempt by attempt: in a join SQLite begins with all uploads."""
    here = timezone.get_default_timezone()
    midnight = timezone.localtime(timezone=here).replace(hour=0, minute=0, second=0, microsecond=0)
    operation = Upload.objects.filter(pk=OuterRef("upload")).values("operation")
    counted = (
        Attempt.objects.filter(started_at__gte=midnight)
        .order_by()
        .annotate(operation=Subquery(operation))
        .values_list("operation")
        .annotate(Count("pk"))
    )
    return dict(counted)
