"""The audit list: everything that was done, for those who may read it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from media_assets import paging, roles
from media_assets.audit_filters import AuditFilters
from media_assets.models import AuditEvent, Connector, Operation
from media_assets.views.events import Told, told
from media_assets.views.saved import views_of

# an event may have been written by anybody who reached the database
CODES = {
    "code": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "pk": re.compile("[0-9]{1,18}", re.ASCII),
}


@dataclass(frozen=True)
class Row:
    """One event in words, and where what it is about can be seen, or ""."""

    event: AuditEvent
    told: Told
    url: str


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    filters = audit_filters(request)
    shown: Any = AuditEvent.objects.all()  # pages are typed for uploads
    page: Any = paging.page_of(filters.selection, shown=shown, params=request.GET)
    context = {
        "filters": filters,
        "page": page,
        "rows": _rows(request, page.rows),
        "may_export": roles.may_export(request.user),
        "saved": views_of(request, page="audit", query=filters.query),
    }
    return render(request, "audit.html", context)


def audit_filters(request: HttpRequest) -> AuditFilters:
    """What the request's filters leave of the list; 404 for those who may not read it."""
    if not roles.may_read_audit(request.user):
        raise Http404
    return AuditFilters(request.GET, queryset=AuditEvent.objects.all(), request=request)


def _rows(request: HttpRequest, events: Sequence[AuditEvent]) -> list[Row]:
    urls = _urls(request, events)
    return [
        Row(event, told(event), urls.get((event.object_type, event.object_code), ""))
        for event in events
    ]


def _urls(request: HttpRequest, events: Sequence[AuditEvent]) -> dict[tuple[str, str], str]:
    """The pages of what these events are about, as far as it is still there and may be seen."""
    user = request.user
    seen: list[tuple[str, QuerySet[Any], str, Callable[[Any], str]]] = [
        ("upload", roles.uploads_visible_to(user), "code", _own_page("upload")),
        ("batch", roles.batches_visible_to(user), "code", _own_page("batch")),
    ]
    if user.has_perm("media_assets.view_operation"):
        seen.append(("operation", Operation.objects.all(), "code", _in_admin(Operation)))
    if user.has_perm("media_assets.view_connector"):
        seen.append(("connector", Connector.objects.all(), "code", _in_admin(Connector)))
    if user.is_superuser:
        seen.append(("user", User.objects.all(), "pk", _in_admin(User)))
        seen.append(("group", Group.objects.all(), "pk", _in_admin(Group)))
    urls = {}
    for kind, there, key, url in seen:
        form = CODES[key]
        codes = {
            event.object_code
            for event in events
            if event.object_type == kind and form.fullmatch(event.object_code)
        }
        found = there.filter(**{f"{key}__in": codes}).values_list("pk", key) if codes else []
        for pk, code in found:
            urls[kind, str(code)] = url(code if kind in {"upload", "batch"} else pk)
    return urls


def _own_page(name: str) -> Callable[[Any], str]:
    return lambda code: reverse(name, args=[code])


def _in_admin(model: type[Model]) -> Callable[[Any], str]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return lambda pk: reverse(name, args=[pk])
