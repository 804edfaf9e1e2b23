"""The person's time zone: their browser tells it in a cookie, and pages and files follow it."""

import functools
import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

COOKIE = "time_zone"

Respond = Callable[[HttpRequest], HttpResponseBase]


def time_zone(get_response: Respond) -> Respond:
    """Days and times in the zone of the cookie, or the installation's where there is none.

    What streams longer than this lasts has to remember its zone.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        with timezone.override(zone_of(request)):
            return get_response(request)

    return respond


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone that the browser has named; None for anything that is no zone's name."""
    name = request.COOKIES.get(COOKIE, "")
    return zoneinfo.ZoneInfo(name) if name in _names() else None


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
