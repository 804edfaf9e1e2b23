"""The worker's half of the queue: claim, call, record, recover.

The database coordinates: claiming and recording lock the operations that share a token, so that
at most so many calls are in flight per token over all workers, threads and machines.
"""

from media_assets.delivery.queue import Claim, claim_next, record, recover
from media_assets.delivery.rules import Result
from media_assets.delivery.statements import look
from media_assets.delivery.worker import Worker

__all__ = ["Claim", "Result", "Worker", "claim_next", "look", "record", "recover"]
