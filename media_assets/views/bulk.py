"""One thing for many uploads: the question that names the number, and the deed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from media_assets import limits, roles, submission
from media_assets.list_forms import CampaignForm
from media_assets.models import now_in_database
from media_assets.submission import Action
from media_assets.views import bulk_words
from media_assets.views.asked import number_asked
from media_assets.views.lists import Chosen, chosen_of, is_nothing_chosen
from media_assets.views.redirects import redirect_to_see
from media_assets.visitors import address_of, person_of

NAMED = 5  # files that the question names
BATCHES_ASKED, CAMPAIGNS = 500, 100
CHANGES: dict[Action, Callable[..., int]] = {
    Action.RETRY: submission.retry_each,
    Action.RENEW: submission.renew_each,
    Action.CANCEL: submission.cancel_each,
}


@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest, page: str, action: str) -> HttpResponse:
    """GET asks, and names the number; POST does it for what is chosen and fits then."""
    if action not in bulk_words.TITLES:
        raise Http404
    wanted = Action(action)
    chosen = chosen_of(request, page=page, action=wanted)
    if is_nothing_chosen(request):
        messages.info(request, _("Tick the rows first, or choose all that the filters show."))
        return redirect(chosen.back)
    form = CampaignForm(request.POST or None)
    asked_at = _instant(request.POST.get("asked_at", ""))
    if asked_at is None or (wanted == Action.CAMPAIGN and not form.is_valid()):
        return _ask(request, wanted, chosen, form)
    try:
        done = _change(request, wanted, chosen, form, asked_at=asked_at)
    except submission.TooMany:
        return _ask(request, wanted, chosen, form)
    except limits.LimitReached as reached:
        messages.error(request, reached.sentence)
        return redirect_to_see(chosen.back)
    _tell(request, wanted, done=done, late=number_asked(request.POST.get("asked", "")) - done)
    return redirect_to_see(chosen.back)


def _ask(request: HttpRequest, action: Action, chosen: Chosen, form: CampaignForm) -> HttpResponse:
    person = person_of(request)
    asked_at = now_in_database()  # before what is counted
    outlook = submission.outlook(action, chosen.uploads, by=person)
    number = {"n": outlook.possible}
    context = {
        "action": action.value,
        "chosen": chosen,
        "outlook": outlook,
        "reasons": bulk_words.reasons(action, outlook),
        "label": bulk_words.LABELS[action],
        "icon_name": bulk_words.ICONS[action],
        "title": bulk_words.TITLES[action] % number,
        "button": bulk_words.BUTTONS[action] % number,
        "meaning": bulk_words.MEANINGS[action],
        "most": settings.BULK_MAX,
        "asked_at": asked_at.isoformat(),
        "form": form,
        "campaigns": _campaigns(request) if action == Action.CAMPAIGN else [],
    }
    if action == Action.RETRY:
        cancelled = submission.fit_for(action, chosen.uploads, by=person).cancelled()
        context["cancelled"] = cancelled.order_by()[: settings.BULK_MAX].count()
    if not chosen.is_all:
        fit = submission.fit_for(action, chosen.uploads, by=person)
        context["named"] = list(fit.newest_first()[:NAMED])
        context["not_named"] = max(0, outlook.possible - NAMED)
    return render(request, "bulk/ask.html", context)


def _change(
    request: HttpRequest,
    action: Action,
    chosen: Chosen,
    form: CampaignForm,
    *,
    asked_at: datetime,
) -> int:
    uploads = chosen.uploads.filter(created_at__lte=asked_at)  # the question knew of no others
    said: dict[str, Any] = {
        "by": person_of(request),
        "address": address_of(request),
    }
    if chosen.is_all:
        said["filters"] = chosen.filters.active
    if action == Action.CAMPAIGN:
        campaign = form.cleaned_data["campaign"]
        return submission.set_campaign_of_each(uploads, campaign, **said)
    return CHANGES[action](uploads, asked_at=asked_at, **said)


def _tell(request: HttpRequest, action: Action, *, done: int, late: int) -> None:
    """For how many it is done, and for how many of those asked about it is not."""
    sentences = []
    if done:
        sentences.append(str(bulk_words.DONE[action] % {"n": done}))
    if late > 0:
        sentences.append(str(bulk_words.LATE[action] % {"n": late}))
    level = messages.SUCCESS if done else messages.INFO
    messages.add_message(request, level, " ".join(sentences) or _("Nothing had to be changed."))


def _campaigns(request: HttpRequest) -> list[str]:
    """Campaigns of late, to choose from."""
    latest = roles.batches_visible_to(request.user).exclude(campaign="").order_by("-id")
    names = dict.fromkeys(latest.values_list("campaign", flat=True)[:BATCHES_ASKED])
    return sorted(list(names)[:CAMPAIGNS])


def _instant(text: str) -> datetime | None:
    """The instant at which the question was put; None if it was not."""
    try:
        instant = parse_datetime(text)
        return instant.astimezone(UTC) if instant and instant.tzinfo else None
    except (ValueError, OverflowError):  # no date, or one beyond all time in UTC
        return None
