"""Reading a handle for display.

Meta documents a handle only as text. Many real ones are lines of nine fields, parted by colons:
format digit, file name and MIME type in base64, opaque, "e", expiry in Unix seconds, app id,
user id, opaque. Nothing here refuses a handle for being different.
"""

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FIELDS = 9
_MIME_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*", re.ASCII)
_SECONDS = re.compile("[0-9]{1,10}")  # until the year 2286
_ID = re.compile("[0-9]{1,32}")


# Observed in dated handles: upload time + 345,600 s. Undocumented.
LIFETIME = timedelta(days=4)


@dataclass(frozen=True, kw_only=True)
class HandleLine:
    """One line of a handle; what could not be read is None."""

    text: str
    file_name: str | None = None
    mime_type: str | None = None
    expires_at: datetime | None = None
    app_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class Handle:
    """A handle as received and its lines that are not empty."""

    text: str
    lines: tuple[HandleLine, ...]

    @property
    def first_line(self) -> str:
        return self.lines[0].text if self.lines else ""

    @property
    def is_multiline(self) -> bool:
        return len(self.lines) > 1

    @property
    def mime_type(self) -> str | None:
        return self.lines[0].mime_type if self.lines else None

    @property
    def file_name(self) -> str | None:
        return self.lines[0].file_name if self.lines else None

    @property
    def app_id(self) -> str | None:
        return self.lines[0].app_id if self.lines else None

    @property
    def expires_at(self) -> datetime | None:
        """The earliest expiry of all lines, in UTC. Observed, not documented: "about"."""
        return min((line.expires_at for line in self.lines if line.expires_at), default=None)


def parse(text: str) -> Handle:
    """`text` unchanged, with what can be read of it.

    Raises ValueError only for a URL in place of a handle.
    """
    if looks_like_url(text):
        raise ValueError("This is a URL, not a handle.")
    return Handle(text, tuple(_parse_line(line) for line in text.split("\n") if line))


def looks_like_url(text: str) -> bool:
    """True for what Meta shows in place of a handle once a template is approved."""
    return text.strip().lower().startswith(("http://", "https://"))


def _parse_line(text: str) -> HandleLine:
    fields = text.split(":")
    if len(fields) != _FIELDS:
        return HandleLine(text=text)
    _, file_name, mime_type, _, marker, seconds, app_id, user_id, _ = fields
    return HandleLine(
        text=text,
        file_name=_decode(file_name),
        mime_type=_matching(_MIME_TYPE, _decode(mime_type)),
        expires_at=_instant(seconds) if marker == "e" else None,
        app_id=_matching(_ID, app_id),
        user_id=_matching(_ID, user_id),
    )


def _decode(text: str) -> str | None:
    """The readable text in base64 of either alphabet, padded or not."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    padded = standard + "=" * (-len(standard) % 4)
    try:
        decoded = base64.b64decode(padded, validate=True).decode()
    except ValueError:
        return None
    if any(unicodedata.category(character) == "Cc" for character in decoded):
        return None
    return decoded or None


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text and pattern.fullmatch(text) else None


def _instant(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if _SECONDS.fullmatch(seconds) else None
