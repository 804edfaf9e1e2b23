"""Which uploads: the words in which the rest of the code asks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from media_assets.models import rows
from media_assets.models.attempts import Attempt
from media_assets.models.states import Status
from media_assets.wolkvox import handles

if TYPE_CHECKING:
    from media_assets.models.uploads import Upload

GIVEN_UP = [Status.FAILED, Status.CANCELLED]


class UploadQuerySet(models.QuerySet["Upload"]):
    def queued(self) -> UploadQuerySet:
        return self.filter(status=Status.QUEUED)

    def sending(self) -> UploadQuerySet:
        return self.filter(status=Status.SENDING)

    def ready(self) -> UploadQuerySet:
        return self.filter(status=Status.READY)

    def failed(self) -> UploadQuerySet:
        return self.filter(status=Status.FAILED)

    def cancelled(self) -> UploadQuerySet:
        return self.filter(status=Status.CANCELLED)

    def given_up(self) -> UploadQuerySet:
        """Failed or cancelled: what a person may retry."""
        return self.filter(status__in=GIVEN_UP)

    def unfinished(self) -> UploadQuerySet:
        return self.filter(status__in=[Status.QUEUED, Status.SENDING])

    def due(self, now: datetime) -> UploadQuerySet:
        """Waiting, on an active connector, and allowed to start at `now`."""
        return self.queued().filter(due_at__lte=now, connector__is_active=True)

    def holding(self, now: datetime) -> UploadQuerySet:
        """Those whose call is, or may still be, one of the vendor's calls in flight."""
        leased = self.filter(lease_until__isnull=False)  # as all calls in flight: it has an index
        return leased.filter(Q(status=Status.SENDING) | Q(lease_until__gt=now))

    def live(self) -> UploadQuerySet:
        """Ready, and by the estimate not yet expired; where it names no expiry, not too old."""
        return self.filter(_live(timezone.now()))

    def expired(self) -> UploadQuerySet:
        """Ready, and by the estimate expired: in time nearly all of them.

        The comparison is such that no index helps it: a list reads them in its own order.
        """
        expires_at = Coalesce("handle_expires_at", "handle_expires_at")
        return self.ready().alias(expires_at=expires_at).filter(expires_at__lte=timezone.now())

    def first_live(self) -> datetime:
        """When the first of the live ones was submitted; now if there is none."""
        now = timezone.now()
        known = self.ready().filter(handle_expires_at__gt=now)
        unknown = self.ready().filter(handle_expires_at=None).filter(_live(now))
        # of an expression: for the least value of a column SQLite walks that column's index
        first = Min(Coalesce("created_at", "created_at"))
        firsts = [each.order_by().aggregate(first=first) for each in (known, unknown)]
        return min((found["first"] for found in firsts if found["first"]), default=now)

    def live_or_unfinished(self) -> UploadQuerySet:
        """What makes another upload of the same file needless just now."""
        unfinished = Q(status__in=[Status.QUEUED, Status.SENDING])
        return self.filter(_live(timezone.now()) | unfinished)

    def expiring(self, within: timedelta) -> UploadQuerySet:
        """Ready, not renewed, and estimated to expire within this time from now."""
        now = timezone.now()
        return self.renewable().filter(
            handle_expires_at__gt=now, handle_expires_at__lte=now + within
        )

    def renewable(self) -> UploadQuerySet:
        """Ready, and without a renewal; one that failed or was cancelled does not count."""
        return self.filter(is_renewable(self.model))

    def not_renewed_since(self, instant: datetime) -> UploadQuerySet:
        """Those of which nobody has asked for a renewal after this instant."""
        renewals = self.model._default_manager.filter(renews=OuterRef("pk"))
        return self.filter(~Exists(renewals.filter(created_at__gt=instant)))

    def set_cancelled(self, at: datetime) -> int:
        """QUEUED → CANCELLED, all that still wait; returns how many.

        The lease stays: wolkvox may still be working on an earlier call that gave no answer.
        """
        return self.queued().update(status=Status.CANCELLED, changed_at=at, finished_at=at)

    def set_queued_again(self, at: datetime, *, lane: int) -> int:
        """FAILED or CANCELLED → QUEUED: counts of tries start anew; returns how many.

        Each waits as long as the vendor may still be working on a call that gave no answer.
        """
        due_at = Case(
            When(lease_until__gt=at, then=F("lease_until")),
            default=Value(at),
            output_field=DateTimeField(),
        )
        return self.given_up().update(
            status=Status.QUEUED,
            changed_at=at,
            due_at=due_at,
            lane=lane,
            attempts_before=F("attempt_count"),
            finished_at=None,
        )

    def set_campaign(self, campaign: str, at: datetime) -> int:
        """Give these a campaign, whatever their state; returns how many.

        Of what is not finished `changed_at` stays: it says since when it waits or is being sent.
        """
        changed_at = Case(
            When(finished_at__isnull=False, then=Value(at)),
            default=F("changed_at"),
            output_field=DateTimeField(),
        )
        return self.update(campaign=campaign, changed_at=changed_at)

    def newest_first(self) -> UploadQuerySet:
        return self.order_by("-created_at", "-id")

    def with_last_answer(self) -> UploadQuerySet:
        """With what `Upload.last_answer` needs, so that it asks nothing more."""
        last = Attempt.objects.filter(upload=OuterRef("pk"), number=OuterRef("attempt_count"))
        return self.annotate(
            answer_status=Subquery(last.values("http_status")[:1]),
            answer_reason=Subquery(last.values("reason")[:1]),
        )

    def for_lists(self) -> UploadQuerySet:
        """With what a row of a list shows, in one query, and without what is long or secret."""
        return self.select_related("connector__operation", "submitted_by").defer(
            "connector__operation__sealed_token"
        )

    def campaigns(self) -> list[str]:
        """The names of campaigns, in order."""
        return rows.values_of(self.model, "campaign")


def is_renewable(model: type[Upload]) -> Q:
    """`renewable` as a condition, for a query over uploads."""
    renewals = model._default_manager.filter(renews=OuterRef("pk"))
    return Q(~Exists(renewals.exclude(status__in=GIVEN_UP)), status=Status.READY)


def _live(now: datetime) -> Q:
    return Q(status=Status.READY) & (
        Q(handle_expires_at__gt=now)
        | Q(handle_expires_at=None, finished_at__gt=now - handles.LIFETIME)
    )
