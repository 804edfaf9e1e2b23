"""What goes wrong before a call arrives: on these ports of this machine none ever does.

Each is a context manager; port 0 takes a free one, OSError when the port is taken.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

BACKLOG = 512
FILLERS = 8
FILLER_SECONDS = 0.2


class Silent:
    """Connections to `port` are established by the system and never answered."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]

    def received(self) -> list[bytes]:
        """What each connection made since the last question has sent, 64 KiB at most; ends them."""
        found: list[bytes] = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return found
            with connection:
                connection.setblocking(False)
                found.append(_waiting_in(connection))


@contextmanager
def refusing(port: int = 0) -> Iterator[int]:
    """A port that is taken and refuses every connection."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", port))
        yield bound.getsockname()[1]


@contextmanager
def silent(port: int = 0) -> Iterator[Silent]:
    """A port where nobody says a word: TLS handshakes hang, requests are never answered."""
    with socket.create_server(("127.0.0.1", port), backlog=BACKLOG) as listener:
        listener.setblocking(False)
        yield Silent(listener)


@contextmanager
def dropping(port: int = 0) -> Iterator[int]:
    """A port that drops every SYN, as a firewall does: connecting to it never ends.

    The queue of connections to accept is full, and Linux then leaves a SYN unanswered. OSError
    on a system that does anything else.
    """
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(FILLERS):
            filler = opened.enter_context(socket.socket())
            filler.settimeout(FILLER_SECONDS)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            raise OSError("This system answers a SYN although the queue is full.")
        yield listener.getsockname()[1]


def _waiting_in(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except (BlockingIOError, ConnectionError):
        return b""
