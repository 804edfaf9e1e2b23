"""What leaves as a file: the history and the audit list as CSV or XLSX, a batch as CSV."""

from media_assets.exports.as_csv import BOM, csv_lines
from media_assets.exports.as_xlsx import Facts, xlsx_parts
from media_assets.exports.audit import audit
from media_assets.exports.batches import batch_header, batch_row
from media_assets.exports.cells import neutral, neutral_handle
from media_assets.exports.history import history
from media_assets.exports.tables import Table

__all__ = [
    "BOM",
    "Facts",
    "Table",
    "audit",
    "batch_header",
    "batch_row",
    "csv_lines",
    "history",
    "neutral",
    "neutral_handle",
    "xlsx_parts",
]
