"""The sandbox as tests and the command use it."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from media_assets.wolkvox.sandbox.choosing import Faults
from media_assets.wolkvox.sandbox.control import answer_control
from media_assets.wolkvox.sandbox.exchange import serve_call, serve_file
from media_assets.wolkvox.sandbox.handle import LIFETIME
from media_assets.wolkvox.sandbox.ledger import Call, Ledger
from media_assets.wolkvox.sandbox.messages import Request
from media_assets.wolkvox.sandbox.operations import Operation, make_operations
from media_assets.wolkvox.sandbox.phases import Phase
from media_assets.wolkvox.sandbox.server import Server, Wire, loopback
from media_assets.wolkvox.sandbox.state import new_operations
from media_assets.wolkvox.sandbox.storage import Storage, storage_path
from media_assets.wolkvox.sandbox.vendor import Vendor


class Sandbox:
    """An imitation of wolkvox on this machine.

    `operations` is `{server: token}`, by default two with random tokens; `latency` and
    `handle_lifetime` are seconds; port 0 takes a free one. With `tls`, a server's context with a
    certificate, it speaks https. ValueError for a `host` that is not loopback, OSError on starting
    when the port is taken.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        operations: Mapping[str, str] | None = None,
        latency: float = 0.0,
        samples: bool = True,
        handle_lifetime: int = LIFETIME,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = loopback(host)
        self._wanted_port = port
        self._tls = tls
        self._server: Server | None = None
        made = make_operations(new_operations() if operations is None else operations)
        self._vendor = Vendor(
            operations=made,
            storage=Storage(made, samples=samples),
            latency=latency,
            handle_lifetime=handle_lifetime,
            scheme="http" if tls is None else "https",
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._server = Server(self._respond, host=self._host, port=self._wanted_port, tls=self._tls)
        self._vendor.port = self._server.server_address[1]
        self._vendor.phases.open()
        self._server.start()

    def stop(self) -> None:
        """End every call at once, held ones too, and wait until no thread or socket is left."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.stopping.set()
        self._vendor.phases.close()
        server.stop()

    @property
    def operations(self) -> dict[str, Operation]:
        """By server; token, daily limit, connectors may be changed, operations added."""
        return self._vendor.operations

    @property
    def ledger(self) -> Ledger:
        return self._vendor.ledger

    @property
    def faults(self) -> Faults:
        return self._vendor.faults

    @property
    def storage(self) -> Storage:
        return self._vendor.storage

    @property
    def latency(self) -> float:
        """Seconds each admitted call takes."""
        return self._vendor.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._vendor.latency = seconds

    @property
    def port(self) -> int:
        return self._vendor.port

    @property
    def origin(self) -> str:
        return f"{self._vendor.scheme}://{self._host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The pattern `http://127.0.0.1:PORT/wv{server}/api/v2/`, to be filled in."""
        return f"{self.origin}/wv{{server}}/api/v2/"

    def storage_url(self, name: str, *, server: str | None = None) -> str:
        """The public URL of a file, percent-encoded; of the first operation unless told."""
        first = next(iter(self.operations))
        return self.origin + storage_path(name, server=server or first)

    def hold(self, phase: Phase) -> None:
        """From now on calls stop at `phase`, until it is released or the sandbox stops."""
        self._vendor.phases.hold(phase)

    def release(self, phase: Phase) -> None:
        self._vendor.phases.release(phase)

    def wait_for(self, phase: Phase, *, timeout: float = 5.0, calls: int = 1) -> Call:
        """The `calls`-th call to reach `phase` since it was held; TimeoutError if none does."""
        return self._vendor.phases.wait_for(phase, timeout=timeout, calls=calls)

    def _respond(self, request: Request, wire: Wire) -> None:
        if serve_call(self._vendor, request=request, wire=wire):
            return
        _ = request.body
        if request.path.startswith("/storage/"):
            serve_file(self._vendor, request=request, wire=wire)
            return
        wire.answer(answer_control(self._vendor, request=request), method=request.method)
