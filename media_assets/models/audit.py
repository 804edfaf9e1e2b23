"""The audit list: it only grows, and it reads without the objects it speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.utils.translation import gettext_lazy as _

from media_assets.models import rows


class AppendOnly(TypeError):
    """Somebody tried to change or remove an audit event."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("audit events are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnly("audit events are never removed")

    def about(self, target: models.Model) -> AuditEventQuerySet:
        """Events of one object, oldest first."""
        return self.filter(
            object_type=target._meta.model_name, object_code=_code_of(target)
        ).order_by("id")

    def record(
        self,
        action: str,
        *,
        by: User | AnonymousUser | None,
        on: models.Model | None = None,
        address: str | None = None,
        **data: Any,
    ) -> AuditEvent:
        """Append one event and return it.

        `action` is dotted and in the past tense (`upload.submitted`); `by` is None for the
        worker; `data` takes JSON values and never a token or a whole handle.
        """
        event = _event(action, by=by, on=on, address=address, data=data)
        event.save(force_insert=True)
        return event

    def statement(self, action: str, *, by: None, on: models.Model, **data: Any) -> rows.Statement:
        """What appends the event of `record`, when it is run."""
        return rows.insert(_event(action, by=by, on=on, address=None, data=data))

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
        self.bulk_create(
            _event(action, by=by, on=target, address=address, data=data) for target in on
        )


class AuditEvent(models.Model):
    """One thing that somebody, or the worker, has done."""

    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    actor_id = models.CharField(max_length=20, blank=True)
    actor_name = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_code = models.CharField(max_length=40, blank=True)
    object_label = models.CharField(_("about"), max_length=200, blank=True)
    data = models.JSONField(_("data"), default=dict)
    address = models.GenericIPAddressField(_("address"), null=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["object_type", "object_code", "id"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnly("audit events are never changed")
        super().save(*args, **kwargs)

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


TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON media_assets_auditevent
           BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END""",
        """CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON media_assets_auditevent
           BEGIN SELECT RAISE(ABORT, 'audit events are never removed'); END""",
        """CREATE TRIGGER IF NOT EXISTS audit_no_replace BEFORE INSERT ON media_assets_auditevent
           WHEN EXISTS (SELECT 1 FROM media_assets_auditevent WHERE id = NEW.id)
           BEGIN SELECT RAISE(ABORT, 'audit events are never replaced'); END""",
    ],
    "postgresql": [
        """CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'audit events are never changed or removed'; END $$""",
        """CREATE OR REPLACE TRIGGER audit_no_change BEFORE UPDATE OR DELETE
           ON media_assets_auditevent FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
        """CREATE OR REPLACE TRIGGER audit_no_truncate BEFORE TRUNCATE
           ON media_assets_auditevent FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
    ],
}
