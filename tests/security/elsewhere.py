"""A listener for whatever leaves home: every address but the sandbox's leads to it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from media_assets.wolkvox.sandbox import Sandbox

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Elsewhere:
    """Takes every connection, reads what comes and answers as if all were well."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        place = len(self.received)
        self.received.append(b"")
        connection.settimeout(2)
        with connection, contextlib.suppress(OSError):
            while b"\r\n\r\n" not in self.received[place]:
                more = connection.recv(65_536)
                if not more:
                    return
                self.received[place] += more
            connection.sendall(ANSWER)


@contextmanager
def elsewhere_than(box: Sandbox, patch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """Names and numbers alike: only the sandbox's own address and port lead to the sandbox."""
    other, look_up = Elsewhere(), socket.getaddrinfo

    def lead_astray(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        home = (host, str(port)) in {("127.0.0.1", str(box.port)), ("localhost", str(box.port))}
        where = ("127.0.0.1", box.port if home else other.port)
        return look_up(*where, *args, **options)

    patch.setattr(socket, "getaddrinfo", lead_astray)
    try:
        yield other
    finally:
        other.close()
