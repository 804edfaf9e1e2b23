"""How calls ended, in words: what happened, and what a person may do about it."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from media_assets.models import Attempt, Outcome, Status, Upload

HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body)", re.IGNORECASE)

# What the vendor's package notes about a call, for people.
REASONS: dict[str, str | Promise] = {
    "no handle": gettext_lazy("The answer says success, but brings no handle that can be used."),
    "no JSON object": gettext_lazy("The answer is not in wolkvox's format."),
    "more than 256 KiB": gettext_lazy("The answer was too large and was not read."),
    "deadline": gettext_lazy("The call took too long and was given up."),
    "not 1 to 512 visible ASCII characters": gettext_lazy(
        "The stored token holds characters that no token has."
    ),
    "ConnectionRefusedError": gettext_lazy("The server refused the connection."),
    "ConnectionResetError": gettext_lazy("The connection broke."),
    "RemoteDisconnected": gettext_lazy("The server ended the connection without an answer."),
    "IncompleteRead": gettext_lazy("The answer broke off."),
    "HTTPException": gettext_lazy("The beginning of the answer could not be read."),
    "LineTooLong": gettext_lazy("The beginning of the answer could not be read."),
    "BadStatusLine": gettext_lazy("The beginning of the answer could not be read."),
    "BrokenPipeError": gettext_lazy("The connection broke."),
    "TimeoutError": gettext_lazy("There was no answer in time."),
    "gaierror": gettext_lazy("The server's name could not be found."),
    "SSLCertVerificationError": gettext_lazy("The server's certificate is not valid."),
    "SSLError": gettext_lazy("A secure connection could not be made."),
    "SSLEOFError": gettext_lazy("A secure connection could not be made."),
    "ConnectionAbortedError": gettext_lazy("The connection broke."),
    "OSError": gettext_lazy("The server could not be reached."),  # no way to it, as by a firewall
}

# What to do while it waits for its next try, and when it has failed for good.
WHILE_WAITING: dict[Outcome, str | Promise] = {
    Outcome.NOT_SENT: gettext_lazy(
        "Check the operation's server number, and whether this application's address is among "
        "the allowed IPs in wolkvox Manager."
    ),
    Outcome.CERTIFICATE: gettext_lazy(
        "An administrator has to check the operation's server before anything else is sent."
    ),
    Outcome.BUSY: gettext_lazy("It is tried again by itself; there is nothing to do."),
    Outcome.SIMULTANEOUS: gettext_lazy(
        "Something else uses the same token right now. It is tried again by itself."
    ),
    Outcome.QUOTA: gettext_lazy(
        "It goes on by itself when wolkvox allows calls again; one try an hour."
    ),
    Outcome.TOKEN: gettext_lazy(
        "An administrator has to store a valid token; then it goes on by itself."
    ),
    Outcome.UNCLEAR: gettext_lazy("A repeat is harmless: it only makes another handle."),
    Outcome.INTERRUPTED: gettext_lazy(
        "The worker was stopped during the call. It is tried again by itself."
    ),
}
WHEN_FAILED: dict[Outcome, str | Promise] = {
    Outcome.NOT_SENT: WHILE_WAITING[Outcome.NOT_SENT],
    Outcome.CERTIFICATE: WHILE_WAITING[Outcome.CERTIFICATE],
    Outcome.BUSY: gettext_lazy("It was tried for hours without success."),
    Outcome.SIMULTANEOUS: gettext_lazy(
        "It was tried again and again without success, because something else uses the same token."
    ),
    Outcome.UNCLEAR: gettext_lazy(
        "Open the file's address in a browser to see that everybody can read it. A repeat is "
        "harmless: it only makes another handle."
    ),
    Outcome.REFUSED: gettext_lazy(
        "Read what wolkvox says, check the connector, and that the file is public in wolkvox "
        "Storage."
    ),
    Outcome.INTERRUPTED: gettext_lazy("The worker was stopped during the call."),
}
RETRY: dict[Outcome, str | Promise] = {
    Outcome.BUSY: gettext_lazy("Retry when wolkvox answers again."),
    Outcome.SIMULTANEOUS: gettext_lazy("Retry when the token is free."),
    Outcome.INTERRUPTED: gettext_lazy("Retry when the worker runs again."),
}


def result_of(upload: Upload) -> str:
    """How the last call for an upload ended; "" if there was none."""
    if upload.outcome is None:
        return ""
    status, reason = _answer_of(upload, upload.outcome)
    return _result(upload.outcome, status=status, reason=reason, message=upload.vendor_message)


def result_of_attempt(attempt: Attempt) -> str:
    outcome = Outcome(attempt.outcome)
    status = attempt.http_status or 0
    return _result(outcome, status=status, reason=attempt.reason, message=attempt.message)


def said_of(upload: Upload) -> str:
    """What wolkvox said, as far as it is made for people: "" for a page of markup."""
    return "" if is_page(upload.vendor_message) else upload.vendor_message


def advice_of(upload: Upload, *, may_retry: bool) -> str:
    """What to do after the last call; of retrying only to who has the button for it."""
    outcome = upload.outcome
    if outcome is None or upload.status not in {Status.QUEUED, Status.FAILED}:
        return ""
    if upload.status == Status.QUEUED:
        return str(WHILE_WAITING.get(outcome, ""))
    advice = str(WHEN_FAILED.get(outcome, ""))
    status, _reason = _answer_of(upload, outcome)
    if _is_redirect(outcome, status):
        advice = _("Check the operation's server number: wolkvox's own servers do not redirect.")
    if not may_retry:
        return advice
    return f"{advice} {RETRY.get(outcome, _('Then retry.'))}".strip()


def reason_in_words(reason: str) -> str:
    """Our technical words for how a call ended, for people; others as they are."""
    return str(REASONS.get(reason, reason))


def is_page(message: str) -> bool:
    return bool(HTML.match(message))


def _answer_of(upload: Upload, outcome: Outcome) -> tuple[int, str]:
    if outcome in {Outcome.REFUSED, Outcome.UNCLEAR} or is_page(upload.vendor_message):
        return upload.last_answer
    return 0, ""


def _result(outcome: Outcome, *, status: int, reason: str, message: str) -> str:
    label = str(outcome.label)
    if _is_redirect(outcome, status):
        return _("The server answered with a redirect (HTTP %(status)s)") % {"status": status}
    if outcome == Outcome.UNCLEAR and reason == "no handle":
        return _("wolkvox answered success, but without a handle")
    if is_page(message):
        return _("%(result)s: an HTML page instead of an answer (HTTP %(status)s)") % {
            "result": label,
            "status": status or "?",
        }
    return label


def _is_redirect(outcome: Outcome, status: int) -> bool:
    return outcome == Outcome.REFUSED and 300 <= status < 400
