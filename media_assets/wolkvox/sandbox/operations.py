"""A customer's tenant as wolkvox sees it: token, connectors, daily limit, templates."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

# The vendor allows licences x 1000 calls a day. Ours: so many that only a test which sets
# `daily_limit` meets it.
LICENCES = 1000
FIRST_CONNECTOR_ID = 1266


class Connector(TypedDict):
    connector_id: str
    rp_id: str
    name: str
    channel: str


@dataclass(kw_only=True)
class Operation:
    """One operation; every field may be changed while the sandbox runs."""

    server: str
    token: str
    connectors: list[Connector]
    licences: int = LICENCES
    daily_limit: int = LICENCES * 1000
    used_today: int = 0
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def use(self) -> bool:
        """Count one call of the day; False when the limit is used up."""
        with self.lock:
            if self.used_today >= self.daily_limit:
                return False
            self.used_today += 1
            return True

    def connector(self, connector_id: str) -> Connector | None:
        matches = (item for item in self.connectors if item["connector_id"] == connector_id)
        return next(matches, None)


class Slots:
    """The vendor's limit: two simultaneous calls per token."""

    LIMIT = 2

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def enter(self, token: str) -> bool:
        with self._lock:
            taken = self._taken.get(token, 0)
            if taken >= self.LIMIT:
                return False
            self._taken[token] = taken + 1
            return True

    def leave(self, token: str) -> None:
        with self._lock:
            self._taken[token] -= 1


def make_operations(tokens: Mapping[str, str]) -> dict[str, Operation]:
    """One operation for each `{"0042": token}`; connector numbers start at 1266, 1366, …"""
    return {
        server: Operation(
            server=server,
            token=token,
            connectors=_connectors(FIRST_CONNECTOR_ID + 100 * position),
        )
        for position, (server, token) in enumerate(tokens.items())
    }


def _connectors(first: int) -> list[Connector]:
    lines = (
        ("WhatsApp Ventas", "whatsapp"),
        ("WhatsApp Servicio al cliente", "whatsapp"),
        ("Chat del sitio web", "chat-web"),
        ("Facebook", "facebook"),
    )
    return [
        Connector(
            connector_id=str(first + place), rp_id=f"10{first + place}", name=name, channel=channel
        )
        for place, (name, channel) in enumerate(lines)
    ]
