"""For how many of some uploads a thing can be done, and what holds the others back.

Nothing here looks at more than some thousand rows, however many the uploads are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Case, Count, F, Q, Value, When

from media_assets import roles
from media_assets.models import Status, Upload
from media_assets.models.querysets import GIVEN_UP, UploadQuerySet, is_renewable

COUNTED_MOST = 10_000  # uploads; of more the reasons are not counted one by one
SOMEBODY_ELSES = "somebody_elses"
RENEWED = "renewed"


class Action(StrEnum):
    """What can be done for many uploads at once."""

    RETRY = "retry"
    RENEW = "renew"
    CANCEL = "cancel"
    CAMPAIGN = "campaign"
    COPY = "copy"


@dataclass(frozen=True)
class Outlook:
    """`possible` counts up to one more than is allowed; `left` has what it is not possible for.

    The keys of `left` are states, `SOMEBODY_ELSES` and `RENEWED`. `more` says that others stay
    as they are that nobody has counted.
    """

    possible: int
    left: dict[str, int] = field(default_factory=dict)
    more: bool = False

    @property
    def is_too_many(self) -> bool:
        return bool(self.possible > settings.BULK_MAX)


def is_open_to(action: Action, user: User | AnonymousUser) -> bool:
    """Whether there may be uploads for which this person may do it."""
    if action == Action.COPY:
        return roles.may_see_everything(user) or roles.may_submit(user)
    if action == Action.CANCEL:
        return roles.may_cancel_some(user)
    return roles.may_submit(user)


def fit_for(action: Action, uploads: UploadQuerySet, *, by: User) -> UploadQuerySet:
    """Those of `uploads` for which this person may do it, and which are in a state for it."""
    return uploads.filter(_permitted(action, by), _in_a_state_for(action))


def outlook(action: Action, uploads: UploadQuerySet, *, by: User) -> Outlook:
    """For how many of `uploads` this person can do it now, and why not for the others."""
    some = uploads.order_by().values("pk")[: COUNTED_MOST + 1]
    why = Case(
        When(~_permitted(action, by), then=Value(SOMEBODY_ELSES)),
        When(_in_a_state_for(action), then=Value("")),
        When(status=Status.READY, then=Value(RENEWED if action == Action.RENEW else Status.READY)),
        default=F("status"),
    )
    counted = Upload.objects.filter(pk__in=some).order_by().annotate(why=why).values_list("why")
    counts = dict(counted.annotate(Count("pk")))
    if sum(counts.values()) > COUNTED_MOST:
        possible = fit_for(action, uploads, by=by).order_by()[: settings.BULK_MAX + 1].count()
        return Outlook(possible, more=True)
    possible = counts.pop("", 0)
    return Outlook(possible, left=counts)


def _permitted(action: Action, by: User) -> Q:
    if action == Action.COPY:
        return Q(connector__in=roles.connectors_visible_to(by).values("pk"))
    return roles.cancellable_by(by) if action == Action.CANCEL else roles.changeable_by(by)


def _in_a_state_for(action: Action) -> Q:
    if action == Action.RETRY:
        return Q(status__in=GIVEN_UP)
    if action == Action.RENEW:
        return is_renewable(Upload)
    if action == Action.CANCEL:
        return Q(status=Status.QUEUED)
    if action == Action.COPY:
        return Q(status=Status.READY)
    return Q(status__in=Status.values)
