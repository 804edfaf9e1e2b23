"""SANDBOX: an imitation of wolkvox over real HTTP, for tests and demonstrations on one machine.

Written from the vendor's documents alone and sharing no code with our client, so that a mistake in
one cannot hide in the other. What the documents leave open is marked "ours" where it is decided.
"""

from media_assets.wolkvox.sandbox.box import Sandbox
from media_assets.wolkvox.sandbox.operations import Connector, Operation

__all__ = ["Connector", "Operation", "Sandbox"]
