"""The handles of one batch as CSV: few enough to be written at once."""

from django.utils import timezone
from django.utils.translation import gettext as _

from media_assets.exports.cells import neutral, neutral_handle
from media_assets.models import Upload


def batch_header() -> list[str]:
    """What heads `batch_row`; `submission.read_lines` knows the first two again."""
    return ["url", _("Label"), _("Handle"), _("Format"), _("Expires (estimated)"), _("State")]


def batch_row(upload: Upload) -> list[str]:
    """An upload of a batch as safe cells."""
    at = upload.handle_expires_at
    return [
        neutral(upload.file_url),
        neutral(upload.label),
        neutral_handle(upload.handle),
        neutral(upload.get_format_display()),
        timezone.localtime(at).isoformat(sep=" ", timespec="seconds") if at else "",
        neutral(upload.get_status_display()),
    ]
