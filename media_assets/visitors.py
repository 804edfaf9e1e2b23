"""Who is asking, and from where."""

from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The visitor's IP address for the audit list, as far as it is known.

    Behind our proxy it is the last entry of X-Forwarded-For, the one that the proxy itself has
    added: those before it are whatever the visitor chose to send.
    """
    if settings.BEHIND_PROXY:
        last = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if _is_address(last):
            return last
    nearest = request.META.get("REMOTE_ADDR", "")
    return nearest if _is_address(nearest) else None  # a server on a local socket has none


def person_of(request: HttpRequest) -> User:
    """The signed-in person of a view that lets nobody else in."""
    assert isinstance(request.user, User)  # noqa: S101  (the middleware lets nobody else in)
    return request.user


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False
