"""Exports that are leaving just now, so that all processes together know how many there are."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

LEASE = timedelta(minutes=2)


class DownloadQuerySet(models.QuerySet["Download"]):
    def under_way(self) -> DownloadQuerySet:
        """Those of which something has left lately; a killed process leaves its row behind."""
        return self.filter(seen_at__gt=timezone.now() - LEASE)


class Download(models.Model):
    """One export from its first byte to its last, as long as its process says so."""

    person = models.ForeignKey(User, models.CASCADE)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = DownloadQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.person_id} {self.seen_at:%Y-%m-%d %H:%M:%S}"

    def keep(self) -> None:
        """Say that it is still under way."""
        Download.objects.filter(pk=self.pk).update(seen_at=timezone.now())

    def end(self) -> None:
        Download.objects.filter(pk=self.pk).delete()
