"""What the history and the library share: their filters, what is chosen of them, their buttons."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse
from django.utils.functional import Promise

from media_assets import paging, roles, submission
from media_assets.filters import HistoryFilters, LibraryFilters, UploadFilters
from media_assets.models.querysets import UploadQuerySet
from media_assets.paging import Page
from media_assets.submission import Action
from media_assets.views.bulk_words import ICONS, LABELS
from media_assets.views.saved import views_of

LISTS: dict[str, type[UploadFilters]] = {"history": HistoryFilters, "handles": LibraryFilters}
ACTIONS: dict[str, list[Action]] = {
    "history": [Action.RETRY, Action.RENEW, Action.CANCEL, Action.CAMPAIGN, Action.COPY],
    "handles": [Action.RENEW, Action.CAMPAIGN, Action.COPY],
}
# The rows that are ticked, and "all" in place of them: in the address, beside the filters.
CODE, SCOPE, ALL = "upload", "scope", "all"
TICKED_MOST = 500


@dataclass(frozen=True)
class Button:
    """What can be done for several rows of a list."""

    label: str | Promise
    icon: str
    url: str


@dataclass(frozen=True)
class Chosen:
    """The uploads that a person has chosen in a list: ticked rows, or all that its filters show."""

    uploads: UploadQuerySet
    filters: UploadFilters
    is_all: bool
    back: str


def list_context(request: HttpRequest, *, page: str, filters: UploadFilters) -> dict[str, Any]:
    """What `history.html` and `handles.html` need besides their rows."""
    user = request.user
    return {
        "list": page,
        "bulk": [
            Button(LABELS[action], ICONS[action], address_of_action(page, action))
            for action in ACTIONS[page]
            if submission.is_open_to(action, user)
        ],
        "kept": _kept(request.GET),
        "usable": set(roles.connectors_usable_by(user).values_list("pk", flat=True)),
        "cancels_all": user.has_perm("media_assets.cancel_every_upload"),
        "cancels_own": roles.may_submit(user),
        "saved": views_of(request, page=page, query=filters.query),
    }


def page_of(request: HttpRequest, filters: UploadFilters, *, shown: UploadQuerySet) -> Page:
    """The page that is asked for; its rows share the few connectors and people there are."""
    people = shown.prefetch_related("submitted_by")
    page = paging.page_of(filters.selection, shown=people, params=request.GET)
    connectors = {connector.pk: connector for connector in filters.connectors}
    for upload in page:
        if upload.connector_id in connectors:
            upload.connector = connectors[upload.connector_id]
    return page


def address_of_action(page: str, action: Action) -> str:
    name = "bulk_copy" if action == Action.COPY else "bulk"
    return reverse(name, args=[page] if action == Action.COPY else [page, action])


def chosen_of(request: HttpRequest, *, page: str, action: Action) -> Chosen:
    """What the address chooses, as far as this person may see it; 404 where it is not for them."""
    if action not in ACTIONS.get(page, ()) or not submission.is_open_to(action, request.user):
        raise Http404
    visible = roles.uploads_visible_to(request.user).for_lists()
    listed = visible.ready() if page == "handles" else visible
    filters = LISTS[page](request.GET, queryset=listed, request=request)
    is_all = request.GET.get(SCOPE) == ALL
    ticked = visible.filter(code__in=_ticked(request.GET))
    if not is_all and not is_nothing_chosen(request) and not ticked.exists():
        raise Http404
    kept = QueryDict(mutable=True)
    kept.update(dict(_kept(request.GET)))
    return Chosen(
        uploads=filters.rows if is_all else ticked,
        filters=filters,
        is_all=is_all,
        back=reverse(page) + (f"?{kept.urlencode()}" if kept else ""),
    )


def is_nothing_chosen(request: HttpRequest) -> bool:
    return request.GET.get(SCOPE) != ALL and not _ticked(request.GET)


def _ticked(params: QueryDict) -> list[uuid.UUID]:
    return [code for text in params.getlist(CODE)[:TICKED_MOST] if (code := code_of(text))]


def code_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _kept(params: QueryDict) -> list[tuple[str, str]]:
    """The filters and the place in the list, to come back to."""
    kept = ((name, str(value)) for name, value in params.items() if value)
    return [(name, value) for name, value in kept if name not in {CODE, SCOPE}]
