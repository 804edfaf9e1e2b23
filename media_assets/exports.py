"""Uploads as CSV: the history, streamed while it is read, and the rows of one batch."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from media_assets.models import Format, Outcome, Status, Upload
from media_assets.models.querysets import UploadQuerySet

BOM = "\ufeff"  # without it spreadsheets read UTF-8 as something else
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Which character parts cells depends on the reader's country: any of them may begin one.
FORMULA = re.compile(r"(^|[;,\t\r\n])(?=[=+\-@\t\r])")
CHUNK = 1000


@dataclass(frozen=True)
class _Words:
    """What people read in place of the stored values."""

    formats: dict[str, str]
    states: dict[str, str]
    outcomes: dict[str, str]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def history_csv(uploads: UploadQuerySet) -> Iterator[str]:
    """One line an upload between a header and a last line with the count; ends with CRLF.

    Texts are translated now, not while streaming, when the language may be another one.
    """
    header = [
        _("Submitted"),
        _("Person"),
        _("Operation"),
        _("Connector"),
        _("Connector id"),
        _("Label"),
        _("File"),
        _("Campaign"),
        _("Format"),
        _("Type"),
        _("Size in bytes"),
        _("State"),
        _("Attempts"),
        _("Result"),
        _("What wolkvox said"),
        _("Finished"),
        _("Expires (estimated)"),
        _("Handle"),
        _("Code"),
    ]
    words = _Words(
        formats={value: str(label) for value, label in Format.choices},
        states={value: str(label) for value, label in Status.choices},
        outcomes={value: str(label) for value, label in Outcome.choices},
    )
    return _lines(uploads, header=header, words=words, total=_("Rows"))


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula, nor a part of it for another."""
    return FORMULA.sub(r"\1'", "" if cell is None else str(cell))


def neutral_handle(handle: str) -> str:
    """The handle byte for byte, as long as it does not begin like a formula as none does."""
    return f"'{handle}" if handle.startswith(FORMULA_STARTS) else handle


def batch_header() -> list[str]:
    """What heads `batch_row`; `submission.read_lines` knows the first two again."""
    return ["url", _("Label"), _("Handle"), _("Format"), _("Expires (estimated)"), _("State")]


def batch_row(upload: Upload) -> list[str]:
    """An upload of a batch as safe cells."""
    return [
        neutral(upload.file_url),
        neutral(upload.label),
        neutral_handle(upload.handle),
        neutral(upload.get_format_display()),
        _instant(upload.handle_expires_at),
        neutral(upload.get_status_display()),
    ]


def _lines(
    uploads: UploadQuerySet, *, header: list[str], words: _Words, total: str
) -> Iterator[str]:
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    yield BOM + writer.writerow([neutral(cell) for cell in header])
    count = 0
    for upload in uploads.iterator(chunk_size=CHUNK):
        count += 1
        yield writer.writerow(_row(upload, words=words))
    yield writer.writerow([total, count])


def _row(upload: Upload, *, words: _Words) -> list[str]:
    cells = [
        _instant(upload.created_at),
        upload.submitted_by.get_username(),
        upload.connector.operation.name,
        upload.connector.name,
        upload.connector.connector_id,
        upload.label,
        upload.file_url,
        upload.campaign,
        words.formats.get(upload.format, upload.format),
        upload.content_type,
        upload.size,
        words.states[upload.status],
        upload.attempt_count,
        words.outcomes.get(upload.last_outcome, ""),
        upload.vendor_message,
        _instant(upload.finished_at),
        _instant(upload.handle_expires_at),
    ]
    return [*map(neutral, cells), neutral_handle(upload.handle), str(upload.code)]


def _instant(at: datetime | None) -> str:
    """ISO 8601 with the person's offset, to the second."""
    return timezone.localtime(at).isoformat(sep=" ", timespec="seconds") if at else ""
