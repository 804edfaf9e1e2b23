"""What is going on, in words: an upload's state, and why nothing is sent."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from media_assets.models import Attempt, Connector, Hold, Operation, Outcome, Status, Upload
from media_assets.results import result_of

WAYS_OUT: dict[Hold, str | Promise] = {
    Hold.INACTIVE: gettext_lazy("An administrator has to enable it."),
    Hold.NO_TOKEN: gettext_lazy("It goes on when an administrator stores one."),
    Hold.MANUAL: gettext_lazy("It goes on when an administrator resumes the operation."),
    Hold.TOKEN: gettext_lazy("It goes on when an administrator has stored a valid token."),
    Hold.QUOTA: gettext_lazy("It goes on by itself when wolkvox allows calls again."),
    Hold.CERTIFICATE: gettext_lazy("An administrator has to check the operation's server."),
    Hold.LOCAL: gettext_lazy("An administrator has to restore the key; nothing is lost."),
}
LONGEST_SILENCE = timedelta(minutes=2)
PAUSES = set(Hold) - {Hold.NONE, Hold.INACTIVE, Hold.NO_TOKEN}


def hold_of(connector: Connector) -> tuple[str, str]:
    """Why nothing is sent for a connector just now, and what ends that; "" twice if it is."""
    if not connector.is_active:
        return _("The connector is disabled."), _("An administrator has to enable it.")
    operation = connector.operation
    hold = operation.hold()
    if hold == Hold.NONE:
        return _missing_worker(operation)
    if hold not in PAUSES or operation.paused_until is None:
        return f"{hold.label}.", str(WAYS_OUT[hold])
    until = {"time": time_of(operation.paused_until), "reason": hold.label}
    return _("Paused until %(time)s: %(reason)s.") % until, str(WAYS_OUT[hold])


def _missing_worker(operation: Operation) -> tuple[str, str]:
    """As `hold_of`: whether something is long due while nobody has made any call."""
    lately = timezone.now() - LONGEST_SILENCE
    if not Upload.objects.due(lately).filter(operation=operation).exists():
        return "", ""
    last_call = Attempt.objects.order_by("-pk").values_list("started_at", flat=True).first()
    if last_call is not None and last_call > lately:
        return "", ""
    return _("Nothing has been sent for some minutes."), _(
        "The worker does not seem to run: tell whoever runs this server. Nothing is lost."
    )


def notice_of(operation: Operation) -> str:
    """Why nothing is sent for an operation just now, beside its name; "" if it is."""
    hold = operation.hold()
    if hold == Hold.NO_TOKEN:
        return _("no token yet")
    return str(hold.label) if hold != Hold.NONE else ""


def standing_of(operation: Operation) -> str:
    """Whether anything can be sent for an operation, and if not, why and until when."""
    hold = operation.hold()
    if hold == Hold.NONE:
        return _("Active")
    if hold == Hold.INACTIVE:
        return pgettext("operation", "Disabled")
    if hold == Hold.NO_TOKEN:
        return _("No token")
    if hold == Hold.TOKEN:
        return _("Paused until a valid token is stored: wolkvox refused this one")
    if operation.paused_until is None:
        return _("Paused until somebody resumes it: %(reason)s") % {"reason": hold.label}
    return _("Paused until %(until)s: %(reason)s") % {
        "until": time_of(operation.paused_until),
        "reason": hold.label,
    }


def state_of(upload: Upload) -> str:
    """What is going on with one upload, in a sentence; the operation's pauses aside."""
    outcome = upload.outcome
    if upload.status == Status.SENDING:
        return _("wolkvox has been fetching the file since %(time)s; that may take a minute.") % {
            "time": time_of(upload.changed_at)
        }
    if upload.status == Status.FAILED and outcome:
        return f"{result_of(upload)}."
    if upload.status == Status.CANCELLED and outcome:
        reason = result_of(upload)
        return _("Cancelled before another try. Last time: %(reason)s.") % {"reason": reason}
    if upload.status == Status.CANCELLED:
        return _("Cancelled before it was sent.")
    if upload.status == Status.QUEUED and outcome:
        because = {"time": time_of(upload.due_at), "reason": result_of(upload)}
        if outcome in {Outcome.TOKEN, Outcome.QUOTA, Outcome.CERTIFICATE}:  # they pause
            return _("Tried again when its operation goes on. Last time: %(reason)s.") % because
        if upload.due_at <= timezone.now():
            return _("Tried again as soon as possible. Last time: %(reason)s.") % because
        return _("Tried again at %(time)s. Last time: %(reason)s.") % because
    if upload.status == Status.QUEUED:
        return _("Waits for its turn.")
    return ""


def time_of(instant: datetime) -> str:
    """The time of day, with its date unless that is today."""
    local = timezone.localtime(instant)
    is_today = local.date() == timezone.localdate()
    return date_format(local, "H:i" if is_today else "SHORT_DATETIME_FORMAT")
