"""A small HTTP/1.1 server that can also break: a thread per connection, loopback only."""

import select
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from io import BufferedReader
from ipaddress import AddressValueError, IPv4Address
from typing import Any, NoReturn

from media_assets.wolkvox.sandbox.messages import Answer, Request

MAX_BODY = 1024 * 1024
MAX_LINE = 65_536
MAX_HEADERS = 200
LAST_BIT = 0.002  # seconds


class HangupError(Exception):
    """The connection ends here, without another word."""


class MalformedError(Exception):
    """The request cannot be read; `answer` says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        body = f"{sentence}\n".encode()
        self.answer = Answer(status=status, body=body, content_type="text/plain; charset=utf-8")


class Wire:
    """One connection, for whoever answers on it."""

    def __init__(self, connection: socket.socket, *, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.keep_open = True
        self.sent = 0
        # monotonic seconds: when the client came, while it has asked for one thing only
        self.since: float | None = time.monotonic()

    def send(self, data: bytes) -> None:
        """Send all of `data`; `sent` counts the bytes that the network has taken."""
        self._connection.sendall(data)
        self.sent += len(data)

    def answer(self, answer: Answer, *, method: str) -> None:
        """Send an answer, its body piece by piece if it comes in pieces, none to a HEAD."""
        first = answer.head(close=not self.keep_open)
        if method == "HEAD":
            self.send(first)
            return
        if answer.pieces is None:
            self.send(first + answer.body)
            return
        for piece in answer.pieces:
            self.send(first + piece)
            first = b""
        self.send(first)

    def reply(
        self,
        reply: Answer | Iterator[bytes],
        *,
        method: str,
        before_last: Callable[[], None] = lambda: None,
    ) -> None:
        """Send an answer, or raw bytes and then close; `before_last()` precedes the last byte."""
        if isinstance(reply, Answer):
            before_last()
            self.answer(reply, method=method)
            return
        self.keep_open = False
        last = b""
        for piece in reply:
            self.send(last)
            last = piece
        before_last()
        self.send(last)

    def pause(self, seconds: float) -> None:
        """Sleep; HangupError as soon as the server stops. The client's leaving does not wake it."""
        end = time.monotonic() + seconds
        if self._stopping.wait(max(seconds - LAST_BIT, 0)):
            raise HangupError
        time.sleep(max(end - time.monotonic(), 0))  # ends more punctually than a wait

    def until_closed(self) -> None:
        """Wait until the client closes its side or the server stops."""
        while not self._stopping.is_set():
            readable, _, _ = select.select([self._connection], [], [], 0.1)
            if readable and not self._connection.recv(4096):
                break
        raise HangupError

    def reset(self) -> NoReturn:
        """Break the connection: the client sees a reset, not an end."""
        now = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        raise HangupError


# Reads the whole body, or hangs up: what is left of it would look like the next request.
Respond = Callable[[Request, Wire], None]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens at once. `start()` answers in threads, `stop()` ends them all and closes all.

    With `tls` every connection begins with a handshake, made in the connection's own thread.
    """

    allow_reuse_address = True
    request_queue_size = 512

    def __init__(
        self, respond: Respond, *, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self.respond = respond
        self._tls = tls
        self.stopping = threading.Event()
        self._connections: list[tuple[socket.socket, threading.Thread]] = []
        self._accepting = threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="sandbox",
            daemon=True,
        )
        super().__init__((loopback(host), port), Connection)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        # Linux wakes the accepting thread at once; elsewhere it looks every tenth of a second.
        _wake(self.socket)
        self.shutdown()
        self._accepting.join()
        self.server_close()
        self.stopping.set()
        for connection, _ in self._connections:
            _wake(connection)
        for _, thread in self._connections:
            thread.join(timeout=5)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="sandbox-connection",
            daemon=True,
        )
        thread.start()
        running = [entry for entry in self._connections if entry[1].is_alive()]
        self._connections = [*running, (request, thread)]

    def shutdown_request(self, request: Any) -> None:
        # No shutdown() first: it would turn a reset into an orderly end.
        self.close_request(request)


class Connection(socketserver.BaseRequestHandler):
    """Reads the requests of one connection, one after the other."""

    request: socket.socket
    server: Server

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(self.request, stopping=self.server.stopping)
        with self.request.makefile("rb") as stream:
            try:
                if isinstance(self.request, ssl.SSLSocket):
                    self.request.do_handshake()
                    wire.since = None
                while wire.keep_open and (request := read_request(stream, wire=wire)) is not None:
                    self.server.respond(request, wire)
                    wire.since = None
            except MalformedError as error:
                wire.send(error.answer.head(close=True) + error.answer.body)
            except (HangupError, ConnectionError, TimeoutError, ssl.SSLError):
                return


def loopback(host: str) -> str:
    """`host` as an IPv4 loopback address; ValueError for anything else."""
    try:
        address = IPv4Address("127.0.0.1" if host == "localhost" else host)
    except AddressValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"The sandbox serves this machine only: {host!r} is not a loopback address;"
            " use 127.0.0.1."
        )
    return str(address)


def read_request(stream: BufferedReader, *, wire: Wire) -> Request | None:
    """The next request's head, or None at the end of the connection."""
    line = stream.readline(MAX_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise MalformedError(400, "This is no HTTP/1.1 request.")
    method, target, version = parts
    headers = _read_headers(stream)
    if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
        wire.keep_open = False
    return Request(
        method,
        target=target,
        headers=headers,
        read_body=lambda: _read_body(stream, headers=headers, wire=wire),
    )


def _read_headers(stream: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        line = stream.readline(MAX_LINE)
        if not line:
            raise HangupError
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise MalformedError(400, "A header line has no colon.")
        headers[name.strip().lower()] = value.strip()
    raise MalformedError(431, "Too many header lines.")


def _read_body(stream: BufferedReader, *, headers: dict[str, str], wire: Wire) -> bytes:
    if "transfer-encoding" in headers:
        raise MalformedError(411, "The sandbox wants a Content-Length.")
    text = headers.get("content-length", "0")
    if not text.isdecimal():
        raise MalformedError(400, "Content-Length is no number.")
    length = int(text)
    if length > MAX_BODY:
        raise MalformedError(413, "The body is larger than 1 MiB.")
    if length and headers.get("expect", "").lower() == "100-continue":
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = stream.read(length)
    if len(body) < length:
        raise HangupError
    return body


def _wake(connection: socket.socket) -> None:
    """End whatever a thread is waiting for on `connection`."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
