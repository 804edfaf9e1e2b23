"""Everything that can go wrong on the way to wolkvox, by name and on demand.

A fault is one function from the `Situation` to what is sent: an `Answer`, or an iterator of the
raw bytes of the connection, which is closed after the last one. The table is at the end.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, NoReturn

from media_assets.wolkvox.sandbox.handle import new_handle
from media_assets.wolkvox.sandbox.messages import Answer, envelope, failure

Reply = Answer | Iterator[bytes]

MEBIBYTE = 1024 * 1024
DRIP_SECONDS = 0.3
SLOW_SECONDS = 30.0
RETRY_AFTER_SECONDS = 2.0
DEEP_LEVELS = 10_000
BOMB_MEBIBYTES = 600
UPLOADED = "media_uploaded_successfully"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a fault may know and do.

    `usual()` is the documented answer, `pause(seconds)` sleeps, `until_closed()` waits for the
    client to give up, `reset()` breaks the connection; all end at once when the sandbox stops.
    """

    server: str
    token: str
    seconds: float | None
    redirect_to: str
    usual: Callable[[], Answer]
    pause: Callable[[float], None]
    until_closed: Callable[[], None]
    reset: Callable[[], NoReturn]


class Fault(NamedTuple):
    sentence: str
    reply: Callable[[Situation], Reply]
    before_body: bool = False


def reset(situation: Situation) -> Reply:
    return situation.reset()


def no_answer(situation: Situation) -> Iterator[bytes]:
    situation.until_closed()
    yield b""


def slow(situation: Situation) -> Answer:
    situation.pause(SLOW_SECONDS if situation.seconds is None else situation.seconds)
    return situation.usual()


def drip_headers(situation: Situation) -> Iterator[bytes]:
    answer = situation.usual()
    return _dripped(situation, whole=answer.head(close=True) + answer.body, at_once=0)


def drip_body(situation: Situation) -> Iterator[bytes]:
    answer = situation.usual()
    head = answer.head(close=True)
    return _dripped(situation, whole=head + answer.body, at_once=len(head))


def truncated(situation: Situation) -> Iterator[bytes]:
    answer = situation.usual()
    yield answer.head(close=True) + answer.body[: len(answer.body) // 2]


def endless(situation: Situation) -> Iterator[bytes]:
    yield _raw_head("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    while True:
        yield chunk
        situation.pause(0.01)


def huge(_: Situation) -> Iterator[bytes]:
    yield _raw_head("Content-Type: application/json", f"Content-Length: {300 * MEBIBYTE}")
    piece = b" " * MEBIBYTE
    for _number in range(300):
        yield piece


def gzip_bomb(_: Situation) -> Iterator[bytes]:
    yield _raw_head("Content-Type: application/json", "Content-Encoding: gzip")
    yield _bomb()


def many_headers(situation: Situation) -> Iterator[bytes]:
    body = situation.usual().body
    filling = [f"X-Sandbox-{number:04}: {'a' * 80}" for number in range(1000)]
    yield _raw_head(*filling, f"Content-Length: {len(body)}") + body


def long_header(situation: Situation) -> Iterator[bytes]:
    body = situation.usual().body
    yield _raw_head(f"X-Sandbox: {'a' * 100_000}", f"Content-Length: {len(body)}") + body


def empty(_: Situation) -> Answer:
    return Answer(status=200)


def bom(situation: Situation) -> Answer:
    return Answer(status=200, body=b"\xef\xbb\xbf" + situation.usual().body)


def nan(situation: Situation) -> Answer:
    handle = new_handle("nan.jpg", server=situation.server)
    return envelope({"0": UPLOADED, "handle": handle, "size": float("nan")}, msg="Media uploaded")


def deep(_: Situation) -> Answer:
    nested = "[" * DEEP_LEVELS + "]" * DEEP_LEVELS
    text = f'{{"code": "200", "error": null, "msg": "Media uploaded", "data": {nested}}}'
    return Answer(status=200, body=text.encode())


def retry_after(situation: Situation) -> Answer:
    seconds = RETRY_AFTER_SECONDS if situation.seconds is None else situation.seconds
    body = json.dumps({"code": "503", "error": "SERVICE UNAVAILABLE", "msg": "", "data": None})
    return Answer(status=503, body=body.encode(), headers=(("Retry-After", f"{seconds:.0f}"),))


def token_in_message(situation: Situation) -> Answer:
    return failure("400", msg=f"Bad request for token {situation.token} at wolkvox")


def same_handle(situation: Situation) -> Answer:
    """One fixed handle for each server, whatever the file."""
    handle = _FIXED_HANDLES.setdefault(
        situation.server, new_handle("fijo.jpg", server=situation.server)
    )
    return _uploaded(handle)


def html(status: int) -> Callable[[Situation], Answer]:
    page = f"<!doctype html><html><head><title>{status}</title></head><body><h1>wolkvox</h1>"
    answer = Answer(
        status=status,
        body=f"{page}</body></html>".encode(),
        content_type="text/html; charset=UTF-8",
    )
    return lambda _: answer


def error(
    code: int, msg: str, *, error: str | None = None, status: int | None = None
) -> Callable[[Situation], Answer]:
    return lambda _: failure(str(code), msg=msg, error=error, status=status)


def redirect(status: int) -> Callable[[Situation], Answer]:
    def to_another_host(situation: Situation) -> Answer:
        return Answer(status=status, headers=(("Location", situation.redirect_to),))

    return to_another_host


def handle(value: object) -> Callable[[Situation], Answer]:
    return lambda _: _uploaded(value)


def data(value: object) -> Callable[[Situation], Answer]:
    return lambda _: envelope(value, msg="Media uploaded successfully")


def long_handle(situation: Situation) -> Answer:
    line = new_handle("largo.jpg", server=situation.server)
    return _uploaded((line * (20_000 // len(line) + 1))[:20_000])


@cache
def _bomb() -> bytes:
    """About 600 KiB in gzip's format (RFC 1952): one and the same block, six hundred times."""
    piece = b" " * MEBIBYTE
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(BOMB_MEBIBYTES):
        checksum = zlib.crc32(piece, checksum)
    size = BOMB_MEBIBYTES * MEBIBYTE
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return head + block * BOMB_MEBIBYTES + deflate.flush() + struct.pack("<II", checksum, size)


_FIXED_HANDLES: dict[str, str] = {}


def _uploaded(value: object) -> Answer:
    return envelope({"0": UPLOADED, "handle": value}, msg="Media uploaded successfully")


def _raw_head(*lines: str) -> bytes:
    status = ("HTTP/1.1 200 OK", "Server: wolkvox-sandbox", "Connection: close")
    return "\r\n".join([*status, *lines, "", ""]).encode()


def _dripped(situation: Situation, *, whole: bytes, at_once: int) -> Iterator[bytes]:
    yield whole[:at_once]
    for position in range(at_once, len(whole)):
        situation.pause(DRIP_SECONDS)
        yield whole[position : position + 1]


SIMULTANEOUS = "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)"
LINES = "primera\nsegunda\r\ntercera\ttab \x1b[31mrojo\x1b[0m \u2028 fin \u202e\x00"

FAULTS: dict[str, Fault] = {
    "reset-before": Fault("Corta la conexión antes de leer el cuerpo", reset, before_body=True),
    "reset-after": Fault("Corta la conexión después de leer el cuerpo", reset),
    "no-answer": Fault("Nunca responde", no_answer),
    "slow": Fault("Responde bien después de N segundos (slow-5; sin número, 30)", slow),
    "drip-headers": Fault("Cabeceras y cuerpo a un byte cada 0,3 s", drip_headers),
    "drip-body": Fault("Cabeceras enteras, cuerpo a un byte cada 0,3 s", drip_body),
    "truncated": Fault("Promete más bytes de los que envía", truncated),
    "endless": Fault("Un cuerpo que no termina", endless),
    "huge": Fault("Un cuerpo de 300 MiB", huge),
    "gzip-bomb": Fault("Un cuerpo gzip pequeño que se infla a 600 MiB", gzip_bomb),
    "many-headers": Fault("100 kB de cabeceras", many_headers),
    "long-header": Fault("Una sola cabecera de 100 kB", long_header),
    "redirect-301": Fault("Redirige a otro servidor (301)", redirect(301)),
    "redirect-302": Fault("Redirige a otro servidor (302)", redirect(302)),
    "redirect-303": Fault("Redirige a otro servidor (303)", redirect(303)),
    "redirect-307": Fault("Redirige a otro servidor (307)", redirect(307)),
    "redirect-308": Fault("Redirige a otro servidor (308)", redirect(308)),
    "html-200": Fault("Una página HTML con estado 200", html(200)),
    "html-502": Fault("Una página HTML con estado 502", html(502)),
    "json-500": Fault("Un error 500 en JSON", error(500, "INTERNAL ERROR")),
    "503-retry-after": Fault(
        "503 con Retry-After: N (503-retry-after-900; sin número, 2)", retry_after
    ),
    "429": Fault("429, demasiadas llamadas", error(429, "TOO MANY REQUESTS")),
    "403-simultaneous": Fault("403, llamadas simultáneas", error(403, SIMULTANEOUS)),
    "403-daily": Fault("403, límite diario", error(403, "TOKEN LIMIT EXCEEDED")),
    "403-token": Fault("403, token rechazado", error(403, "PLEASE VALIDATE TOKEN")),
    "403-maintenance": Fault("403, mantenimiento", error(403, "SERVER UNDER MAINTENANCE")),
    "403-unknown": Fault("403 con un texto desconocido", error(403, "NO DISPONIBLE")),
    "401": Fault("401, falta el token", error(401, "PLEASE ENTER THE WOLKVOX-TOKEN")),
    "400": Fault("400, faltan parámetros", error(400, "SOME PARAMETERS ARE REQUIRED")),
    "404": Fault("404, sin datos", error(404, "NO DATA")),
    "code-400": Fault(
        'HTTP 200 con code "400"', error(400, "SOME PARAMETERS ARE REQUIRED", status=200)
    ),
    "handle-empty": Fault("Éxito con un handle vacío", handle("")),
    "handle-missing": Fault("Éxito sin handle", data({"0": UPLOADED})),
    "handle-null": Fault("Éxito con handle null", handle(None)),
    "handle-number": Fault("Éxito con un número por handle", handle(4)),
    "handle-url": Fault(
        "Éxito con una URL por handle", handle("https://scontent.example.invalid/")
    ),
    "handle-20k": Fault("Éxito con un handle de 20 000 caracteres", long_handle),
    "data-list": Fault("Éxito con data como lista", data([UPLOADED])),
    "data-empty-list": Fault("Éxito con data como lista vacía", data([])),
    "data-null": Fault("Éxito con data null", data(None)),
    "not-json": Fault("Un texto que no es JSON", lambda _: Answer(status=200, body=b"OK")),
    "bom": Fault("La respuesta correcta con BOM delante", bom),
    "nan": Fault("Éxito con NaN, que JSON no conoce", nan),
    "deep": Fault("JSON de 10 000 niveles", deep),
    "msg-token": Fault("400 cuyo msg repite el token", token_in_message),
    "msg-script": Fault("400 cuyo msg es un script", error(400, "<script>alert(1)</script>")),
    "msg-lines": Fault("400 cuyo msg trae saltos y caracteres de control", error(400, LINES)),
    "msg-1mb": Fault("400 cuyo msg mide 1 MiB", error(400, "A" * MEBIBYTE)),
    "same-handle": Fault("El mismo handle para cualquier archivo", same_handle),
    "empty": Fault("200 con cuerpo vacío", empty),
}
