"""The pages for what went wrong, in the product's look."""

# ruff: noqa: ARG001  (Django passes the arguments by these names)

import sys

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import get_language_from_request, override
from django.views.decorators.csrf import requires_csrf_token

from media_assets.limits import LimitReached


@login_not_required
@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    # under a foreign name there are no files either, so that page does without them
    template = "400_host.html" if isinstance(exception, DisallowedHost) else "400.html"
    with override(get_language_from_request(request)):  # it may have come before the language
        page = render(request, template, status=400)
    page.headers["Cache-Control"] = "no-store"
    return page


@login_not_required
@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


@login_not_required
@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def too_many(request: HttpRequest, reached: LimitReached) -> HttpResponse:
    """For what has no form to come back to; forms show the sentence above what was typed."""
    response = render(request, "429.html", {"sentence": reached.sentence}, status=429)
    response.headers["Retry-After"] = str(reached.seconds)
    return response


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """Without the request's context: the database or the session may be what is broken."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    page = loader.get_template("500.html").render({"database_away": away})
    return HttpResponse(page, status=503 if away else 500)


@login_not_required
@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)
