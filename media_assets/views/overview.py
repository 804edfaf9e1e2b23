"""The first page: what waits, what failed, what expires, and what to do next, by role."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from media_assets import paging, roles
from media_assets.models import Batch, Connector, Hold, Operation, PauseReason, Status, Upload
from media_assets.models.querysets import UploadQuerySet
from media_assets.selection import Selection
from media_assets.words import standing_of
from media_assets.workload import Workload, workloads

ROWS = 5
OPERATIONS = 10
WEEK = timedelta(days=7)
DAY = timedelta(days=1)


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user = request.user
    context: dict[str, Any] = _uploads(roles.uploads_visible_to(user))
    ready = Selection(roles.parts_visible_to(user, Upload.objects.ready()))
    shown = Upload.objects.for_lists()
    context["latest"] = paging.page_of(ready, shown=shown, params={}, size=ROWS).rows
    context["paused"] = [o for o in _operations_of(user) if o.paused_now]
    usable = list(roles.connectors_usable_by(user))
    context["usable"] = {connector.pk for connector in usable}
    if roles.may_submit(user):
        context["quick"] = {
            "connectors": usable,
            "last": _last_connector_of(user),
            "key": uuid.uuid4(),
        }
    if roles.may_administer(user):
        context |= _operations()
    if user.has_perm("media_assets.change_operation"):
        context["upkeep"] = _upkeep()
    return render(request, "overview.html", context)


def _uploads(visible: UploadQuerySet) -> dict[str, Any]:
    """What is under way, what failed within a week, and what expires within a day."""
    counts = dict(visible.unfinished().order_by().values_list("status").annotate(Count("pk")))
    week_ago = timezone.now() - WEEK
    failed = visible.failed().filter(created_at__gt=week_ago)
    expiring = visible.expiring(DAY)
    return {
        "waiting": counts.get(Status.QUEUED, 0),
        "sending": counts.get(Status.SENDING, 0),
        "under_way": visible.unfinished().with_last_answer().for_lists().newest_first()[:ROWS]
        if counts
        else [],
        "failed": failed.with_last_answer().for_lists().newest_first()[:ROWS],
        "failed_count": failed.count(),
        "week_ago": week_ago,
        "expiring": expiring.for_lists().order_by("handle_expires_at", "id")[:ROWS],
        "expiring_count": expiring.count(),
    }


def _operations_of(user: User | AnonymousUser) -> QuerySet[Operation]:
    paused = Operation.objects.exclude(paused_reason=PauseReason.NONE)
    if roles.may_see_everything(user):
        return paused
    return paused.filter(connectors__in=roles.connectors_visible_to(user)).distinct()


@dataclass(frozen=True)
class Row:
    """One operation, whether anything can be sent for it, and that in words."""

    operation: Operation
    sends: bool
    standing: str
    workload: Workload


def _operations() -> dict[str, Any]:
    """How operations stand, those that cannot send and those with most to do first."""
    operations = list(Operation.objects.all())
    found = workloads(operations)
    rows = [
        Row(
            operation=operation,
            sends=operation.hold() == Hold.NONE,
            standing=standing_of(operation),
            workload=found[operation.pk],
        )
        for operation in operations
        if operation.is_active or found[operation.pk].waiting
    ]
    rows.sort(key=lambda row: (row.sends, -row.workload.waiting))
    shown = rows[:OPERATIONS]
    return {"operations": shown, "more_operations": len(operations) > len(shown)}


def _last_connector_of(user: User | AnonymousUser) -> int | None:
    latest = Batch.objects.filter(submitted_by=user.pk).order_by("-id").first()
    return latest.connector_id if latest else None


def _upkeep() -> dict[str, Any]:
    """What a connector admin should look after."""
    return {
        "operations": Operation.objects.count(),
        "without_token": Operation.objects.filter(is_active=True, sealed_token=""),
        "without_groups": Connector.objects.active()
        .filter(groups=None)
        .select_related("operation"),
    }
