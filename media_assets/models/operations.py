"""Operations (tenants with a token) and their connectors (WhatsApp lines)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from media_assets import crypto
from media_assets.wolkvox import servers


class PauseReason(models.TextChoices):
    """Why nothing is sent for an operation at the moment."""

    NONE = "", _("Not paused")
    MANUAL = "manual", _("Paused by a person")
    TOKEN = "token", _("wolkvox refused the token")
    QUOTA = "quota", _("The daily limit of the token is used up")
    CERTIFICATE = "certificate", _("The server's certificate was refused")
    LOCAL = "local", _("The key that opens the token is missing")


class Hold(models.TextChoices):
    """Why nothing is sent for an operation just now, the pauses among it."""

    NONE = "", _("Sending")
    INACTIVE = "inactive", _("The operation is disabled")
    NO_TOKEN = "no_token", _("The operation has no token yet")
    MANUAL = PauseReason.MANUAL.value, PauseReason.MANUAL.label
    TOKEN = PauseReason.TOKEN.value, PauseReason.TOKEN.label
    QUOTA = PauseReason.QUOTA.value, PauseReason.QUOTA.label
    CERTIFICATE = PauseReason.CERTIFICATE.value, PauseReason.CERTIFICATE.label
    LOCAL = PauseReason.LOCAL.value, PauseReason.LOCAL.label


_PAUSES_FOR_A_TOKEN = {PauseReason.TOKEN, PauseReason.QUOTA, PauseReason.LOCAL}


class OperationQuerySet(models.QuerySet["Operation"]):
    def sharing(self, fingerprint: str) -> OperationQuerySet:
        """Operations that hold the same token and so share the vendor's limit."""
        return self.filter(token_fingerprint=fingerprint)

    def pause(self, reason: PauseReason, *, until: datetime | None) -> int:
        """Pause until an instant, or until somebody acts (None). A person's pause stays."""
        return self.exclude(paused_reason=PauseReason.MANUAL).update(
            paused_reason=reason, paused_until=until
        )

    def resume(self, *reasons: PauseReason) -> int:
        """End the pauses of these reasons, or every pause when none is named."""
        paused = self.exclude(paused_reason=PauseReason.NONE)
        if reasons:
            paused = paused.filter(paused_reason__in=reasons)
        return paused.update(paused_reason=PauseReason.NONE, paused_until=None)


class Operation(models.Model):
    """A customer's tenant at wolkvox: one server, one token, several connectors."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    server = models.CharField(
        _("server"),
        max_length=4,
        validators=[RegexValidator(r"\A[0-9]{4}\Z")],
        help_text=_("The four digits in wv0042.wolkvox.com. The whole address may be pasted too."),
    )
    sealed_token = models.TextField(blank=True, editable=False)
    token_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    token_set_at = models.DateTimeField(_("token set"), null=True, editable=False)
    max_in_flight = models.PositiveSmallIntegerField(
        _("calls at once"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(2)],
        help_text=_("wolkvox refuses a third call with the same token. One is what it advises."),
    )
    is_active = models.BooleanField(pgettext_lazy("operation", "active"), default=True)
    paused_reason = models.CharField(
        _("paused because"), max_length=12, choices=PauseReason, blank=True, editable=False
    )
    paused_until = models.DateTimeField(_("paused until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        indexes = [models.Index(fields=["token_fingerprint"], name="operation_fingerprint")]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_in_flight__gte=1, max_in_flight__lte=2),
                name="operation_max_in_flight",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def base_url(self) -> str:
        """The address of this operation's API, ending in a slash.

        ValueError if the server in the row, or the one in the settings, is not acceptable.
        """
        return servers.base_url(settings.WOLKVOX_BASE_URL, server=self.server)

    @property
    def has_token(self) -> bool:
        return bool(self.sealed_token)

    @property
    def token_mark(self) -> str:
        """Eight hex digits by which people recognise a token; says nothing about it."""
        return self.token_fingerprint[:8]

    @property
    def paused_now(self) -> bool:
        return self.is_paused(timezone.now())

    def is_paused(self, now: datetime) -> bool:
        """Whether nothing is sent at `now`; a pause that has run out is none."""
        if not self.paused_reason:
            return False
        return self.paused_until is None or self.paused_until > now

    def hold(self, now: datetime | None = None) -> Hold:
        """Why nothing is sent at `now`, the weightiest reason first; `Hold.NONE` if it is."""
        if not self.is_active:
            return Hold.INACTIVE
        if not self.has_token:
            return Hold.NO_TOKEN
        return Hold(self.paused_reason) if self.is_paused(now or timezone.now()) else Hold.NONE

    def reveal_token(self) -> str:
        """The token in the clear; only the worker and the connection test may call this.

        Raises `crypto.Unopenable` or `crypto.KeyringError`.
        """
        return crypto.reveal(self.sealed_token, operation=self.code, origin=self._origin())

    def token_opens(self) -> bool:
        """Whether the stored token could be revealed here and now. Raises `KeyringError`."""
        try:
            return crypto.opens(self.sealed_token, operation=self.code, origin=self._origin())
        except crypto.NoAddress:
            return False

    def set_token(self, token: str) -> None:
        """Seal and store a token with the rest of the row, and end the pauses that waited for one.

        Who changes an existing operation locks its row first, against a worker that pauses it.

        Other operations whose token is the same are given the same fingerprint, also where
        theirs was made under an older key.
        """
        fingerprints = crypto.fingerprints(token)
        self.sealed_token = crypto.seal(token, operation=self.code, origin=self._origin())
        self.token_fingerprint = fingerprints[0]
        self.token_set_at = timezone.now()
        if self.paused_reason in _PAUSES_FOR_A_TOKEN:
            self.paused_reason, self.paused_until = PauseReason.NONE, None
        with transaction.atomic():
            self.save()
            Operation.objects.filter(token_fingerprint__in=fingerprints[1:]).update(
                token_fingerprint=fingerprints[0]
            )

    def clear_token(self) -> None:
        """Forget the token, as when the server changes."""
        self.sealed_token = self.token_fingerprint = ""
        self.token_set_at = None
        self.save()

    def _origin(self) -> str:
        try:
            return servers.origin(self.base_url)
        except ValueError as error:
            raise crypto.NoAddress(str(error)) from None


class ConnectorQuerySet(models.QuerySet["Connector"]):
    def active(self) -> ConnectorQuerySet:
        return self.filter(is_active=True, operation__is_active=True)


class Connector(models.Model):
    """A WhatsApp line of an operation, and the groups that may use it."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    operation = models.ForeignKey(
        Operation, models.CASCADE, related_name="connectors", verbose_name=_("operation")
    )
    name = models.CharField(_("name"), max_length=120)
    connector_id = models.CharField(
        _("connector id"),
        max_length=40,
        validators=[RegexValidator(r"\A[0-9A-Za-z_-]+\Z", _("Use digits, letters, - and _ only."))],
        help_text=_("The connector's number in wolkvox, such as 1266."),
    )
    is_active = models.BooleanField(pgettext_lazy("connector", "active"), default=True)
    groups = models.ManyToManyField(
        Group,
        blank=True,
        related_name="connectors",
        verbose_name=_("groups"),
        help_text=_("Marketing people use a connector only through one of its groups."),
    )

    objects = ConnectorQuerySet.as_manager()

    class Meta:
        ordering = ["operation__name", "name"]
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "connector_id"], name="connector_once_per_operation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.connector_id})"
