"""Pause and resume, enable and disable: one conditional UPDATE each, and its event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from media_assets import submission
from media_assets.admin.audit import record
from media_assets.models import Operation, PauseReason


@dataclass(frozen=True)
class Switch:
    """A change that one button makes, and what people read about it.

    turn: changes those rows of a queryset that are not yet so, and returns how many.
    """

    title: str | Promise
    explanation: str | Promise
    done: str | Promise
    turn: Callable[[Any], int]
    event: str
    data: dict[str, str] = field(default_factory=dict)


SWITCHES = {
    "pause": Switch(
        title=_("Pause"),
        explanation=_(
            "Nothing is sent until somebody resumes it. What people submit meanwhile waits."
        ),
        done=_("Paused: %(names)s."),
        turn=lambda rows: int(rows.pause(PauseReason.MANUAL, until=None)),
        event="paused",
        data={"because": PauseReason.MANUAL.value},
    ),
    "resume": Switch(
        title=_("Resume"),
        explanation=_("Its pause ends, whatever the reason was, and what waits is sent."),
        done=_("Resumed: %(names)s."),
        turn=lambda rows: int(rows.resume()),
        event="resumed",
    ),
    "enable": Switch(
        title=_("Enable"),
        explanation=_("People can submit on it again, and what waits is sent."),
        done=_("Enabled: %(names)s."),
        turn=lambda rows: int(rows.filter(is_active=False).update(is_active=True)),
        event="enabled",
    ),
    "disable": Switch(
        title=_("Disable"),
        explanation=_(
            "Nobody can submit on it, nothing is sent and what waits goes on waiting. "
            "Its history stays."
        ),
        done=_("Disabled: %(names)s."),
        turn=lambda rows: int(rows.filter(is_active=True).update(is_active=False)),
        event="disabled",
    ),
}


def switch(request: HttpRequest, name: str, *, kind: str, targets: QuerySet[Any]) -> None:
    """Switch each target, record those that changed, and tell the person."""
    changed = [str(each) for each in targets if _turn(request, name, kind=kind, target=each)]
    if not changed:
        messages.info(request, _("Nothing to change: it is so already."))
        return
    messages.success(request, SWITCHES[name].done % {"names": ", ".join(changed)})


def action(name: str) -> Callable[[Any, HttpRequest, QuerySet[Any]], None]:
    """The same as an action of a list, for an admin that has a `kind`."""

    @admin.action(description=SWITCHES[name].title, permissions=["change"])  # type: ignore[arg-type]  # lazy
    def switch_selected(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        switch(request, name, kind=model_admin.kind, targets=queryset)

    switch_selected.__name__ = name
    return switch_selected


def fitting(operation: Operation) -> list[str]:
    """The switches that would change something about this operation now."""
    paused_by_person = operation.paused_reason == PauseReason.MANUAL
    return [
        *(["resume"] if operation.paused_reason else []),
        *(["pause"] if not paused_by_person else []),
        "disable" if operation.is_active else "enable",
    ]


def _turn(request: HttpRequest, name: str, *, kind: str, target: Model) -> bool:
    chosen = SWITCHES[name]
    with transaction.atomic():
        if not chosen.turn(type(target)._default_manager.filter(pk=target.pk)):
            return False
        record(request, f"{kind}.{chosen.event}", on=target, **chosen.data)
        submission.wake_workers()
    return True
