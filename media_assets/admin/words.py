"""An operation's state in words, for lists and pages."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from media_assets.models import Operation, PauseReason


def mark(kind: str, text: str) -> SafeString:
    """A coloured mark; `kind` is good, warning or off."""
    return format_html('<span class="mark mark-{}">{}</span>', kind, text)


def moment(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT")


def state(operation: Operation) -> SafeString:
    """Whether anything can be sent, and if not, why and until when."""
    if not operation.is_active:
        return mark("off", gettext("Disabled"))
    if operation.paused_now:
        return mark("warning", _pause(operation))
    if not operation.has_token:
        return mark("warning", gettext("No token"))
    return mark("good", gettext("Active"))


def token(operation: Operation) -> str | SafeString:
    """By which mark people recognise the stored token; the token itself is never shown."""
    if not operation.has_token:
        return "—"
    return format_html('<code class="token-mark">{}</code>', operation.token_mark)


def token_and_age(operation: Operation) -> str | SafeString:
    if operation.token_set_at is None:
        return gettext("None yet")
    return format_html(
        gettext("{mark}, since {since}"),
        mark=token(operation),
        since=moment(operation.token_set_at),
    )


def _pause(operation: Operation) -> str:
    reason = PauseReason(operation.paused_reason).label
    if operation.paused_until is None:
        return gettext("Paused until somebody resumes it: %(reason)s") % {"reason": reason}
    return gettext("Paused until %(until)s: %(reason)s") % {
        "until": moment(operation.paused_until),
        "reason": reason,
    }
