"""Who is asking, and from where."""

import re
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

# Some proxies append the port they were spoken to from: 198.51.100.7:51234, [2001:db8::1]:51234
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_LONGEST = 64  # characters of one entry


def address_of(request: HttpRequest) -> str | None:
    """The visitor's IP address for the audit list and for limits, as far as it is known.

    Behind TRUSTED_PROXIES proxies it is that entry of X-Forwarded-For, counted from its end: each
    of them has appended the address of whoever it served, and those before are whatever the
    visitor chose to send. A shorter header comes from who reached an inner proxy directly.
    """
    if settings.BEHIND_PROXY:
        entries = request.headers.get("x-forwarded-for", "").split(",")
        told = entries[max(0, len(entries) - settings.TRUSTED_PROXIES)]
        if found := _address(told):
            return found
    return nearest(request)


def nearest(request: HttpRequest) -> str | None:
    """The address that spoke to us, a proxy's perhaps; a server on a local socket has none."""
    return _address(request.META.get("REMOTE_ADDR", ""))


def person_of(request: HttpRequest) -> User:
    """The signed-in person of a view that lets nobody else in."""
    assert isinstance(request.user, User)  # noqa: S101  (the middleware lets nobody else in)
    return request.user


def _address(text: str) -> str | None:
    """An address in the one form that it is stored and counted in; None for anything else."""
    text = text.strip()
    if len(text) > _LONGEST or "%" in text:
        return None
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
