"""Audit events as a table."""

import json
from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from media_assets import actions
from media_assets.exports.reading import Position, as_stored
from media_assets.exports.tables import Column, Kind, Table, chosen
from media_assets.models.audit import AuditEventQuerySet


def audit(events: AuditEventQuerySet, *, machine: bool = False) -> Table:
    """The events there are now, in the language and the time zone that are active now."""
    return Table(
        name="audit",
        title=_("Audit list"),
        rows=events,
        columns=_columns(machine=machine),
        begin=Position(at=timezone.now()),
        zone=timezone.get_current_timezone(),
        machine=machine,
    )


def _columns(*, machine: bool) -> list[Column]:
    """With the place in the chain: what is exported can be compared with what is verified."""
    names = {
        name: actions.actor(name) for name in (actions.WORKER, actions.SERVER, actions.VISITOR)
    }
    words = {action: str(text) for action, text in actions.ACTIONS.items()}
    told = [] if machine else [Column("what", _("Action"), "action", words=chosen(words))]
    return [
        Column("created_at", _("When"), as_stored("created_at"), Kind.INSTANT),
        Column("person", _("Person"), "actor_name", words=None if machine else chosen(names)),
        *told,
        Column("action", _("Code of the action"), "action"),
        Column("about", _("About"), "object_label"),
        Column("about_type", _("Kind"), "object_type"),
        Column("about_code", _("Code"), "object_code"),
        Column("address", _("IP address"), "address", words=_texts),
        Column("data", _("Details"), "data", words=_json),
        Column("number", _("Number"), "id", Kind.NUMBER),
        Column("lane", _("Lane of the chain"), "lane"),
        Column("lane_number", _("Number in the lane"), "number", Kind.NUMBER),
        Column("digest", _("Digest"), "digest"),
    ]


def _texts(values: Sequence[str | None]) -> list[str]:
    return [value or "" for value in values]


def _json(values: Sequence[str]) -> list[str]:
    """JSON as the databases store it, which differs in blanks, order and escapes."""
    return [json.dumps(json.loads(value), ensure_ascii=False, sort_keys=True) for value in values]
