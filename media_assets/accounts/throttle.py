"""How many sign-ins may fail, and that a stranger's failures lock out nobody but the stranger.

The limits are django-allauth's own (ACCOUNT_RATE_LIMITS), counted in the database. One of them is
for an account, and anybody can use it up by typing that name. So a browser in which a person has
signed in before carries a signed cookie with a number of its own, and is counted by itself: what
strangers do to an account from elsewhere does not reach it (OWASP, "Slow Down Online Guessing
Attacks with Device Cookies").
"""

import secrets
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

APP, ACTION = "allauth.account", "login_failed"
BY_ADDRESS = "login_failed_by_address"
SALT = "media_assets.accounts.throttle"
DAYS = 180
MOST_PEOPLE = 5  # who share a browser


def key_of(request: HttpRequest, username: str) -> str:
    """What failures for this name are counted under, in this browser."""
    name = _folded(username)
    known = _read(request)
    return f"{name}\0{known['id']}" if _mark(name) in known.get("people", []) else name


def remember(request: HttpRequest, response: HttpResponse, *, person: User) -> None:
    """Give the browser of somebody who has just signed in a count of its own."""
    known = _read(request)
    mark = _mark(_folded(person.get_username()))
    others = [each for each in known.get("people", []) if each != mark]
    value = {
        "id": known.get("id") or secrets.token_hex(8),
        "people": [mark, *others][:MOST_PEOPLE],
    }
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(value, salt=SALT),
        max_age=DAYS * 24 * 60 * 60,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def is_blocked(person: User) -> bool:
    """Whether new browsers may not try this person's name just now, or nobody their codes."""
    return any(len(_recent(cache_key, rate)) >= rate.amount for rate, cache_key in _counts(person))


def unblock(person: User) -> None:
    """Forget the failures for this person's name from new browsers, and of their codes."""
    cache.delete_many([cache_key for _rate, cache_key in _counts(person)])


def is_first(name: str, *, within: int) -> bool:
    """Whether this is the first time in so many seconds: not every blocked try is an event."""
    return cache.add(f"media_assets:first:{name}", True, timeout=within)


def _counts(person: User) -> Iterator[tuple[Any, str]]:
    """The rates that hold for the person's name and for their codes, and where each is counted."""
    for rate in ratelimit.get_rates(app=APP, action=ACTION):
        for key in (_folded(person.get_username()), f"mfa-auth-user-{person.pk}"):
            yield (
                rate,
                ratelimit.get_cache_key(HttpRequest(), app=APP, action=ACTION, rate=rate, key=key),
            )


def _recent(cache_key: str, rate: Any) -> list[float]:
    _allowed, history = ratelimit.apply_rate(
        cache.get(cache_key, []), time.time(), rate, dry_run=True
    )
    return list(history)


def _folded(username: str) -> str:
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _mark(name: str) -> str:
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()[:16]


def _read(request: HttpRequest) -> dict[str, Any]:
    value = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    try:
        known = signing.loads(value, salt=SALT, max_age=DAYS * 24 * 60 * 60)
    except signing.BadSignature:
        return {}
    return known if isinstance(known, dict) else {}
