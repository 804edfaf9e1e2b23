"""Attempts: each call for an upload, also those that were interrupted."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from media_assets.models.states import Outcome


class Attempt(models.Model):
    """One call for one upload, written before it is made."""

    upload = models.ForeignKey("media_assets.Upload", models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    outcome = models.CharField(_("result"), max_length=12, choices=Outcome, default=Outcome.RUNNING)
    http_status = models.PositiveSmallIntegerField("HTTP", null=True)
    vendor_code = models.CharField(_("code"), max_length=40, blank=True)
    message = models.TextField(_("what wolkvox said"), blank=True)
    reason = models.CharField(max_length=80, blank=True, help_text="our own words, for experts")
    # kept here too when the upload was taken over by a later attempt in the meantime
    late_handle = models.TextField(blank=True)

    class Meta:
        ordering = ["upload", "number"]
        default_permissions = ("view",)
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(fields=["upload", "number"], name="attempt_once_per_number"),
        ]
        indexes = [models.Index(fields=["started_at"], name="attempt_started")]

    def __str__(self) -> str:
        return f"{self.upload} · {self.number}"

    @property
    def seconds(self) -> float | None:
        """How long the call took, in seconds."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None
