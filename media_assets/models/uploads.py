"""Uploads: their table is also the queue.

    QUEUED ──claim──▶ SENDING ──▶ READY
     │ ▲                 │ └────▶ FAILED
     │ ├── to be tried ──┘           │
     │ └──────── a person retries ───┤
     └─────── a person cancels ──▶ CANCELLED

Each arrow is one conditional UPDATE, which tells whether it took place: who comes too late walks
away.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from media_assets.models import rows
from media_assets.models.attempts import Attempt
from media_assets.models.batches import Batch
from media_assets.models.operations import Connector, Operation
from media_assets.models.querysets import UploadQuerySet
from media_assets.models.rows import Statement
from media_assets.models.states import Format, Outcome, Status
from media_assets.models.texts import plain
from media_assets.wolkvox import handles

# Files sent by hand pass a bulk, so that nobody waits behind 500 others; and what has not been
# tried yet passes repeats, which go one lane further back.
QUICK_LANE, BULK_LANE = 0, 2
# What PostgreSQL notifies workers on.
WAKE_CHANNEL = "uploads_waiting"


class Upload(models.Model):
    """One URL on one connector, and what became of it."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="uploads")
    connector = models.ForeignKey(
        Connector,
        models.PROTECT,
        related_name="uploads",
        verbose_name=_("connector"),
        db_index=False,  # the index for lists begins with it, as with the person
    )
    operation = models.ForeignKey(Operation, models.PROTECT, related_name="uploads")
    submitted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("submitted by"), db_index=False
    )
    renews = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="renewals", verbose_name=_("renews")
    )
    file_url = models.CharField(_("file"), max_length=2048)
    label = models.CharField(_("label"), max_length=120, blank=True)
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    format = models.CharField(_("format"), max_length=8, choices=Format)
    content_type = models.CharField(_("type"), max_length=100, blank=True)
    size = models.PositiveBigIntegerField(_("size"), null=True, help_text="bytes")
    lane = models.PositiveSmallIntegerField(default=QUICK_LANE)
    status = models.CharField(_("state"), max_length=12, choices=Status, default=Status.QUEUED)
    due_at = models.DateTimeField(_("next try"))
    # while it is sent, and as long after a call without an answer as the vendor may work on it
    lease_until = models.DateTimeField(null=True)
    sent_with = models.CharField(max_length=64, blank=True, help_text="the token's fingerprint")
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    # attempts up to this number belong to earlier rounds, before somebody pressed Retry
    attempts_before = models.PositiveIntegerField(default=0)
    handle = models.TextField(_("handle"), blank=True)
    handle_expires_at = models.DateTimeField(_("expires (estimated)"), null=True)
    last_outcome = models.CharField(_("result"), max_length=12, choices=Outcome, blank=True)
    vendor_message = models.TextField(_("what wolkvox said"), blank=True)
    created_at = models.DateTimeField(_("submitted"), default=timezone.now)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("submit_upload", "Can submit, retry and renew uploads of the own groups' connectors"),
            ("view_every_upload", "Can view the uploads of all connectors"),
            ("cancel_every_upload", "Can cancel everybody's uploads while they wait"),
            ("export_upload", "Can export the history"),
        ]
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [
            models.Index(
                fields=["operation", "lane", "id"],
                name="upload_queue",
                condition=Q(status="queued"),
            ),
            models.Index(fields=["due_at"], name="upload_due", condition=Q(status="queued")),
            models.Index(
                fields=["sent_with", "lease_until"],
                name="upload_holding",
                condition=Q(lease_until__isnull=False),
            ),
            models.Index(fields=["-created_at", "-id"], name="upload_newest"),
            models.Index(fields=["connector", "-created_at", "-id"], name="upload_by_connector"),
            models.Index(fields=["status", "-created_at", "-id"], name="upload_by_status"),
            models.Index(fields=["submitted_by", "-created_at", "-id"], name="upload_by_person"),
            models.Index(fields=["campaign", "-created_at", "-id"], name="upload_by_campaign"),
            models.Index(fields=["format", "-created_at", "-id"], name="upload_by_format"),
            models.Index(
                fields=["connector", "status", "-created_at", "-id"],
                name="upload_by_connector_status",
            ),
            models.Index(
                fields=["submitted_by", "status", "-created_at", "-id"],
                name="upload_by_person_status",
            ),
            models.Index(fields=["connector", "file_url"], name="upload_by_url"),
            # Most uploads renew nothing: by the statistics of an index with all of them SQLite
            # would rather read the whole table for each upload than look for its renewals.
            models.Index(
                fields=["renews"],
                name="upload_renewals",
                condition=Q(renews__isnull=False),
            ),
            models.Index(fields=["changed_at"], name="upload_changed"),
            models.Index(fields=["status", "handle_expires_at", "id"], name="upload_expiring"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="ready") | ~Q(handle=""), name="upload_ready_has_handle"
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(lease_until__isnull=False),
                name="upload_sending_has_lease",
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.file_name

    def get_absolute_url(self) -> str:
        return reverse("upload", args=[self.code])

    @cached_property
    def file_name(self) -> str:
        """The last part of the path, for people."""
        return plain(unquote(urlsplit(self.file_url).path.rpartition("/")[2]))

    @property
    def full_name(self) -> str:
        """The label and the file's name, for where one label stands on several files."""
        return f"{self.label} · {self.file_name}" if self.label else self.file_name

    @property
    def outcome(self) -> Outcome | None:
        return Outcome(self.last_outcome) if self.last_outcome else None

    @property
    def last_answer(self) -> tuple[int, str]:
        """HTTP status and our own words of the last call; 0 and "" where there are none."""
        if not hasattr(self, "answer_status"):
            last = self.attempts.filter(number=self.attempt_count).first()
            return (last.http_status or 0, last.reason) if last else (0, "")
        return vars(self)["answer_status"] or 0, vars(self)["answer_reason"] or ""

    @property
    def is_finished(self) -> bool:
        return self.status in {Status.READY, Status.FAILED, Status.CANCELLED}

    @property
    def may_be_retried(self) -> bool:
        return self.status in {Status.FAILED, Status.CANCELLED}

    @property
    def is_expired(self) -> bool:
        """Whether the estimated expiry has passed; wolkvox may still accept the handle."""
        return self.handle_expires_at is not None and self.handle_expires_at <= timezone.now()

    @property
    def is_live(self) -> bool:
        """As `UploadQuerySet.live`."""
        if self.status != Status.READY or self.finished_at is None:
            return False
        return (self.handle_expires_at or self.finished_at + handles.LIFETIME) > timezone.now()

    @cached_property
    def parsed_handle(self) -> handles.Handle:
        return handles.parse(self.handle)

    # What a worker does: statements, to be run under the lock of the token.

    def to_sending(self, now: datetime, *, fingerprint: str) -> tuple[Statement, Statement]:
        """QUEUED → SENDING: take it for one call, and write the attempt."""
        number = self.attempt_count + 1
        take = self._worker_moves(
            Status.QUEUED,
            Status.SENDING,
            at=now,
            after=self.attempt_count,
            attempt_count=number,
            lease_until=now + settings.DELIVERY_LEASE,
            sent_with=fingerprint,
        )
        return take, rows.insert(Attempt(upload_id=self.pk, number=number, started_at=now))

    def to_ready(self, handle: str, *, number: int, at: datetime) -> Statement:
        """SENDING → READY by attempt `number`; the handle is kept byte for byte."""
        return self._worker_moves(
            Status.SENDING,
            Status.READY,
            at=at,
            after=number,
            handle=handle,
            handle_expires_at=handles.parse(handle).expires_at,
            last_outcome=Outcome.READY,
            vendor_message="",
            lease_until=None,
            finished_at=at,
        )

    def to_waiting(
        self,
        outcome: Outcome,
        *,
        number: int,
        at: datetime,
        due_at: datetime,
        message: str = "",
        lease_until: datetime | None = None,
    ) -> Statement:
        """SENDING → QUEUED: to be tried again at `due_at`, because of `outcome`."""
        return self._worker_moves(
            Status.SENDING,
            Status.QUEUED,
            at=at,
            after=number,
            due_at=due_at,
            lane=self.lane | 1,
            last_outcome=outcome,
            vendor_message=message,
            lease_until=lease_until,
        )

    def to_failed(
        self,
        outcome: Outcome,
        *,
        number: int,
        at: datetime,
        message: str = "",
        lease_until: datetime | None = None,
    ) -> Statement:
        """SENDING → FAILED for good, until a person retries."""
        return self._worker_moves(
            Status.SENDING,
            Status.FAILED,
            at=at,
            after=number,
            last_outcome=outcome,
            vendor_message=message,
            lease_until=lease_until,
            finished_at=at,
        )

    def _worker_moves(
        self, expected: Status, to: Status, *, at: datetime, after: int, **values: Any
    ) -> Statement:
        where = {"id": self.pk, "status": expected, "attempt_count": after}
        return rows.update(Upload, where, {"status": to, "changed_at": at, **values})

    # What a person does: done at once.

    def set_cancelled(self, at: datetime) -> bool:
        """QUEUED → CANCELLED by a person, also between two tries; False if it is being sent."""
        return Upload.objects.filter(pk=self.pk).set_cancelled(at) == 1

    def set_queued_again(self, at: datetime) -> bool:
        """FAILED or CANCELLED → QUEUED: a person retries, and the count of tries starts anew.

        It waits as long as the vendor may still be working on a call that gave no answer.
        """
        same = Upload.objects.filter(pk=self.pk, attempt_count=self.attempt_count)
        return same.set_queued_again(at, lane=QUICK_LANE) == 1
