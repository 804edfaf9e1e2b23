"""Saved views: the filters of a list that a person comes back to, under a name."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from media_assets import roles
from media_assets.audit_filters import AuditFilters
from media_assets.filters import HistoryFilters, LibraryFilters
from media_assets.list_forms import NameForm
from media_assets.models import AuditEvent, ListPage, NameTaken, SavedView, TooManyViews
from media_assets.views.redirects import redirect_to_see
from media_assets.visitors import person_of

QUERY_MOST = 8000
# The filters by which a list's query string is read; no list without them has views.
FILTERS: dict[str, type] = {
    ListPage.HISTORY: HistoryFilters,
    ListPage.HANDLES: LibraryFilters,
    ListPage.AUDIT: AuditFilters,
}


@dataclass(frozen=True)
class Link:
    name: str | Promise
    url: str
    is_current: bool = False


def views_of(request: HttpRequest, *, page: str, query: str) -> dict[str, Any]:
    """What `_views.html` and `_save_view.html` show; `query`: the filters in force."""
    own = list(SavedView.objects.of(request.user, page))
    links = [
        Link(view.name, f"{reverse(page)}?{view.query}", is_current=view.query == query)
        for view in own
    ]
    is_new = bool(query) and not any(link.is_current for link in links)
    return {
        "page": page,
        "links": links,
        "suggestions": [] if own else _suggestions(request, page=page, query=query),
        "query": query if is_new else "",
        "form": NameForm() if is_new else None,
    }


@require_safe
def saved_views(request: HttpRequest, page: str) -> HttpResponse:
    """A person's views of a list, to rename and delete."""
    _filters_of(request, page)
    rows = [
        (view, NameForm({"name": view.name}, auto_id=f"{view.code}_%s"))
        for view in SavedView.objects.of(request.user, page)
    ]
    context = {"page": page, "rows": rows, "back": reverse(page)}
    return render(request, "saved_views.html", context)


@require_POST
def save_view(request: HttpRequest, page: str) -> HttpResponse:
    """Save the filters that the form has brought along; what is none of them is left out."""
    filters, form = _sent(request, page), NameForm(request.POST)
    query = filters.query
    back = f"{reverse(page)}?{query}" if query else reverse(page)
    if not query or not filters.is_valid():
        messages.error(request, _("These filters cannot be saved: a value does not exist."))
    elif form.is_valid():
        name = form.cleaned_data["name"]
        _keep(request, page=page, name=name, query=query)
    else:
        messages.error(request, str(form.errors["name"][0]))
    return redirect_to_see(back)


@require_POST
def rename_view(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    view, form = _own(request, code), NameForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["name"][0]))
        return _to_list(view)
    try:
        view.rename(form.cleaned_data["name"])
    except NameTaken:
        messages.error(request, _("You have another view of this name."))
    else:
        messages.success(request, _("The view is called “%(name)s” now.") % {"name": view.name})
    return _to_list(view)


@require_POST
def delete_view(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    view = _own(request, code)
    view.delete()
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return _to_list(view)


def _keep(request: HttpRequest, *, page: str, name: str, query: str) -> None:
    try:
        SavedView.objects.keep(person_of(request), page=page, name=name, query=query)
    except NameTaken:
        messages.error(request, _("You have another view of this name."))
    except TooManyViews:
        text = _("You have %(most)s views of this list, more are not possible. Delete one first.")
        messages.error(request, text % {"most": SavedView.MOST})
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": name})


def _sent(request: HttpRequest, page: str) -> Any:
    """The filters that were sent, as the list itself reads them; none of far too long a text."""
    filters = _filters_of(request, page)
    text = request.POST.get("query", "")
    rows = (
        AuditEvent.objects.all()
        if page == ListPage.AUDIT
        else roles.uploads_visible_to(request.user)
    )
    kept = QueryDict(text if len(text) <= QUERY_MOST else "")
    return filters(kept, queryset=rows, request=request)


def _filters_of(request: HttpRequest, page: str) -> type:
    if page not in FILTERS:
        raise Http404
    if page == ListPage.AUDIT and not roles.may_read_audit(request.user):
        raise Http404
    return FILTERS[page]


def _own(request: HttpRequest, code: uuid.UUID) -> SavedView:
    return get_object_or_404(SavedView.objects.of(request.user), code=code)


def _to_list(view: SavedView) -> HttpResponse:
    return redirect_to_see(reverse("saved_views", args=[view.page]))


def _suggestions(request: HttpRequest, *, page: str, query: str) -> list[Link]:
    """Views that are there for everybody who has not saved any."""
    if page not in {ListPage.HISTORY, ListPage.HANDLES}:
        return []
    own = {"mine": "on"} if page == ListPage.HANDLES else {"person": request.user.get_username()}
    suggested = [
        (_("Failed this week"), "history", {"state": "failed", "period": "week"}),
        (_("Expiring within 24 hours"), "handles", {"expiring": "soon"}),
    ]
    if roles.may_submit(request.user):
        suggested.append((_("Mine"), page, own))
    return [
        Link(
            name,
            f"{reverse(where)}?{urlencode(filters)}",
            is_current=where == page and urlencode(filters) == query,
        )
        for name, where, filters in suggested
    ]
