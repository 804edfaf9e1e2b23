"""Audit events in words, for the audit list and for the page of what they are about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from media_assets import actions
from media_assets.models import AuditEvent, Outcome, Upload
from media_assets.views.snippet_words import SNIPPETS

MOST_EVENTS = 20


@dataclass(frozen=True)
class Told:
    """What people read of an event; `data` is all that is known besides, "" if that is nothing."""

    event: AuditEvent
    who: str
    what: str
    note: str
    data: str


def told(event: AuditEvent) -> Told:
    return Told(
        event,
        who=event.actor_name if event.actor_id else actions.actor(event.actor_name),
        what=actions.in_words(event.action) or event.action,
        note=_note(event.data),
        data=json.dumps(event.data, ensure_ascii=False, indent=2) if event.data else "",
    )


def events_of(upload: Upload) -> list[Told]:
    """The newest events about an upload and about its batch, one more than are shown.

    With that by which somebody asked for it, where it renews another.
    """
    code, batch = str(upload.code), str(upload.batch.code)
    about = Q(object_type="upload", object_code=code) | Q(object_type="batch", object_code=batch)
    if upload.renews is not None:
        asked = Q(data__renewal=code) | Q(data__batch=batch)
        earlier = Q(object_type="upload", object_code=str(upload.renews.code))
        about |= earlier & Q(action="upload.renewed") & asked
    events = AuditEvent.objects.filter(about).order_by("-id")
    return [told(event) for event in events[: MOST_EVENTS + 1]]


def _note(data: Mapping[str, Any]) -> str:
    """In which form a handle was copied, or why something came about."""
    snippet, because = str(data.get("snippet", "")), str(data.get("because", ""))
    if snippet in SNIPPETS:
        return str(SNIPPETS[snippet][0])
    return str(Outcome(because).label) if because in Outcome.values else ""
