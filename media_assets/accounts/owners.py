"""There is always an active owner, also when two people change things at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, Q, QuerySet


class LastOwner(Exception):
    """What somebody tried would leave nobody who may change people."""


def active() -> QuerySet[User]:
    """Those who can sign in: an invited owner who has never been in helps nobody."""
    has_been_in = Q(last_login__isnull=False) | ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.filter(has_been_in, is_active=True, is_superuser=True)


def lock() -> None:
    """Until the transaction ends, whoever else wants to take an owner away waits here."""
    list(active().select_for_update(no_key=True).order_by("pk").values_list("pk"))


@contextmanager
def kept(*, by: User | AnonymousUser) -> Iterator[None]:
    """A transaction of an owner; it is undone if it takes the last active owner away.

    Raises LastOwner then, and PermissionDenied before anything if `by` has just lost it themselves.
    """
    with transaction.atomic():
        lock()
        if by.pk is None or not active().filter(pk=by.pk).exists():
            raise PermissionDenied
        yield
        if not active().exists():
            raise LastOwner


def are_last(people: list[Model]) -> bool:
    """Whether without these people nobody active would be an owner, and now somebody is."""
    keys = set(active().values_list("pk", flat=True))
    return bool(keys) and keys <= {person.pk for person in people}
