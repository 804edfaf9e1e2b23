"""The history: every upload this person may see, failures included."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from media_assets import roles
from media_assets.filters import HistoryFilters
from media_assets.models import Upload
from media_assets.views.lists import list_context, page_of


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    filters = _filters(request)
    shown = Upload.objects.with_last_answer().defer("handle")
    return render(
        request,
        "history.html",
        {
            "filters": filters,
            "page": page_of(request, filters, shown=shown),
            "may_export": roles.may_export(request.user),
            "may_submit": roles.may_submit(request.user),
            **list_context(request, page="history", filters=filters),
        },
    )


def _filters(request: HttpRequest) -> HistoryFilters:
    uploads = roles.uploads_visible_to(request.user)
    return HistoryFilters(request.GET, queryset=uploads, request=request)
