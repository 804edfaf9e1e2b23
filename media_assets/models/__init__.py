"""What is kept: operations and connectors, uploads and attempts, the audit list, and figures."""

from media_assets.models.attempts import Attempt
from media_assets.models.audit import AuditEvent
from media_assets.models.batches import Batch
from media_assets.models.chain import AuditLane, Chain
from media_assets.models.clock import now_in_database
from media_assets.models.downloads import Download
from media_assets.models.figures import DayFigures, FiguresState
from media_assets.models.operations import Connector, Hold, Operation, PauseReason
from media_assets.models.people import Invitation, PersonSession
from media_assets.models.purges import Purge
from media_assets.models.saved import ListPage, NameTaken, SavedView, TooManyViews
from media_assets.models.search import HandleText, UploadText
from media_assets.models.states import Format, Outcome, Status
from media_assets.models.uploads import (
    BULK_LANE,
    QUICK_LANE,
    WAKE_CHANNEL,
    Upload,
)

__all__ = [
    "BULK_LANE",
    "QUICK_LANE",
    "WAKE_CHANNEL",
    "Attempt",
    "AuditEvent",
    "AuditLane",
    "Batch",
    "Chain",
    "Connector",
    "DayFigures",
    "Download",
    "FiguresState",
    "Format",
    "HandleText",
    "Hold",
    "Invitation",
    "ListPage",
    "NameTaken",
    "Operation",
    "Outcome",
    "PauseReason",
    "PersonSession",
    "Purge",
    "SavedView",
    "Status",
    "TooManyViews",
    "Upload",
    "UploadText",
    "now_in_database",
]
