"""Uploads as a table."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _

from media_assets.exports.reading import Position, as_stored
from media_assets.exports.tables import Column, Kind, Names, Table, Words, chosen
from media_assets.models import Connector, Format, Outcome, Status
from media_assets.models.clock import now_in_database
from media_assets.models.querysets import UploadQuerySet


def history(uploads: UploadQuerySet, *, machine: bool = False, note: str = "") -> Table:
    """The uploads there are now, in the language and the time zone that are active now."""
    return Table(
        name="history",
        title=_("History"),
        rows=uploads,
        columns=_columns(machine=machine),
        begin=Position(at=now_in_database()),  # whose clock stamps uploads
        zone=timezone.get_current_timezone(),
        machine=machine,
        note=note,
    )


def _columns(*, machine: bool) -> list[Column]:
    def words(choices: type[TextChoices]) -> Words | None:
        if machine:
            return None
        return chosen({value: str(label) for value, label in choices.choices})

    people = Names(User.objects.all(), "username")
    lines = Names(Connector.objects.all(), "operation__name", "name", "connector_id")
    line = "connector"
    instant = Kind.INSTANT
    return [
        Column("created_at", _("Submitted"), as_stored("created_at"), instant),
        Column("person", _("Person"), "submitted_by", words=people.words("username")),
        Column("operation", _("Operation"), line, words=lines.words("operation__name")),
        Column("connector", _("Connector"), line, words=lines.words("name")),
        Column("connector_id", _("Connector id"), line, words=lines.words("connector_id")),
        Column("label", _("Label"), "label"),
        Column("file_url", _("File"), "file_url"),
        Column("campaign", _("Campaign"), "campaign"),
        Column("format", _("Format"), "format", words=words(Format)),
        Column("content_type", _("Type"), "content_type"),
        Column("size", _("Size in bytes"), "size", Kind.NUMBER),
        Column("status", _("State"), "status", words=words(Status)),
        Column("attempt_count", _("Attempts"), "attempt_count", Kind.NUMBER),
        Column("last_outcome", _("Result"), "last_outcome", words=words(Outcome)),
        Column("vendor_message", _("What wolkvox said"), "vendor_message"),
        Column("finished_at", _("Finished"), as_stored("finished_at"), instant),
        Column(
            "handle_expires_at", _("Expires (estimated)"), as_stored("handle_expires_at"), instant
        ),
        Column("handle", _("Handle"), "handle", Kind.HANDLE),
        Column("code", _("Code"), as_stored("code"), words=_dashed),
    ]


def _dashed(codes: Sequence[str]) -> list[str]:
    """UUIDs as addresses have them; SQLite keeps them without dashes."""
    if len(codes[0]) == 36:
        return list(codes)
    return [f"{c[:8]}-{c[8:12]}-{c[12:16]}-{c[16:20]}-{c[20:]}" for c in codes]
