"""The list of the calls that arrived, and how many were in flight at once."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

KEPT_CALLS = 100_000


@dataclass(kw_only=True)
class Call:
    """One call. `*_at` are Unix seconds, `arrived` and `ended` monotonic seconds.

    A call ends just before its last byte is sent, so that a client which waits for one answer
    before the next call is never seen with two in flight. `http_status` stays None when a fault
    sent something that is no regular answer; `fault` then has its name. `sent_bytes` is what the
    network took of the answer, known a moment after its end.
    """

    number: int
    method: str
    api: str
    server: str
    token: str
    arrived_at: float
    arrived: float
    connector_id: str | None = None
    file_url: str | None = None
    http_status: int | None = None
    fault: str | None = None
    sent_bytes: int = 0
    ended_at: float | None = None
    ended: float | None = None

    @property
    def outcome(self) -> str:
        """The fault's name, else the HTTP status as text, else "" while the call is open."""
        return self.fault or (str(self.http_status) if self.http_status else "")


class Ledger:
    """Calls in order of arrival, tokens masked. Safe to use from any thread."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._number = 0
        self._in_flight: Counter[str] = Counter()
        self._most: Counter[str] = Counter()

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def mask(self, token: str) -> str:
        """Eight hex digits that tell tokens apart and say nothing about them; "" for none."""
        if not token:
            return ""
        return hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()[:8]

    def arrived(self, token: str, *, method: str, api: str, server: str) -> Call:
        mask = self.mask(token)
        with self._lock:
            self._number += 1
            call = Call(
                number=self._number,
                method=method,
                api=api,
                server=server,
                token=mask,
                arrived_at=time.time(),
                arrived=time.monotonic(),
            )
            self._calls.append(call)
            self._in_flight[mask] += 1
            self._most[mask] = max(self._most[mask], self._in_flight[mask])
        return call

    def ended(self, call: Call) -> None:
        with self._lock:
            call.ended_at = time.time()
            call.ended = time.monotonic()
            self._in_flight[call.token] -= 1

    def in_flight(self, token: str) -> int:
        with self._lock:
            return self._in_flight[self.mask(token)]

    def max_in_flight(self, token: str) -> int:
        """Most calls of this token at once since the start or `clear()`, refused ones included."""
        with self._lock:
            return self._most[self.mask(token)]

    def clear(self) -> None:
        """Forget every call; those still in flight go on counting."""
        with self._lock:
            self._calls.clear()
            self._most = Counter(self._in_flight)

    def as_json(self, *, latest: int = 1000, tokens: Iterable[tuple[str, str]] = ()) -> Any:
        """`{"calls", "total", "counts", "max_in_flight", "in_flight", "tokens"}`.

        `calls` has the `latest` ones; `tokens` maps each server to the mask of its token.
        """
        masks = {server: self.mask(token) for server, token in tokens}
        with self._lock:
            calls = [asdict(call) for call in list(self._calls)[-latest:]] if latest > 0 else []
            return {
                "calls": calls,
                "total": len(self._calls),
                "counts": dict(Counter(call.outcome or "open" for call in self._calls)),
                "max_in_flight": {mask: most for mask, most in self._most.items() if most},
                "in_flight": {mask: now for mask, now in self._in_flight.items() if now},
                "tokens": masks,
            }
