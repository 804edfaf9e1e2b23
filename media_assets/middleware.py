"""What holds before any view: methods, the time zone, the session, a demonstration's bounds."""

import functools
import zoneinfo
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseNotAllowed,
)
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from media_assets.accounts import factors, sessions
from media_assets.visitors import nearest

COOKIE = "time_zone"
METHODS = ["GET", "HEAD", "POST"]

Respond = Callable[[HttpRequest], HttpResponseBase]


def methods(get_response: Respond) -> Respond:
    """No page knows other methods; and whoever opens what takes forms only gets a page of ours.

    The admin would answer PUT as it answers GET.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        known = request.method in METHODS
        response = get_response(request) if known else HttpResponseNotAllowed(METHODS)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        response.content = render_to_string("405.html", request=request)
        return response

    return respond


def known_host(get_response: Respond) -> Respond:
    """Files, too, are there under the installation's own names only."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        request.get_host()  # raises DisallowedHost
        return get_response(request)

    return respond


class Compressed(GZipMiddleware):
    """Pages, but not exports: those leave at once, piece by piece.

    Django pads what it compresses at random, and masks the tokens of forms anew in each answer
    (BREACH).
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.streaming:
            return response
        return super().process_response(request, response)


def time_zone(get_response: Respond) -> Respond:
    """Days and times in the zone of the cookie, or the installation's where there is none.

    What streams longer than this lasts has to remember its zone.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        with timezone.override(zone_of(request)):
            return get_response(request)

    return respond


def demonstration_stays_here(get_response: Respond) -> Respond:
    """A demonstration answers its own machine only, whatever address its server listens on."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        address = nearest(request)
        if settings.DEMO and address and not ip_address(address).is_loopback:
            sentence = _(
                "This is a demonstration: its people and passwords are made up, so it answers its "
                "own machine only. Open it there, on 127.0.0.1."
            )
            return HttpResponseForbidden(sentence, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return respond


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone that the browser has named; None for anything that is no zone's name."""
    name = request.COOKIES.get(COOKIE, "")
    return zoneinfo.ZoneInfo(name) if name in _names() else None


def known_session(get_response: Respond) -> Respond:
    """Nobody is signed in whose session has ended: by a limit, elsewhere, or with the account."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        row = sessions.check(request)
        response = get_response(request)
        if row is not None:
            sessions.note(request, row)
        return response

    return respond


def second_factor(get_response: Respond) -> Respond:
    """Who has to have a second factor and has none is led to set one up, and to nothing else."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_view(request: HttpRequest, *_: object) -> HttpResponseBase | None:
        match = request.resolver_match
        is_allowed = match is not None and match.view_name in factors.ALLOWED_WITHOUT
        if is_allowed or not factors.is_missing(request.user):
            return None
        setup = reverse("mfa_index")
        if request.headers.get("hx-request"):
            return HttpResponse(status=403, headers={"HX-Redirect": setup})
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        return redirect(setup)

    respond.process_view = process_view  # type: ignore[attr-defined]  # ours
    return respond


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
