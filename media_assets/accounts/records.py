"""Events about people, as their requests bring them about."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from media_assets.models import AuditEvent
from media_assets.visitors import address_of


def record(
    request: HttpRequest,
    action: str,
    *,
    on: User | None = None,
    by: User | AnonymousUser | None = None,
    **data: Any,
) -> None:
    """Append an event from the request's address; by whoever is signed in unless told otherwise."""
    actor = request.user if by is None else by
    AuditEvent.objects.record(action, by=actor, on=on, address=address_of(request), **data)


def record_visitor(
    request: HttpRequest, action: str, *, on: User | None = None, **data: Any
) -> None:
    """As `record`, by somebody of whom nothing is known but the address."""
    record(request, action, on=on, by=AnonymousUser(), **data)
