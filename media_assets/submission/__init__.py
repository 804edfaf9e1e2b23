"""The web's half of the queue: look at what was pasted, submit, retry, renew, cancel;
one upload or many."""

from media_assets.submission.bulk import (
    COPIED_MOST,
    TooMany,
    cancel_each,
    copied_each,
    renew_each,
    retry_each,
    set_campaign_of_each,
)
from media_assets.submission.fitting import Action, Outlook, fit_for, is_open_to, outlook
from media_assets.submission.lines import (
    URL_NAMES,
    Checked,
    Line,
    TooManyLines,
    check,
    read_lines,
    require_readable,
)
from media_assets.submission.queueing import (
    NothingToSend,
    batch_key,
    cancel,
    cancel_waiting,
    copied,
    renew,
    retry,
    submit,
    wake_workers,
)
from media_assets.submission.sentences import why_left_out

__all__ = [
    "COPIED_MOST",
    "URL_NAMES",
    "Action",
    "Checked",
    "Line",
    "NothingToSend",
    "Outlook",
    "TooMany",
    "TooManyLines",
    "batch_key",
    "cancel",
    "cancel_each",
    "cancel_waiting",
    "check",
    "copied",
    "copied_each",
    "fit_for",
    "is_open_to",
    "outlook",
    "read_lines",
    "renew",
    "renew_each",
    "require_readable",
    "retry",
    "retry_each",
    "set_campaign_of_each",
    "submit",
    "wake_workers",
    "why_left_out",
]
