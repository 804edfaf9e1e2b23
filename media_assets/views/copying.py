"""Many handles at once: a page from which they are copied, and the record of it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from media_assets import exports, roles, submission
from media_assets.models import Upload
from media_assets.submission import COPIED_MOST, Action
from media_assets.views.lists import chosen_of, code_of, is_nothing_chosen
from media_assets.visitors import address_of, person_of

SNIPPETS = {"handle", "label_and_handle"}


@require_safe
def copy(request: HttpRequest, page: str) -> HttpResponse:
    """The newest ready handles of what is chosen, to be copied in one go."""
    chosen = chosen_of(request, page=page, action=Action.COPY)
    if is_nothing_chosen(request):
        messages.info(request, _("Tick the rows first, or choose all that the filters show."))
        return redirect(chosen.back)
    person = person_of(request)
    outlook = submission.outlook(Action.COPY, chosen.uploads, by=person)
    fit = submission.fit_for(Action.COPY, chosen.uploads, by=person)
    shown = list(fit.newest_first()[:COPIED_MOST])
    context = {
        "chosen": chosen,
        "uploads": shown,
        "codes": ",".join(upload.code.hex for upload in shown),
        "handles": "\n".join(upload.handle for upload in shown),
        "with_labels": "\n".join(_as_line(upload) for upload in shown),
        "several_lines": sum("\n" in upload.handle for upload in shown),
        "more": outlook.possible > len(shown),
        "most": COPIED_MOST,
        "others": sum(outlook.left.values()),
    }
    return render(request, "bulk/copy.html", context)


@require_POST
def copied(request: HttpRequest) -> HttpResponse:
    """Somebody has copied these handles; the browser does not wait for the answer."""
    if not submission.is_open_to(Action.COPY, request.user):
        raise Http404
    codes = [code_of(text) for text in request.POST.get("codes", "").split(",")[:COPIED_MOST]]
    snippet = request.POST.get("snippet", "")
    known = [code for code in codes if code]
    uploads = roles.uploads_visible_to(request.user).filter(code__in=known)
    if known and not uploads.exists():
        raise Http404
    if snippet not in SNIPPETS:
        return HttpResponse(status=400)
    number = submission.copied_each(
        uploads, snippet=snippet, by=person_of(request), address=address_of(request)
    )
    return HttpResponse(status=204 if number else 400)


def _as_line(upload: Upload) -> str:
    """Two cells for a spreadsheet, neither of which is a formula."""
    label = " ".join(exports.neutral(str(upload)).split())
    return f"{label}\t{_cell(exports.neutral_handle(upload.handle))}"


def _cell(text: str) -> str:
    """Quoted where it would be read as several cells: spreadsheets take the quotes away."""
    if any(mark in text for mark in '\t\r\n"'):
        return '"' + text.replace('"', '""') + '"'
    return text
