"""Where people are signed in, and the links by which they come in for the first time."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

LATELY = timedelta(minutes=1)  # how exactly it is known when somebody was last seen


def digest_of_key(session_key: str) -> str:
    """What is kept here of a session's key: who reads this table cannot take the session over."""
    return salted_hmac("media_assets.session", session_key, algorithm="sha256").hexdigest()


class PersonSessionQuerySet(models.QuerySet["PersonSession"]):
    def live(self) -> PersonSessionQuerySet:
        """Those that have reached neither limit."""
        now = timezone.now()
        return self.filter(
            seen_at__gt=now - settings.SESSION_IDLE, started_at__gt=now - settings.SESSION_ABSOLUTE
        )

    def over(self) -> PersonSessionQuerySet:
        return self.exclude(pk__in=self.live().values("pk"))

    def of(self, person: User) -> PersonSessionQuerySet:
        return self.filter(person=person)

    def begin(
        self, person: User, *, session_key: str, address: str | None = None, agent: str = ""
    ) -> PersonSession:
        """Note that somebody has just signed in with this key."""
        now = timezone.now()
        known = {"person": person, "started_at": now, "seen_at": now}
        row, _is_new = self.update_or_create(
            key_digest=digest_of_key(session_key),
            defaults={**known, "address": address, "agent": agent[:300]},
        )
        return row

    def by_key(self, session_key: str) -> PersonSession | None:
        return self.filter(key_digest=digest_of_key(session_key)).first()


class PersonSession(models.Model):
    """One browser in which a person is signed in. Without this row the session is none."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions")
    key_digest = models.CharField(max_length=64, unique=True)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)

    objects = PersonSessionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return str(self.code)

    def end_of(self, now: datetime) -> str:
        """Which limit it has reached: "idle", "absolute", or ""."""
        if self.started_at <= now - settings.SESSION_ABSOLUTE:
            return "absolute"
        return "idle" if self.seen_at <= now - settings.SESSION_IDLE else ""

    def set_seen(self, now: datetime, *, address: str | None) -> None:
        """Note that the person is there: once a minute, or oftener if idling is short."""
        if self.seen_at <= now - min(LATELY, settings.SESSION_IDLE / 10):
            PersonSession.objects.filter(pk=self.pk, seen_at__lt=now).update(
                seen_at=now, address=address
            )


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())

    def by_token(self, token: str) -> Invitation | None:
        digest = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        return self.select_related("person").filter(token_digest=digest).first()

    def make(self, person: User, *, by: User | None) -> tuple[Invitation, str]:
        """A new link for a person, and the secret part of its address, which is not kept.

        Links made earlier for the same person end.
        """
        self.filter(person=person).open().revoke()
        token = secrets.token_urlsafe(32)
        invitation = self.create(
            person=person,
            made_by=by,
            token_digest=sha256(token.encode()).hexdigest(),
            expires_at=timezone.now() + settings.INVITATION_LIFE,
        )
        return invitation, token

    def revoke(self) -> int:
        return self.open().update(revoked_at=timezone.now())


class Invitation(models.Model):
    """A link by which a person chooses a password or a passkey: to begin with, or anew."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="invitations")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    token_digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.person} {self.made_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return not (self.used_at or self.revoked_at) and self.expires_at > timezone.now()

    def set_used(self) -> bool:
        """Take it, if nobody else has: of two who come at once one gets False."""
        now = timezone.now()
        taken = Invitation.objects.open().filter(pk=self.pk).update(used_at=now)
        if taken:
            self.used_at = now
        return bool(taken)
