"""New uploads: the form, its check while somebody types, and a look at single files."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from media_assets import limits, preflight, roles, submission, tracing
from media_assets.forms import SubmitForm, as_typed
from media_assets.models import Batch
from media_assets.views.account import sign_in_first
from media_assets.views.redirects import redirect_to_see
from media_assets.visitors import address_of, person_of
from media_assets.words import notice_of

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponse]
_NOT_SAVED = _(
    "Nothing was saved: the database cannot write at the moment; perhaps its disk is full. "
    "What you typed is still here. Send it again in a minute; if that does not help, tell "
    "whoever runs this server."
)
SENT_SECONDS = 60  # for the page of the batch to load


def submitters_only(view: View) -> View:
    """For everybody else the page does not exist."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return sign_in_first(request)
        if not roles.may_submit(request.user):
            raise Http404
        return view(request)

    return wrapped


@login_not_required
@submitters_only
@require_http_methods(["GET", "HEAD", "POST"])
def new_upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        initial = _initial(request) | request.session.pop("typed", {})
        form = SubmitForm(user=person_of(request), initial=initial)
        return _page(request, form, submission.Checked())
    form = SubmitForm(request.POST, request.FILES, user=person_of(request))
    if form.is_valid() and (sent := _sent_before(request, form)):
        return _accepted(form, sent)
    checked = form.check_lines(probe_seconds=_patience(form))
    if form.is_valid() and form.is_decided(checked):
        try:
            batch = _submit(request, form, checked)
        except submission.NothingToSend:
            form.add_error("urls", _nothing_to_send(checked))
        except limits.LimitReached as reached:
            form.add_error(None, reached.sentence)
            response = _page(request, form, checked, status=429)
            response.headers["Retry-After"] = str(reached.seconds)
            return response
        except OperationalError as error:
            logger.error("a batch was not saved: %s", error)
            form.add_error(None, _NOT_SAVED)
            return _page(request, form, checked, status=503)
        else:
            return _accepted(form, batch)
    if checked.under_way and form.is_valid() and (sent := _sent_before(request, form)):
        return _accepted(form, sent)  # a double click: the other request came in between
    return _page(request, form, checked)


@submitters_only
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """The lines as typed so far, and what would become of each; writes nothing."""
    form = SubmitForm(request.POST, request.FILES, user=person_of(request))
    checked = form.check_lines(probe_seconds=settings.PROBE_SECONDS)
    chosen = "csv_file" in request.FILES or request.headers.get("hx-trigger") == "csv-field"
    context = _context(form, checked) | {"merged": chosen}
    return render(request, "uploads/_lines.html", context)


@submitters_only
@require_safe
def probe(request: HttpRequest) -> HttpResponse:
    """What Storage says of one file; hosts that are not listed are never asked."""
    try:
        file_url = preflight.parse_url(request.GET.get("url", ""))
    except preflight.UrlProblem as problem:
        return render(request, "uploads/_probe.html", {"sentence": problem.sentence})
    found = None
    if file_url.listed:
        found = preflight.cached_probe(file_url) or preflight.probe(file_url)
    return render(request, "uploads/_probe.html", {"file_url": file_url, "probe": found})


def _patience(form: SubmitForm) -> float:
    """Seconds that sending waits for a look at the files; most were looked at while typing."""
    is_large = form.typed.count("\n") > settings.LARGE_BATCH
    return float(settings.PROBE_SECONDS_LARGE if is_large else settings.PROBE_SECONDS)


def _sent_before(request: HttpRequest, form: SubmitForm) -> Batch | None:
    """What this very form has made already, as when it is reloaded or sent twice."""
    return Batch.objects.filter(submitted_by=person_of(request), form_key=form.batch_key).first()


def _submit(request: HttpRequest, form: SubmitForm, checked: submission.Checked) -> Batch:
    values = form.cleaned_data
    tracing.note(operation=values["connector"].operation_id)
    batch = submission.submit(
        checked,
        connector=values["connector"],
        by=person_of(request),
        key=form.batch_key,
        label=values["label"],
        campaign=values["campaign"],
        again=values["again"],
        address=address_of(request),
    )
    tracing.note(batch=batch.code)
    return batch


def _accepted(form: SubmitForm, batch: Batch) -> HttpResponse:
    """To the batch, with a word to the script that keeps what was typed into this form."""
    response = redirect_to_see(batch)
    key = str(form.cleaned_data["key"])
    response.set_cookie("sent", key, max_age=SENT_SECONDS, secure=settings.HTTPS, samesite="Lax")
    return response


def _nothing_to_send(checked: submission.Checked) -> Any:
    if not checked.lines:
        return _("Paste at least one address, or choose a CSV file.")
    if checked.live:
        return _("Nothing would be sent: use the handles that are there, or tick the box below.")
    if checked.under_way:
        return _("Nothing would be sent: these files are under way. Follow them, or tick the box.")
    return _("Nothing would be sent: every line needs attention.")


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What links to this page bring along, and the connector that the person used last."""
    source = _batch(request.GET.get("batch", ""), request)
    usable = roles.connectors_usable_by(request.user)
    latest = source or Batch.objects.filter(submitted_by=person_of(request)).order_by("-id").first()
    last = usable.filter(pk=latest.connector_id) if latest else usable[:2]
    codes = list(last.values_list("code", flat=True))
    linked = "\n".join(request.GET.getlist("url"))
    return {
        "connector": request.GET.get("connector") or (codes[0] if len(codes) == 1 else None),
        "urls": as_typed(source.left_out) if source else linked,
        "campaign": source.campaign if source else "",
    }


def _batch(code: str, request: HttpRequest) -> Batch | None:
    if not code:
        return None
    try:
        found: Batch | None = roles.batches_visible_to(request.user).filter(code=code).first()
    except ValidationError:  # not a UUID
        return None
    return found


def _page(
    request: HttpRequest, form: SubmitForm, checked: submission.Checked, *, status: int = 200
) -> HttpResponse:
    return render(request, "uploads/new.html", _context(form, checked), status=status)


def _context(form: SubmitForm, checked: submission.Checked) -> dict[str, Any]:
    connector = form.chosen_connector
    again = bool(form["again"].value())
    there = len(checked.there)
    left_out = len(checked.bad) + (0 if again else there)
    return {
        "form": form,
        "checked": checked,
        "bad": checked.bad,
        "live": checked.live,
        "under_way": checked.under_way,
        "again": again,
        "ready": len(checked.good) + (there if again else 0),
        "left_out": left_out,
        "seen": form.digest_of(checked) if left_out else "",
        "operation": connector.operation if connector else None,
        "notice": notice_of(connector.operation) if connector else "",
    }
