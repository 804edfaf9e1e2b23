"""One batch: live progress while it is delivered, then everything in one go."""

import csv
import re
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from media_assets import exports, roles, submission, tracing
from media_assets.forms import as_typed
from media_assets.models import AuditEvent, Batch, Status, Upload
from media_assets.paging import EPOCH, MICROSECOND, instant_of, microseconds_of
from media_assets.views.asked import number_asked
from media_assets.views.redirects import redirect_to_see
from media_assets.visitors import address_of, person_of
from media_assets.words import hold_of, state_of

LARGE = 100  # uploads; a larger batch is asked for less often
OVERLAP = timedelta(seconds=10)
SEEN_MOST = 200
MARKER = re.compile(r"[0-9]{1,17}(-[0-9]{1,8})*", re.ASCII)


@dataclass(frozen=True)
class Marker:
    """What a page has: the newest change it shows, and the other changes shortly before that.

    Rows as they were submitted count as unchanged, for a page is made with all of them.

    Both in microseconds. A change that commits late carries an earlier time than some that the
    page has already. So the last seconds are asked for again, less what the page has of them.
    """

    newest: int = 0
    seen: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "Marker":
        """Anything but a marker stands for a page that has nothing yet."""
        if not MARKER.fullmatch(text):
            return cls()
        newest, *before = (int(part) for part in text.split("-"))
        return cls(newest, frozenset(newest - distance for distance in [0, *before]))

    @classmethod
    def after(cls, changes: Iterable[int]) -> "Marker":
        newest_first = sorted(set(changes), reverse=True)[:SEEN_MOST]
        return cls(newest_first[0], frozenset(newest_first)) if newest_first else cls()

    def __str__(self) -> str:
        window = self.newest - OVERLAP // MICROSECOND
        seen = sorted((at for at in self.seen if window < at < self.newest), reverse=True)
        return "-".join([str(self.newest), *(str(self.newest - at) for at in seen)])

    @property
    def since(self) -> datetime:
        try:
            return instant_of(self.newest) - OVERLAP
        except OverflowError:
            return EPOCH


@dataclass(frozen=True)
class Row:
    upload: Upload
    state: str


@require_safe
def batch(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    shown = _visible(request, code)
    context = _summary(shown)
    rows = list(shown.uploads.with_last_answer().order_by("id"))
    context |= {
        "rows": _rows(rows),
        "marker": Marker.after(
            microseconds_of(row.changed_at) for row in rows if row.changed_at != row.created_at
        ),
        "left_out_text": as_typed(shown.left_out),
        **_may(request, shown),
    }
    return render(request, "batches/batch.html", context)


@require_safe
def progress(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """The summary, and the rows that changed since the page was made or last asked; else 204."""
    shown = _visible(request, code)
    context = _summary(shown)  # before the rows: what it counts, they show
    marker = Marker.parse(request.GET.get("since", ""))
    changed = shown.uploads.with_last_answer().exclude(changed_at=F("created_at"))
    recent = list(changed.filter(changed_at__gt=marker.since).order_by("id"))
    news = [row for row in recent if microseconds_of(row.changed_at) not in marker.seen]
    if not news and request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)
    context |= {
        "rows": _rows(news),
        "marker": Marker.after(
            [marker.newest, *(microseconds_of(row.changed_at) for row in recent)]
        ),
        "announce": _is_worth_saying(request.GET.get("done", ""), context),
        **_may(request, shown),
    }
    return render(request, "batches/_progress.html", context)


@require_GET
def handles_csv(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """Every upload of the batch, for a spreadsheet or a program."""
    shown = _visible(request, code)
    rows = list(shown.uploads.order_by("id"))
    response = HttpResponse(exports.BOM, content_type="text/csv; charset=utf-8")
    name = f"handles-{timezone.localtime(shown.created_at):%Y-%m-%d-%H%M}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(exports.batch_header())
    writer.writerows(exports.batch_row(row) for row in rows)
    _record("batch.exported", request, shown, rows=len(rows))
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """GET asks, and names the number; POST cancels what waits then."""
    shown = _visible(request, code)
    if not roles.may_cancel(request.user, shown):
        raise Http404
    if request.method == "POST":
        number = submission.cancel_waiting(
            shown, by=person_of(request), address=address_of(request)
        )
        _tell(request, cancelled=number, asked=request.POST.get("waiting", ""))
        return redirect_to_see(shown)
    waiting = shown.uploads.queued().count()
    if not waiting:
        messages.info(request, _("Nothing of this batch waits any more."))
        return redirect_to_see(shown)
    return render(request, "batches/cancel.html", {"batch": shown, "waiting": waiting})


@require_POST
def copied(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """Somebody has copied all handles; the browser does not wait for the answer."""
    shown = _visible(request, code)
    _record("batch.copied", request, shown, handles=shown.uploads.ready().count())
    return HttpResponse(status=204)


def _visible(request: HttpRequest, code: uuid.UUID) -> Batch:
    batches = roles.batches_visible_to(request.user)
    found: Batch = get_object_or_404(
        batches.select_related("connector__operation", "submitted_by"), code=code
    )
    tracing.note(operation=found.connector.operation_id)
    return found


def _may(request: HttpRequest, shown: Batch) -> dict[str, bool]:
    usable = roles.connectors_usable_by(request.user)
    return {
        "may_change": usable.filter(pk=shown.connector_id).exists(),
        "may_cancel": roles.may_cancel(request.user, shown),
    }


def _summary(shown: Batch) -> dict[str, Any]:
    counted = shown.uploads.order_by().values_list("status").annotate(Count("pk"))
    counts = {status.value: 0 for status in Status} | dict(counted)
    total = sum(counts.values())
    done = total - counts[Status.QUEUED] - counts[Status.SENDING]
    hold, way_out = hold_of(shown.connector) if done < total else ("", "")
    finished = done == total
    ready = shown.uploads.ready().order_by("id")
    handles = list(ready.values_list("handle", flat=True)) if finished else []
    return {
        "batch": shown,
        "counts": counts,
        "total": total,
        "done": done,
        "finished": finished,
        "hold": hold,
        "way_out": way_out,
        "seen": f"{zlib.crc32(repr((counts, hold, way_out)).encode()):x}",
        "every": "2s" if total > LARGE else "1s",
        "all_handles": "\n".join(handles),
        "several_lines": sum("\n" in handle for handle in handles),
    }


def _rows(uploads: Iterable[Upload]) -> list[Row]:
    return [Row(upload, state_of(upload)) for upload in uploads]


def _is_worth_saying(before: str, context: dict[str, Any]) -> bool:
    """Whether another tenth is done, or all: people who listen do not want each single one."""
    earlier = number_asked(before)
    done, total = int(context["done"]), max(1, int(context["total"]))
    return done == total or done * 10 // total != earlier * 10 // total


def _tell(request: HttpRequest, *, cancelled: int, asked: str) -> None:
    """How many were cancelled, and how many of those asked about were not."""
    late = number_asked(asked) - cancelled
    sentences = []
    if cancelled:
        text = ngettext("%(n)d upload is cancelled.", "%(n)d uploads are cancelled.", cancelled)
        sentences.append(text % {"n": cancelled})
    if late > 0:
        text = ngettext(
            "%(n)d could not be cancelled any more: it was already under way or done.",
            "%(n)d could not be cancelled any more: they were already under way or done.",
            late,
        )
        sentences.append(text % {"n": late})
    level = messages.SUCCESS if cancelled else messages.INFO
    text = " ".join(sentences) or _("Nothing of this batch waits any more.")
    messages.add_message(request, level, text)


def _record(action: str, request: HttpRequest, shown: Batch, **data: Any) -> None:
    AuditEvent.objects.record(
        action,
        by=request.user,
        on=shown,
        address=address_of(request),
        **data,
    )
