"""The web's half of the queue: look at what was pasted, then submit, retry and renew."""

from media_assets.submission.lines import Checked, Line, TooManyLines, check, read_lines
from media_assets.submission.queueing import (
    NothingToSend,
    batch_key,
    copied,
    renew,
    retry,
    submit,
)

__all__ = [
    "Checked",
    "Line",
    "NothingToSend",
    "TooManyLines",
    "batch_key",
    "check",
    "copied",
    "read_lines",
    "renew",
    "retry",
    "submit",
]
