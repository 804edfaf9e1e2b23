"""The web's half of the queue: look at what was pasted, submit, retry, renew, cancel."""

from media_assets.submission.lines import URL_NAMES, Checked, Line, TooManyLines, check, read_lines
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
    "URL_NAMES",
    "Checked",
    "Line",
    "NothingToSend",
    "TooManyLines",
    "batch_key",
    "cancel",
    "cancel_waiting",
    "check",
    "copied",
    "read_lines",
    "renew",
    "retry",
    "submit",
    "wake_workers",
    "why_left_out",
]
