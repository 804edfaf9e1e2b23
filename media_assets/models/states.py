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

    @property
    def advice(self) -> str:
        """What a person may do about it, in a sentence."""
        return str(_ADVICE.get(self, ""))


_ADVICE = {
    Outcome.NOT_SENT: _(
        "Check the operation's server number, and whether this application's address is among "
        "the allowed IPs in wolkvox Manager."
    ),
    Outcome.CERTIFICATE: _(
        "An administrator has to check the operation's server before anything else is sent."
    ),
    Outcome.BUSY: _("It is tried again by itself; there is nothing to do."),
    Outcome.SIMULTANEOUS: _(
        "Something else uses the same token right now. It is tried again by itself."
    ),
    Outcome.QUOTA: _("It goes on by itself when wolkvox allows calls again; one try an hour."),
    Outcome.TOKEN: _("An administrator has to store a valid token; then it goes on by itself."),
    Outcome.UNCLEAR: _(
        "A repeat is harmless: it only makes another handle. Open the file's address in a "
        "browser to see that everybody can read it, then retry."
    ),
    Outcome.REFUSED: _(
        "Read what wolkvox says, check the connector, and that the file is public in wolkvox "
        "Storage; then retry."
    ),
    Outcome.INTERRUPTED: _("The worker was stopped during the call. Retry when it runs again."),
}
