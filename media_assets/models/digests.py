"""What an audit event's digest is made of: the digest before it in its lane, and all it says.

These functions must give for ever what they give today, or no earlier event could be verified.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

# of the model, in the order of the digest
CONTENT = (
    "id",
    "created_at",
    "actor_id",
    "actor_name",
    "action",
    "object_type",
    "object_code",
    "object_label",
    "data",
    "address",
)


def digest_of(previous: str, *, lane: str, number: int, content: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of an event's place and content; `previous` is "" for a lane's first.

    Raises TypeError or ValueError for content that is of no event of ours.
    """
    created_at: datetime = content["created_at"]
    said = {
        **{name: content[name] for name in CONTENT},
        "created_at": created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "data": _plain(json.loads(json.dumps(content["data"], allow_nan=False))),
        "address": _address(content["address"]),
    }
    text = json.dumps([previous, lane, number, said], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """JSON as both databases give it back: PostgreSQL's numbers are decimal, 1e3 becomes 1000."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))
    return value


def _address(text: str | None) -> str | None:
    """One spelling for the several that an IPv6 address has, the same in every Python."""
    return None if text is None else ip_address(text).packed.hex()
