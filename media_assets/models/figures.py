"""A summary of the uploads, from which figures are drawn; the uploads alone decide what is true."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from media_assets.models.clock import now_in_database
from media_assets.models.operations import Connector
from media_assets.models.states import Format, Outcome, Status


class DayFigures(models.Model):
    """How many uploads of one kind were submitted on one day, and how long they took.

    `day` is in the installation's time zone; `outcome` is the reason of failures and "" for the
    rest; `times` is a `figures.times` histogram of the ready ones.
    """

    day = models.DateField()
    connector = models.ForeignKey(Connector, models.CASCADE, related_name="+", db_index=False)
    submitted_by = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    campaign = models.CharField(max_length=120, blank=True)
    format = models.CharField(max_length=8, choices=Format)
    status = models.CharField(max_length=12, choices=Status)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    uploads = models.PositiveIntegerField()
    times = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "day",
                    "connector",
                    "submitted_by",
                    "campaign",
                    "format",
                    "status",
                    "outcome",
                ],
                name="figures_one_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.status}: {self.uploads}"


class FiguresState(models.Model):
    """How far the summary goes: one row.

    Days from `counted_from` on are counted, and whatever changed before `seen_until` is in them.
    `version` tells two who count at once apart: who comes second walks away.
    """

    version = models.PositiveBigIntegerField(default=0)
    zone = models.CharField(max_length=64)
    counted_from = models.DateField()
    seen_until = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"counted from {self.counted_from}, seen until {self.seen_until}"

    @classmethod
    def current(cls) -> FiguresState:
        """The row; made when there is none, as if no day had been counted yet."""
        state, _is_new = cls.objects.get_or_create(pk=1, defaults=cls.beginning())
        return state

    @staticmethod
    def beginning() -> dict[str, Any]:
        """Nothing counted: today, tomorrow's first upload and all days before are still to come."""
        now = now_in_database()
        tomorrow = timezone.localdate(now, timezone.get_default_timezone()) + timedelta(days=1)
        return {"zone": settings.TIME_ZONE, "counted_from": tomorrow, "seen_until": now}

    @property
    def is_complete(self) -> bool:
        return self.counted_from == date.min

    def move(self, **values: Any) -> bool:
        """One conditional UPDATE; False if somebody else has counted in the meantime."""
        found = FiguresState.objects.filter(pk=self.pk, version=self.version)
        if not found.update(version=self.version + 1, **values):
            return False
        self.version += 1
        for name, value in values.items():
            setattr(self, name, value)
        return True
