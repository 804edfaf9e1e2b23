"""A request that came in and an answer that goes out, as plain values."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Request:
    """One HTTP request. Header names are lower case; the body is read when first asked for."""

    def __init__(
        self,
        method: str,
        *,
        target: str,
        headers: Mapping[str, str],
        read_body: Callable[[], bytes],
    ) -> None:
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers = headers
        self._read_body = read_body

    @cached_property
    def body(self) -> bytes:
        return self._read_body()

    @property
    def is_json(self) -> bool:
        media_type = self.headers.get("content-type", "").partition(";")[0]
        return media_type.strip().lower() == "application/json"

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None when it is anything else."""
        if not self.is_json:
            return None
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer. With `pieces` the body is sent as it is made, `length` bytes in all."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Iterable[bytes] | None = None
    length: int | None = None

    def head(self, *, close: bool = False) -> bytes:
        length = len(self.body) if self.length is None else self.length
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "Server: wolkvox-sandbox",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def whole(self) -> "Answer":
        """The same answer with its body in one."""
        if self.pieces is None:
            return self
        return replace(self, body=b"".join(self.pieces), pieces=None, length=None)


def json_answer(
    value: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    return Answer(status=status, body=json.dumps(value).encode(), headers=headers)


def envelope(
    data: object, *, msg: str, code: str | int = "200", error: str | None = None, status: int = 200
) -> Answer:
    """The body every documented call answers with: `code`, `error`, `msg`, `data`."""
    return json_answer({"code": code, "error": error, "msg": msg, "data": data}, status=status)


def failure(
    code: str | int, *, msg: str, error: str | None = None, status: int | None = None
) -> Answer:
    """An error envelope; the HTTP status mirrors `code` unless told otherwise.

    `data` of a failure is not documented; ours is the empty list PHP makes of an empty array.
    """
    number = int(code)
    name = HTTPStatus(number).phrase.upper() if error is None else error
    return envelope([], msg=msg, code=code, error=name, status=number if status is None else status)
