"""What can go wrong in a call to wolkvox, told apart by what helps.

    WolkvoxError                code          what happened
    ├── NotSent                 not_sent      no connection: nothing was sent
    │   └── CertificateRefused  certificate   the server's certificate was not accepted
    ├── Busy                    busy          too many calls, maintenance, or an unknown 403
    │   └── SimultaneousLimit   simultaneous  too many calls at once for this token
    ├── QuotaUsedUp             quota         the token's calls of the day are used up
    ├── TokenRefused            token         missing, wrong or expired token
    ├── Unclear                 unclear       sent, and no answer that can be relied on
    └── Refused                 refused       a definite no, a redirect included

None of them carries a secret. Sentences for people are made elsewhere, from `code`.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

MAX_MESSAGE = 1_000
MAX_RETRY_AFTER = 4 * 3600.0

_NUMBER = re.compile("[0-9]{1,9}")
# controls, marks that turn the direction of the text around them, halves of characters
_UNSTORABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class WolkvoxError(Exception):
    """Base of all errors of this package.

    http_status: None when no answer arrived.
    vendor_code: the `code` of the answer as text, "" when there was none.
    message: the vendor's text, to be passed redacted; kept to 1,000 characters, of the control
        characters only line breaks.
    retry_after: seconds the vendor asked to wait, None when it named none.
    reason: a few technical words for logs, such as "ConnectionRefusedError" or "no handle".
    """

    code: ClassVar[str]

    def __init__(
        self,
        *,
        http_status: int | None = None,
        vendor_code: str = "",
        message: str = "",
        retry_after: float | None = None,
        reason: str = "",
    ) -> None:
        super().__init__()
        self.http_status = http_status
        self.vendor_code = vendor_code
        self.message = storable(message)
        self.retry_after = retry_after
        self.reason = reason

    def __str__(self) -> str:
        status = f"HTTP {self.http_status}" if self.http_status is not None else ""
        vendor_code = f"code {self.vendor_code}" if self.vendor_code else ""
        details = (status, vendor_code, self.reason, self.message)
        return f"{self.code}: " + (", ".join(filter(None, details)) or "no details")


class NotSent(WolkvoxError):
    code = "not_sent"


class CertificateRefused(NotSent):
    code = "certificate"


class Busy(WolkvoxError):
    code = "busy"


class SimultaneousLimit(Busy):
    code = "simultaneous"


class QuotaUsedUp(WolkvoxError):
    code = "quota"


class TokenRefused(WolkvoxError):
    code = "token"


class Unclear(WolkvoxError):
    code = "unclear"


class Refused(WolkvoxError):
    code = "refused"


def for_answer(status: int, *, vendor_code: str, wording: str) -> type[WolkvoxError]:
    """Which error an answer stands for that is no success.

    A status other than 200 decides alone, with 200 the code in the body does. Both follow the
    vendor's general table of errors, which tells its kinds of 403 apart only by their wording.
    """
    if status != 200:
        return _by_number(status, wording=wording)
    if not vendor_code:
        return Unclear
    number = int(vendor_code) if _NUMBER.fullmatch(vendor_code) else 0
    return _by_number(number, wording=wording)


def read_retry_after(value: str) -> float | None:
    """Seconds in a Retry-After header (RFC 9110, 10.2.3), 0 to 4 hours; None when unreadable."""
    value = value.strip()
    if re.fullmatch("[0-9]+", value):
        return min(float(value), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def storable(text: str, *, limit: int = MAX_MESSAGE) -> str:
    """`text` without what databases or terminals choke on, at most `limit` characters."""
    return _UNSTORABLE.sub(" ", text.replace("\r\n", "\n"))[:limit].strip()


def _by_number(number: int, *, wording: str) -> type[WolkvoxError]:
    if number == 401:
        return TokenRefused
    if number == 403:
        return _forbidden(wording)
    if number in (429, 503):
        return Busy
    if 200 <= number < 300 or 500 <= number < 600:
        return Unclear
    return Refused


def _forbidden(wording: str) -> type[WolkvoxError]:
    words = "".join(wording.upper().split())
    if "TOKENLIMITEXCEEDED" in words:
        return QuotaUsedUp
    if "SIMULTANEOUS" in words:
        return SimultaneousLimit
    if "VALIDATETOKEN" in words:
        return TokenRefused
    return Busy
