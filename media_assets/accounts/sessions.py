"""Where somebody is signed in, for how long, and how that ends.

Django's session says who somebody is; the row beside it says that this still holds. What takes
the row away ends the session at its next request, in whichever process that arrives.
"""

import logging
from collections.abc import Iterable

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from django.utils import timezone

from media_assets.accounts.records import record
from media_assets.models import PersonSession
from media_assets.models.people import PersonSessionQuerySet, digest_of_key
from media_assets.visitors import address_of

logger = logging.getLogger(__name__)

ENDED = "ended"  # in the session that follows: why the one before is over
# pages that ask by themselves how something goes: nobody need be there
POLLED = {"batch_progress", "upload_progress"}


def begin(request: HttpRequest, person: User) -> PersonSession:
    """Note that somebody has just signed in here; what is over, of everybody, is cleared away."""
    PersonSession.objects.over().delete()
    request.session.clear_expired()
    if not request.session.session_key:
        request.session.create()  # it was another person's, and is new from the ground
    return PersonSession.objects.begin(
        person,
        session_key=_key(request),
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
    )


def check(request: HttpRequest) -> PersonSession | None:
    """The row of this request's session; whoever has none is not signed in any more.

    After it `request.user` is nobody, and the session's data are gone.
    """
    if SESSION_KEY not in request.session:
        return None
    row = PersonSession.objects.by_key(_key(request))
    over = "elsewhere" if row is None else row.end_of(timezone.now())
    if row is not None and not over and str(row.person_id) == request.session[SESSION_KEY]:
        return row
    if row is not None:
        with transaction.atomic():
            gone, _rows = row.delete()
            if gone:  # of two requests at once one tells of it
                record(request, "person.session_ended", on=row.person, by=row.person, because=over)
    request.session.flush()
    request.session[ENDED] = over or "elsewhere"
    request.user = AnonymousUser()
    return None


def note(request: HttpRequest, row: PersonSession) -> None:
    """After an answer: the person was there, unless a page has asked by itself."""
    match = request.resolver_match
    if match is not None and match.view_name in POLLED:
        return
    try:
        row.set_seen(timezone.now(), address=address_of(request))
    except DatabaseError:  # the answer stands: what was asked for is done or refused
        logger.exception("it was not noted that somebody was there")


def this(request: HttpRequest) -> PersonSessionQuerySet:
    """This request's row, which is there for whoever is signed in."""
    return PersonSession.objects.filter(key_digest=digest_of_key(_key(request)))


def end_this(request: HttpRequest) -> None:
    this(request).delete()


def end_others(request: HttpRequest, person: User) -> int:
    """All of a person's sessions but this one; how many of them were live."""
    others = PersonSession.objects.of(person).exclude(pk__in=this(request).values("pk"))
    return _end(others.values_list("pk", flat=True))


def end_all(person: User) -> int:
    """Sign a person out everywhere; how many sessions were live."""
    return _end(PersonSession.objects.of(person).values_list("pk", flat=True))


def move(request: HttpRequest, *, old_key: str | None) -> None:
    """The session has got another key, as it does when a password changes."""
    PersonSession.objects.filter(key_digest=digest_of_key(old_key or "")).update(
        key_digest=digest_of_key(_key(request))
    )


def _end(keys: Iterable[int]) -> int:
    rows = PersonSession.objects.filter(pk__in=list(keys))
    live = rows.live().count()
    rows.delete()
    return live


def _key(request: HttpRequest) -> str:
    return request.session.session_key or ""
