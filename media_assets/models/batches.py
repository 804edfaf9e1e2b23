"""Batches: what one person submitted at once."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from media_assets.models.operations import Connector


class Batch(models.Model):
    """What one person submitted at once."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    form_key = models.UUIDField(editable=False)
    submitted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("submitted by"), db_index=False
    )
    connector = models.ForeignKey(Connector, models.PROTECT, verbose_name=_("connector"))
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    left_out = models.JSONField(
        default=list, help_text="lines not sent: {line, text, label, problem}"
    )
    created_at = models.DateTimeField(_("submitted"), auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        indexes = [
            models.Index(fields=["submitted_by", "connector"], name="batch_by_person"),
            models.Index(fields=["submitted_by", "-id"], name="batch_latest_of_person"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["submitted_by", "form_key"], name="batch_once_per_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connector} · {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.code])
