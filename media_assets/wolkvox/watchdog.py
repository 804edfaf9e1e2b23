"""One deadline for one call, whatever the other side does, and how far the call has come.

Time-outs of sockets restart with every byte, and the system's resolver knows none. A watchdog
cuts the connection, and does not wait for the resolver.
"""

import contextlib
import queue
import socket
import threading
import time
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

from media_assets.wolkvox import errors


class Permission:
    """Leave to send a call that is being prepared, given or refused once by another thread."""

    def __init__(self) -> None:
        self.given = False
        self._decided = threading.Event()

    def decide(self, given: bool) -> None:
        self.given = given
        self._decided.set()

    def wait(self, seconds: float) -> bool:
        """Whether leave was given within `seconds`."""
        return self._decided.wait(max(seconds, 0)) and self.given


class Watchdog:
    """Cuts the connection of one call at its deadline and knows how far the call has come."""

    def __init__(
        self, seconds: float, *, start_before: float | None, permission: Permission | None
    ) -> None:
        self._permission = permission
        self.expired = False
        self.sending = False
        self.certificate_refused = False
        self.deadline = time.monotonic() + seconds
        self._start_before = (
            self.deadline if start_before is None else min(start_before, self.deadline)
        )
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        _alarms.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _alarms.discard(self)
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def connect(self, host: str, port: int, *, timeout: float) -> socket.socket:
        """A connection to the first address of `host` that takes one, watched from then on.

        timeout: seconds for each address. Gives up by itself when it is too late to send.
        Raises OSError, TimeoutError among them.
        """
        failure = OSError("no address")
        for family, kind, protocol, _, address in _look_up(host, port, seconds=self._left()):
            connecting = socket.socket(family, kind, protocol)
            try:
                connecting.settimeout(min(timeout, max(self._left(), 0.001)))
                connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connecting.connect(address)
                self.watch(connecting)
            except OSError as error:
                connecting.close()
                failure = error
            else:
                return connecting
        raise failure

    def watch(self, connected: socket.socket) -> None:
        """Takes note of the connection to cut; a deadline already passed cuts it at once."""
        with self._lock:
            # A duplicate: TLS takes the original over, and its number may be reused once closed.
            self._socket = connected.dup()
            if self.expired:
                self._cut()

    def allow_sending(self) -> None:
        """To be asked before every byte sent; TimeoutError when the first may not or too late."""
        if self.sending:
            return
        if self._permission is not None and not self._permission.wait(self._left()):
            raise TimeoutError("no permission to begin")
        if self._left() <= 0:
            raise TimeoutError("too late to begin")
        self.sending = True

    def failure(self, error: Exception) -> errors.WolkvoxError:
        """What the end of the call means: nothing was sent, or nobody knows what came of it."""
        expired = self.expired or time.monotonic() >= self.deadline
        reason = "deadline" if expired else _innermost(error)
        if self.certificate_refused:
            return errors.CertificateRefused(reason=reason)
        if not self.sending:
            return errors.NotSent(reason=reason)
        return errors.Unclear(reason=reason)

    def _left(self) -> float:
        return self._start_before - time.monotonic()

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Alarms:
    """One thread for all the watchdogs of a process; it starts with the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._set: set[Watchdog] = set()
        self._next = float("inf")
        self._thread: threading.Thread | None = None

    def add(self, watchdog: Watchdog) -> None:
        with self._changed:
            self._set.add(watchdog)
            if self._thread is None or not self._thread.is_alive():  # as in a forked process
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
            elif watchdog.deadline < self._next:
                self._changed.notify()

    def discard(self, watchdog: Watchdog) -> None:
        with self._changed:
            self._set.discard(watchdog)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._next = min((one.deadline for one in self._set), default=float("inf"))
                left = self._next - time.monotonic()
                if left > 0:
                    self._changed.wait(min(left, threading.TIMEOUT_MAX))
                late = [one for one in self._set if one.deadline <= time.monotonic()]
                self._set.difference_update(late)
            for watchdog in late:
                watchdog.expire()


_alarms = _Alarms()


def _look_up(host: str, port: int, *, seconds: float) -> list[Any]:
    """What `socket.getaddrinfo` finds within `seconds`; TimeoutError when that is too slow.

    Nothing can interrupt the system's resolver: the thread that asks it is left to itself. An
    address in numbers needs no resolver.
    """
    if _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            found.put(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=max(seconds, 0))
    except queue.Empty:
        answer = TimeoutError("the name was not looked up in time")
    if isinstance(answer, Exception):
        raise answer
    return answer


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _innermost(error: BaseException) -> str:
    for _ in range(20):  # a chain may run in a circle
        error = error.__cause__ or error.__context__ or error
    return type(error).__name__
