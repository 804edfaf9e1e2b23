"""Reading wolkvox's answers: from status, headers and bytes to a result or one of our errors.

No network here. Shapes: the vendor's pages on `upload_media` and on its information API, whose
envelope is `{"code", "error", "msg", "data"}`, with numbers that may arrive as text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from media_assets.wolkvox import errors, handles
from media_assets.wolkvox.redaction import holds, redact

MAX_HANDLE = 16 * 1024

_NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class Answer:
    """A success of any call; `data` is what the vendor put there."""

    data: object = field(repr=False)
    http_status: int
    vendor_code: str
    message: str


@dataclass(frozen=True)
class Uploaded:
    """`handle` is kept byte for byte; `message` is the vendor's text, redacted."""

    handle: str
    http_status: int
    vendor_code: str
    message: str


@dataclass(frozen=True)
class ConnectorInfo:
    """`channel` as the vendor writes it: whatsapp, chat-web, facebook, …"""

    connector_id: str
    name: str
    channel: str


@dataclass(frozen=True)
class TokenInfo:
    """Calls per day: whole numbers, or the vendor's text where it sent none; None if absent."""

    description: str | None
    limit: int | str | None
    used_today: int | str | None
    used_today_all: int | str | None
    available: int | str | None


def read_answer(status: int, *, headers: Mapping[str, str], body: bytes, token: str) -> Answer:
    """The answer, if it is a success: HTTP 200, a JSON object, code 200, no error.

    Everything else is raised as the WolkvoxError it stands for. An HTTP status other than 200
    decides alone; with HTTP 200 the code in the body does.
    """
    envelope = _json_object(body)
    fields = envelope or {}
    vendor_code = _scalar(fields.get("code"))
    message = _text(fields.get("msg")) or _text(fields.get("error"))
    if status == 200 and vendor_code == "200" and not fields.get("error"):
        return Answer(fields.get("data"), status, vendor_code, _clean(message, token=token))
    if envelope is None:
        message = body.decode(errors="replace")
    elif fields.get("data"):
        message = f"{message}\n{_text(fields['data'])}"
    wording = f"{_text(fields.get('error'))} {message}"
    raise errors.for_answer(status, vendor_code=vendor_code, wording=wording)(
        http_status=status,
        vendor_code=_clean(vendor_code, token=token, limit=32),
        message=_clean(message, token=token),
        retry_after=errors.read_retry_after(headers.get("Retry-After", "")),
        reason="" if envelope is not None else "no JSON object",
    )


def read_handle(answer: Answer, token: str) -> Uploaded:
    """The handle of an `upload_media` answer; Unclear when there is none that can be kept."""
    handle = answer.data.get("handle") if isinstance(answer.data, dict) else None
    if not isinstance(handle, str) or not _is_keepable(handle, token=token):
        raise errors.Unclear(
            http_status=answer.http_status,
            vendor_code=answer.vendor_code,
            message=answer.message,
            reason="no handle",
        )
    return Uploaded(handle, answer.http_status, answer.vendor_code, answer.message)


def read_connectors(answer: Answer, token: str) -> list[ConnectorInfo]:
    """One entry for each row with a connector_id; other rows are left out."""
    found = []
    for row in _rows(answer.data, key="connector_id"):
        texts = [
            _clean(_scalar(row.get(name)), token=token)
            for name in ("connector_id", "name", "channel")
        ]
        if texts[0]:
            found.append(ConnectorInfo(*texts))
    return found


def read_token_info(answer: Answer, token: str) -> TokenInfo:
    """What the vendor tells about the token; all None when it tells nothing."""
    row = next(_rows(answer.data, key="token_limit"), {})
    return TokenInfo(
        description=_clean(_scalar(row.get("description")), token=token) or None,
        limit=_amount(row.get("token_limit"), token=token),
        used_today=_amount(row.get("token_use_today"), token=token),
        used_today_all=_amount(row.get("all_token_today"), token=token),
        available=_amount(row.get("available_consumption_options"), token=token),
    )


def _is_keepable(handle: str, *, token: str) -> bool:
    try:
        size = len(handle.encode())
    except UnicodeEncodeError:  # half of a character: no database takes it
        return False
    if not handle.strip() or size > MAX_HANDLE or "\0" in handle:
        return False
    if handles.looks_like_url(handle):
        return False
    return len(token) < 16 or not holds(handle, token=token)


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _rows(data: object, *, key: str, depth: int = 3) -> Iterator[dict[str, object]]:
    """The objects that have `key`, in whichever mix of lists and objects PHP put them."""
    if isinstance(data, dict) and key in data:
        yield data
        return
    if depth == 0 or not isinstance(data, dict | list):
        return
    for child in data.values() if isinstance(data, dict) else data:
        yield from _rows(child, key=key, depth=depth - 1)


def _scalar(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    try:
        return json.dumps(value, ensure_ascii=False) if value else ""
    except RecursionError:
        return ""


def _amount(value: object, *, token: str) -> int | str | None:
    text = _scalar(value).strip()
    return int(text) if _NUMBER.fullmatch(text) else _clean(text, token=token) or None


def _clean(text: str, *, token: str, limit: int = errors.MAX_MESSAGE) -> str:
    # cut before as well: reading a long text for the token takes long, and parts of it are found
    return errors.storable(redact(text[: 8 * limit], token=token), limit=limit)
