"""The words for an upload: its format, its state, and how a call ended."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Format(models.TextChoices):
    """What a template's header calls the file."""

    IMAGE = "IMAGE", _("Image")
    VIDEO = "VIDEO", _("Video")
    DOCUMENT = "DOCUMENT", _("Document")


class Status(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    SENDING = "sending", _("Sending")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Outcome(models.TextChoices):
    """How one call ended. The classes of failure are those of `wolkvox.errors`."""

    RUNNING = "running", _("In progress")
    READY = "ready", _("Handle received")
    NOT_SENT = "not_sent", _("wolkvox could not be reached")
    CERTIFICATE = "certificate", _("The server's certificate was refused")
    BUSY = "busy", _("wolkvox is busy or in maintenance")
    SIMULTANEOUS = "simultaneous", _("Too many calls at once with this token")
    QUOTA = "quota", _("The daily limit of the token is used up")
    TOKEN = "token", _("wolkvox refused the token")
    UNCLEAR = "unclear", _("No clear answer")
    REFUSED = "refused", _("wolkvox refused the file")
    INTERRUPTED = "interrupted", _("Interrupted")
