"""The history: every upload this person may see, failures included, and its export."""

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from media_assets import exports, paging, roles
from media_assets.filters import HistoryFilters
from media_assets.models import AuditEvent, Upload
from media_assets.views.lists import list_context
from media_assets.visitors import address_of


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    filters = _filters(request)
    shown = Upload.objects.for_lists().with_last_answer().defer("handle")
    return render(
        request,
        "history.html",
        {
            "filters": filters,
            "page": paging.page_of(filters.selection, shown=shown, params=request.GET),
            "may_export": roles.may_export(request.user),
            "may_submit": roles.may_submit(request.user),
            **list_context(request, page="history", filters=filters),
        },
    )


@require_GET  # a HEAD would be recorded as an export
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered history; the event says how many rows there were when it began."""
    if not roles.may_export(request.user):
        raise Http404
    filters = _filters(request)
    rows = filters.rows.for_lists().newest_first()
    AuditEvent.objects.record(
        "history.exported",
        by=request.user,
        address=address_of(request),
        filters=filters.active,
        rows=rows.count(),
    )
    name = f"history-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    return StreamingHttpResponse(
        exports.history_csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _filters(request: HttpRequest) -> HistoryFilters:
    uploads = roles.uploads_visible_to(request.user)
    return HistoryFilters(request.GET, queryset=uploads, request=request)
