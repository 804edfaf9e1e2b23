"""What the imitated service consists of: the state every call of it shares."""

from dataclasses import dataclass, field

from media_assets.wolkvox.sandbox.choosing import Faults
from media_assets.wolkvox.sandbox.ledger import Ledger
from media_assets.wolkvox.sandbox.operations import Operation, Slots
from media_assets.wolkvox.sandbox.phases import Phases
from media_assets.wolkvox.sandbox.storage import Storage


@dataclass(kw_only=True)
class Vendor:
    """`latency` is in seconds and may be changed at any time; `port` is known once it listens.

    `scheme` is http or https.
    """

    operations: dict[str, Operation]
    storage: Storage
    latency: float
    handle_lifetime: int
    scheme: str = "http"
    port: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    phases: Phases = field(default_factory=Phases)
    slots: Slots = field(default_factory=Slots)
