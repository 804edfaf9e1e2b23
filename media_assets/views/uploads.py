"""One upload: its state in words, what to copy, its attempts, and what a person may do with it."""

import uuid
import zlib
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from media_assets import limits, roles, submission, tracing
from media_assets.models import AuditEvent, Operation, Status, Upload
from media_assets.results import advice_of
from media_assets.views.events import MOST_EVENTS, events_of
from media_assets.views.redirects import redirect_back
from media_assets.views.snippet_words import SNIPPETS
from media_assets.visitors import address_of, person_of
from media_assets.wolkvox.snippets import snippets
from media_assets.words import hold_of, state_of


@dataclass(frozen=True)
class Panel:
    """A snippet with what people read about it."""

    name: str
    title: str | Promise
    purpose: str | Promise
    language: str
    text: str

    @property
    def source(self) -> str:
        """The id of the JSON block that the copy button reads."""
        return f"source-{self.name}"


@require_safe
def upload(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    shown = _visible(request, code)
    return render(request, "uploads/upload.html", _context(request, shown))


@require_safe
def progress(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """The page's inside if it is not what the browser has already, else 204."""
    shown = _visible(request, code)
    if request.GET.get("since") == _marker(shown):
        return HttpResponse(status=204)
    return render(request, "uploads/_progress.html", _context(request, shown))


@require_POST
def retry(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    changed = _changeable(request, code)
    if submission.retry(changed, by=person_of(request), address=address_of(request)):
        messages.success(request, _("It is in the queue again."))
    else:
        messages.info(request, _("There is nothing to retry: somebody else was faster."))
    return redirect_back(
        request, otherwise=changed.batch if "to_batch" in request.POST else changed
    )


@require_POST
def cancel(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    waiting = _visible(request, code)
    if not roles.may_cancel(request.user, waiting):
        raise Http404
    if submission.cancel(waiting, by=person_of(request), address=address_of(request)):
        messages.success(request, _("It is cancelled and will not be sent."))
    else:
        messages.info(request, _("It could not be cancelled: it is not waiting any more."))
    return redirect_back(
        request, otherwise=waiting.batch if "to_batch" in request.POST else waiting
    )


@require_POST
def renew(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    changed = _changeable(request, code)
    if changed.status != Status.READY:
        raise Http404
    try:
        renewal = submission.renew(changed, by=person_of(request), address=address_of(request))
    except Upload.DoesNotExist:  # purged meanwhile
        raise Http404 from None
    except limits.LimitReached as reached:
        messages.error(request, reached.sentence)
        return redirect_back(request, otherwise=changed)
    messages.success(request, _("A fresh handle is on its way; the earlier one stays as it is."))
    return redirect_back(request, otherwise=renewal)


@require_safe
def handle(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """The handle, byte for byte, for a list that does not hold it; copying records itself."""
    shown = _visible(request, code)
    if shown.status != Status.READY:
        raise Http404
    return JsonResponse(shown.handle, safe=False, headers={"Cache-Control": "no-store"})


@require_POST
def copied(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """Somebody has copied a snippet; the browser does not wait for the answer."""
    shown = _visible(request, code)
    snippet = request.POST.get("snippet", "")
    if snippet not in SNIPPETS or shown.status != Status.READY:
        return HttpResponse(status=400)
    submission.copied(shown, snippet=snippet, by=person_of(request), address=address_of(request))
    return HttpResponse(status=204)


def _visible(request: HttpRequest, code: uuid.UUID) -> Upload:
    uploads = roles.uploads_visible_to(request.user).for_lists().select_related("batch", "renews")
    found = get_object_or_404(uploads, code=code)
    tracing.note(operation=found.operation_id)
    return found


def _changeable(request: HttpRequest, code: uuid.UUID) -> Upload:
    found = _visible(request, code)
    if not roles.may_change(request.user, found):
        raise Http404
    return found


def _marker(shown: Upload) -> str:
    """Changes with everything that the page of an unfinished upload shows."""
    seen = (shown.changed_at, shown.status, *_hold(shown), state_of(shown))
    return f"{zlib.crc32(repr(seen).encode()):x}"


def _hold(shown: Upload) -> tuple[str, str]:
    return hold_of(shown.connector) if shown.status == Status.QUEUED else ("", "")


def _context(request: HttpRequest, shown: Upload) -> dict[str, Any]:
    hold, way_out = _hold(shown)
    may_change = roles.may_change(request.user, shown)
    panels = _panels(shown) if shown.status == Status.READY else []
    return {
        "upload": shown,
        "hold": hold,
        "way_out": way_out,
        "state": state_of(shown),
        "advice": advice_of(shown, may_retry=may_change),
        "main": panels[:1],
        "panels": [panel for panel in panels[1:] if panel.name != "public_url"],
        "public": [panel for panel in panels if panel.name == "public_url"],
        "attempts": shown.attempts.order_by("-number"),
        "renewals": shown.renewals.order_by("-id"),
        "may_change": may_change,
        "may_cancel": shown.status == Status.QUEUED and roles.may_cancel(request.user, shown),
        "cancelled_by": _cancelled_by(shown),
        "marker": _marker(shown),
        "events": events_of(shown),
        "most_events": MOST_EVENTS,
        "may_read_audit": roles.may_read_audit(request.user),
    }


def _cancelled_by(shown: Upload) -> str:
    """Who cancelled it; "" unless it is cancelled."""
    if shown.status != Status.CANCELLED:
        return ""
    event = AuditEvent.objects.about(shown).filter(action="upload.cancelled").last()
    return event.actor_name if event else ""


def _api_of(operation: Operation) -> str:
    """The address for the calls that people copy; "" if a damaged row has none."""
    try:
        return operation.base_url
    except ValueError:
        return ""


def _panels(shown: Upload) -> list[Panel]:
    found = snippets(
        shown.handle,
        connector_id=shown.connector.connector_id,
        format=shown.format,
        base_url=_api_of(shown.connector.operation),
        public_url=shown.file_url,
    )
    return [
        Panel(snippet.name, *SNIPPETS[snippet.name], language=snippet.language, text=snippet.text)
        for snippet in found
    ]
