"""What signed-in people ask for and are refused is recorded, so that somebody notices a trier.

Not permitted and not existing look the same to who asks, and here too: a link to an upload that
has been removed is an event like an upload of somebody else. Addresses that nothing of the
product answers are none.
"""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from media_assets.limits import LimitReached
from media_assets.middleware import Respond
from media_assets.models import AuditEvent
from media_assets.views import errors
from media_assets.visitors import address_of

logger = logging.getLogger(__name__)

REFUSALS = (
    Http404,
    PermissionDenied,
    DisallowedModelAdminLookup,
    DisallowedModelAdminToField,
)
REFUSED, MORE = "access.refused", "access.refused_more"
MINUTE = timedelta(minutes=1)
# Events of one person in a minute, for what they look at and for what they send: links to what is
# not there any more must not hide attempts. More would bury what others do.
MOST = 20
LONGEST_PATH = 200
# Fields of forms that owners have, and nobody else.
OWNERS_FIELDS = {"is_superuser", "is_staff", "user_permissions", "permissions"}


class Refusals:
    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Refuse forms with fields by which only owners raise somebody.

        No form would take them from anybody else; that somebody sends them is worth knowing.
        """
        if request.method != "POST" or not _is_somebody_else_than_an_owner(request):
            return
        if OWNERS_FIELDS & {name.rpartition("-")[2] for name in request.POST}:
            record(request)
            raise Http404

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if isinstance(exception, LimitReached):
            return errors.too_many(request, exception)
        if isinstance(exception, REFUSALS):
            record(request)
        return None


def record(request: HttpRequest) -> None:
    """Append that this was refused; after many in a minute that more of them are left out."""
    person = request.user
    if not isinstance(person, User):
        return
    try:
        latest = AuditEvent.objects.filter(
            actor_name=person.get_username(),
            action__in=[REFUSED, MORE],
            created_at__gt=timezone.now() - MINUTE,
        )
        sent = Q(data__method="POST")
        there = latest.filter(sent if request.method == "POST" else ~sent).count()
        if there <= MOST:
            AuditEvent.objects.record(
                REFUSED if there < MOST else MORE,
                by=person,
                address=address_of(request),
                method=request.method,
                path=request.path[:LONGEST_PATH],
            )
    except DatabaseError:  # the answer is the same
        logger.exception("a refusal was not recorded")


def _is_somebody_else_than_an_owner(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not request.user.is_superuser
