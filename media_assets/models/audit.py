"""The audit list: it only grows, and it reads without the objects it speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from media_assets.models import rows
from media_assets.models.chain import Chain, lane_of


class AppendOnly(TypeError):
    """Somebody tried to change or remove an audit event, or to add one past its chain."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnly("audit events are never removed")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events are appended by record and record_each")

    def about(self, target: models.Model) -> AuditEventQuerySet:
        """Events of one object, oldest first."""
        return self.filter(
            object_type=target._meta.model_name, object_code=_code_of(target)
        ).order_by("id")

    def newest_first(self) -> AuditEventQuerySet:
        return self.order_by("-created_at", "-id")

    def values_of(self, name: str) -> list[str]:
        """The different values of an indexed column, in order."""
        return rows.values_of(self.model, name)

    def record(
        self,
        action: str,
        *,
        by: User | AnonymousUser | None,
        on: models.Model | None = None,
        address: str | None = None,
        chain: Chain | None = None,
        **data: Any,
    ) -> AuditEvent:
        """Append one event and return it.

        `action` is dotted and in the past tense (`upload.submitted`); `by` is None for the
        worker; `data` takes JSON values and never a token or a whole handle. Record after all
        rows that the transaction changes: until it ends, the person's next event waits for it.
        `chain` is for a transaction that records several times and has locked its lanes before.
        """
        event = _event(action, by=by, on=on, address=address, data=data)
        with transaction.atomic(savepoint=False):
            head = (chain or Chain()).place([event], lane=lane_of(by, on))
            _inserted, moved = rows.run(rows.insert(event), head)
            _require_moved(moved)
        return event

    def statements(
        self, action: str, *, chain: Chain, by: None, on: models.Model, **data: Any
    ) -> list[rows.Statement]:
        """What appends the event of `record`, when it is run; the lane is locked by now."""
        event = _event(action, by=by, on=on, address=None, data=data)
        head = chain.place([event], lane=lane_of(by, on))
        return [rows.insert(event), head]

    def record_each(
        self,
        action: str,
        *,
        by: User | AnonymousUser | None,
        on: Iterable[models.Model],
        address: str | None = None,
        **data: Any,
    ) -> None:
        """Append the same event about each of many objects, as `record` does for one."""
        lanes: dict[str, list[AuditEvent]] = {}
        for target in on:
            event = _event(action, by=by, on=target, address=address, data=data)
            lanes.setdefault(lane_of(by, target), []).append(event)
        with transaction.atomic(savepoint=False):
            chain = Chain()
            for lane, events in sorted(lanes.items()):
                head = chain.place(events, lane=lane)
                super().bulk_create(events)
                _require_moved(head.run())


def _require_moved(head: rows.Answer) -> None:
    """Roll back where another event was placed in the lane before and is not written yet."""
    if head.count != 1:
        raise RuntimeError("an audit event was recorded out of its lane's order")


class AuditEvent(models.Model):
    """One thing that somebody, or the worker, has done."""

    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)
    actor_id = models.CharField(max_length=20, blank=True)
    actor_name = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_code = models.CharField(max_length=40, blank=True)
    object_label = models.CharField(_("about"), max_length=200, blank=True)
    data = models.JSONField(_("data"), default=dict)
    address = models.GenericIPAddressField(_("address"), null=True)
    # the place in the chain, see `models/chain.py`
    lane = models.CharField(max_length=40, editable=False)
    number = models.PositiveBigIntegerField(editable=False)
    digest = models.CharField(max_length=64, editable=False)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["object_type", "object_code", "id"], name="audit_by_object"),
            models.Index(fields=["-created_at", "-id"], name="audit_newest"),
            models.Index(fields=["actor_name", "-created_at", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-created_at", "-id"], name="audit_by_action"),
            models.Index(
                fields=["actor_name", "action", "-created_at", "-id"], name="audit_by_actor_action"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["lane", "number"], name="audit_once_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}".strip()

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        if self.pk is not None:
            raise AppendOnly("audit events are never changed")
        raise AppendOnly("audit events are appended by record and record_each")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events are never removed")


def _event(
    action: str,
    *,
    by: User | AnonymousUser | None,
    on: models.Model | None,
    address: str | None,
    data: dict[str, Any],
) -> AuditEvent:
    return AuditEvent(
        action=action,
        actor_id=str(by.pk) if by and by.pk else "",
        actor_name=by.get_username() if by else "worker",
        object_type=(on._meta.model_name or "") if on else "",
        object_code=_code_of(on) if on else "",
        object_label=str(on)[:200] if on else "",
        data=data,
        address=address,
    )


def _code_of(target: models.Model) -> str:
    return str(getattr(target, "code", target.pk))
