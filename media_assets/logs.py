"""The lines of the log: for programs as JSON, for people readable, and neither can be forged.

Whoever writes into a log what a visitor or the vendor has sent need not think of it: line breaks
and terminal sequences are escaped here, queries of addresses, long hex runs and handles cut.
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from media_assets import tracing
from media_assets.reports import without_secrets

MOST = 8_000  # characters of a message
MOST_TRACEBACK = 30_000

_HANDLE = re.compile(
    r"\b([0-9]{1,3}(?:::|%3A%3A)[A-Za-z0-9+/=%_-]{4})[A-Za-z0-9+/=%:._-]{8,}", re.IGNORECASE
)
_LINK = re.compile(r"(?<=/account/invitation/)[^\s/\"']+")
_LONG_HEX = re.compile(r"[0-9a-f]{40,}", re.I)
_QUERY = re.compile(r"(?<=[^\s?])\?\S+")
# What moves a cursor, breaks a line, or turns the direction of reading.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def cleaned(text: str) -> str:
    """`text` without what does not belong into a log: queries, tokens, links, whole handles."""
    text = _QUERY.sub("?…", text)
    text = _LINK.sub("[secure]", text)
    text = _LONG_HEX.sub("[secure]", text)
    return _HANDLE.sub(r"\1…", text)


def on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, logger, message, what it is about, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_facts(record),
        }
        if trouble := _trouble(self, record):
            line["traceback"] = trouble
        return json.dumps(line)  # ASCII: nothing in it can break the line


class ReadableLines(logging.Formatter):
    """Date, level, logger, message, and what it is about; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={value}" for name, value in _facts(record).items())
        head = f"{self.formatTime(record)} {record.levelname} {record.name} {_message(record)}"
        lines = _trouble(self, record).split("\n")
        return "\n    ".join(on_one_line(line) for line in (head + about, *lines) if line)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):  # the arguments do not fit: still better said so
        text = f"{record.msg} {record.args}"
    return _safe(text[:MOST], record)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    """The trace of this thread or of the request, and `extra={"facts": …}`.

    What Django says about an answer it says after the middleware, with the request as an extra.
    """
    added: Mapping[str, object] = getattr(record, "facts", {})
    traced = tracing.current() or tracing.of_request(getattr(record, "request", None))
    return {
        name: value if isinstance(value, int | float) else cleaned(str(value)[:MOST])
        for name, value in (traced | dict(added)).items()
    }


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [
        formatter.formatException(record.exc_info) if record.exc_info else record.exc_text or "",
        formatter.formatStack(record.stack_info) if record.stack_info else "",
    ]
    return _safe("\n".join(part for part in parts if part)[-MOST_TRACEBACK:], record)


def _safe(text: str, record: logging.LogRecord) -> str:
    """Cleaned, and without what an exception quotes of the request that it broke."""
    request = getattr(record, "request", None) if record.exc_info else None
    return without_secrets(cleaned(text), request=request)
