"""Connectors read from wolkvox: compared with what is here, chosen by a person, then written."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from media_assets.admin.audit import record, recording_last
from media_assets.admin.forms import GroupsField, marketing_groups
from media_assets.models import Connector, Operation
from media_assets.wolkvox.client import ConnectorInfo

VALID_FOR = 60 * 60  # seconds between reading the list and confirming the choice


@dataclass(frozen=True)
class Found:
    """A WhatsApp connector of wolkvox's list."""

    connector_id: str
    name: str


@dataclass(frozen=True)
class Row:
    """A found connector beside ours; `known_as` is our name for it, "" when it is new."""

    connector_id: str
    name: str
    known_as: str

    @property
    def differs(self) -> bool:
        return bool(self.known_as) and self.known_as != self.name


def whatsapp_only(answer: Iterable[ConnectorInfo]) -> list[Found]:
    """The WhatsApp connectors that can be stored, each number once."""
    found = {
        info.connector_id: Found(info.connector_id, (info.name or info.connector_id)[:120])
        for info in answer
        if info.channel.strip().lower() == "whatsapp" and _can_be_stored(info.connector_id)
    }
    return list(found.values())


def _can_be_stored(connector_id: str) -> bool:
    try:
        Connector._meta.get_field("connector_id").clean(connector_id, None)
    except ValidationError:
        return False
    return True


def compare(found: Iterable[Found], *, operation: Operation) -> list[Row]:
    ours = dict(operation.connectors.values_list("connector_id", "name"))
    return [Row(one.connector_id, one.name, ours.get(one.connector_id, "")) for one in found]


def pack(found: Iterable[Found], *, operation: Operation) -> str:
    """The list as text that can travel through the page and back, but not be changed there."""
    return signing.dumps([asdict(one) for one in found], salt=_salt(operation))


def unpack(text: str, *, operation: Operation) -> list[Found]:
    """Raises `signing.BadSignature` for a text that is not ours, or too old."""
    values = signing.loads(text, salt=_salt(operation), max_age=VALID_FOR)
    return [Found(**value) for value in values]


def _salt(operation: Operation) -> str:
    return f"connectors of {operation.code}"


class ChoiceForm(forms.Form):
    """Which of the new connectors to write, and which groups may use them."""

    connectors = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one connector.")},
    )
    groups = GroupsField(
        label=_("Groups that may use them"),
        queryset=marketing_groups(),
        required=False,
        help_text=_("A connector without groups can be used by no marketing person."),
    )

    def __init__(self, *args: Any, rows: Iterable[Row], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new = [(row.connector_id, row.name) for row in rows if not row.known_as]
        self.fields["connectors"].choices = new  # type: ignore[attr-defined]  # a plain Field
        self.fields["connectors"].initial = [connector_id for connector_id, _name in new]


def write(request: HttpRequest, operation: Operation, *, form: ChoiceForm) -> list[Connector]:
    """Store what was chosen and return what is new; a number that exists by now is left alone."""
    names = dict(form.fields["connectors"].choices)  # type: ignore[attr-defined]  # likewise
    groups = list(form.cleaned_data["groups"])
    written = []
    with recording_last(request):
        for connector_id in form.cleaned_data["connectors"]:
            connector, is_new = Connector.objects.get_or_create(
                operation=operation,
                connector_id=connector_id,
                defaults={"name": names[connector_id]},
            )
            if not is_new:
                continue
            connector.groups.set(groups)
            record(
                request,
                "connector.imported",
                on=connector,
                operation=operation.name,
                groups=sorted(group.name for group in groups),
            )
            written.append(connector)
    return written
