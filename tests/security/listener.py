"""A socket on loopback that counts who comes."""

import itertools
import socket
from typing import Any


class Listener:
    """A socket on loopback, and how many have come to it; what connects anywhere ends up here."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        self.wanted: list[str] = []

    @property
    def came(self) -> int:
        """How many have come since the last time; each is complete before its connect returns."""
        for number in itertools.count():
            try:
                self._listening.accept()[0].close()
            except BlockingIOError:
                return number
        raise AssertionError

    def connect(self, address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        """In the place of what urllib3 connects with."""
        self.wanted.append(address[0])
        connected = socket.socket()  # (create_connection would ask the resolver of these tests)
        connected.settimeout(5)
        connected.connect(("127.0.0.1", self.port))
        return connected

    def close(self) -> None:
        self._listening.close()
