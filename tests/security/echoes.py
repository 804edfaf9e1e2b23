"""Answers of wolkvox that repeat the token of the call, in every encoding and in every place."""

import json
from collections.abc import Callable, Iterator

from media_assets.wolkvox.sandbox.faults import Fault, Reply, Situation
from media_assets.wolkvox.sandbox.messages import Answer, json_answer
from tests.security.encodings import forms_of

_Write = Callable[[str], Reply]


def echoes() -> dict[str, Fault]:
    """Faults for the sandbox, by name."""
    return {
        f"echo-{place}-{encoding.replace(' ', '-')}": Fault("Echo", _fault(encoding, write))
        for place, write in _PLACES.items()
        for encoding in (forms_of("00" * 26) if place in _READ_IN_FULL else _IN_SHORT)
    }


def _fault(encoding: str, write: _Write) -> Callable[[Situation], Reply]:
    return lambda situation: write(forms_of(situation.token)[encoding].decode("latin-1"))


def _everywhere(text: str) -> Answer:
    body = {"code": text, "error": {"said": text}, "msg": f"token {text}", "data": [text]}
    return json_answer(body, status=400)


def _of_success(text: str) -> Answer:
    data = {
        "handle": text,
        "description": text,
        "token_limit": text,
        "token_use_today": text,
        "connector_id": text,
        "name": f"Line {text}",
        "channel": "whatsapp",
    }
    return json_answer({"code": "200", "error": None, "msg": f"ok {text}", "data": data})


def _no_json(text: str) -> Answer:
    page = f"<!doctype html><p>{text}</p>{json.dumps(text)}"
    return Answer(status=502, body=page.encode("latin-1"), content_type="text/html")


def _in_the_head(text: str) -> Iterator[bytes]:
    line = "".join(letter for letter in text if letter.isprintable()).encode("latin-1")
    yield b"HTTP/1.1 429 " + line + b"\r\nRetry-After: " + line + b"\r\nX-Token: " + line
    yield b"\r\n" + line + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


_PLACES: dict[str, _Write] = {
    "error": _everywhere,
    "success": _of_success,
    "page": _no_json,
    "head": _in_the_head,
}
_READ_IN_FULL = {"error", "success"}
_IN_SHORT = ["raw", "reversed", "base64", "hex-decoded"]
