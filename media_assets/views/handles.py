"""The library: every ready handle this person may see, to find, copy and renew."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from media_assets import paging, roles
from media_assets.filters import LibraryFilters


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    ready = roles.uploads_visible_to(request.user).ready().for_lists()
    filters = LibraryFilters(request.GET, queryset=ready, request=request)
    return render(
        request,
        "handles.html",
        {
            "filters": filters,
            "page": paging.page_of(filters.rows, params=request.GET),
            "usable": set(roles.connectors_usable_by(request.user).values_list("pk", flat=True)),
            "may_submit": roles.may_submit(request.user),
        },
    )
