"""The library: every ready handle this person may see, to find, copy and renew."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from media_assets import roles
from media_assets.filters import LibraryFilters
from media_assets.models import Upload
from media_assets.views.lists import list_context, page_of


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    ready = roles.uploads_visible_to(request.user).ready()
    filters = LibraryFilters(request.GET, queryset=ready, request=request)
    shown = Upload.objects.all()
    return render(
        request,
        "handles.html",
        {
            "filters": filters,
            "page": page_of(request, filters, shown=shown),
            "may_submit": roles.may_submit(request.user),
            **list_context(request, page="handles", filters=filters),
        },
    )
