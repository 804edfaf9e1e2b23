"""A purge of the history that is under way, or was cut off."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone


class Purge(models.Model):
    """What a run has removed so far. It ends with one audit event in this row's place."""

    by = models.ForeignKey(User, models.SET_NULL, null=True, db_index=False)
    account = models.CharField(max_length=80, help_text="of the operating system")
    before = models.DateTimeField()
    started_at = models.DateTimeField(default=timezone.now)
    uploads = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    batches = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.uploads}"
