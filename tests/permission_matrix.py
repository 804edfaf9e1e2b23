"""The table of `permissions.toml`: what it says of each address, and the world it speaks of."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from media_assets import roles
from media_assets.accounts import invitations
from media_assets.models import AuditEvent, ListPage, Operation, PersonSession, SavedView, Status
from tests.factories import (
    make_batch,
    make_connector,
    make_operation,
    make_upload,
    make_user,
    team,
)
from tests.people import give_passkey

TABLE = tomllib.loads((Path(__file__).parent / "permissions.toml").read_text())
ROLES: list[str] = TABLE["roles"]
ROUTE_ARGUMENT = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>|\(\?P<([a-z_]+)>(?:\([^()]*\)|[^()])*\)")
MISSING = {
    "code": "00000000-0000-4000-8000-000000000000",
    "id": "999999",
    "object_id": "999999",
    "pk": "999999",
}


@dataclass(frozen=True)
class Row:
    """One address with one object, and what each role gets there by each method."""

    route: str
    expected: dict[str, dict[str, str]]  # method → role → outcome
    arguments: dict[str, str] = field(default_factory=dict)
    query: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    missing: str = "404"
    what: str = ""

    def __str__(self) -> str:
        return f"{self.route or '/'} {self.what}".strip()

    def url(self, world: dict[str, str]) -> str:
        values = {name: world.get(value, value) for name, value in self.arguments.items()}
        return self._url(values) + self.query.format_map(world)

    def missing_url(self) -> str:
        """The same for an object that there is not."""
        return self._url(self.arguments | MISSING)

    @property
    def is_about_an_object(self) -> bool:
        return bool(self.arguments.keys() & MISSING.keys())

    def form(self, world: dict[str, str]) -> dict[str, Any]:
        return {name: _filled(value, world) for name, value in self.data.items()}

    def _url(self, values: dict[str, str]) -> str:
        filled = ROUTE_ARGUMENT.sub(lambda found: values[found[1] or found[2]], self.route)
        return "/" + re.sub(r"[\^$]", "", filled)


def _filled(value: Any, world: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(each, world) for each in value]
    return value.format_map(world) if isinstance(value, str) else value


def rows() -> list[Row]:
    return [_row(dict(entry)) for entry in TABLE["page"]]


def _row(entry: dict[str, Any]) -> Row:
    expected = {}
    for method in ("GET", "POST"):
        outcomes = entry.pop(method).split()
        assert len(outcomes) == len(ROLES), f"{entry['route']}: an outcome for each role"
        expected[method] = dict(zip(ROLES, outcomes, strict=True))
    return Row(expected=expected, **entry)


def routes() -> list[str]:
    """Every address of the product and of its admin, as the URL configuration has it."""
    return [route for route, _pattern in patterns()]


def patterns() -> list[tuple[str, URLPattern]]:
    return list(_walk(get_resolver(), before=""))


def _walk(resolver: URLResolver, *, before: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, before=route)
        else:
            yield route, pattern


def make_world() -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The people of the table by role, the objects that it names as they stand in addresses, and
    words that only those read who may see these objects.

    All uploads are marketing's, on a connector of her group: for the stranger they are foreign.
    """
    colombia, brazil = team(), team("Brazil")
    marketing = make_user(roles.MARKETING, username="marta", groups=[colombia])
    owner = make_user("Owner", username="olga")
    people = {
        "anonymous": None,
        "marketing": marketing,
        "colleague": make_user(roles.MARKETING, username="carla", groups=[colombia]),
        "stranger": make_user(roles.MARKETING, username="saul", groups=[brazil]),
        "supervisor": make_user(roles.SUPERVISOR, username="sofia"),
        "connector_admin": make_user(roles.CONNECTOR_ADMIN, username="adrian"),
        "owner": owner,
    }
    connector = make_connector(make_operation(name="Tienda", server="0042", token="57d1a9" * 8))
    batch = make_batch(connector, marketing, campaign="Julio")
    uploads = {
        name: make_upload(status=status, batch=batch)
        for name, status in [
            ("waiting", Status.QUEUED),
            ("ready", Status.READY),
            ("failed", Status.FAILED),
        ]
    }
    view = SavedView.objects.create(
        person=marketing, page=ListPage.HISTORY, name="Mine", query="state=failed"
    )
    event = AuditEvent.objects.record("person.signed_in", by=people["owner"], on=people["owner"])
    mine = PersonSession.objects.begin(marketing, session_key="marketing-elsewhere")
    nadia = make_user(None, username="nadia")
    passkey = give_passkey(nadia)  # nobody's of the table: each finds the own ones only
    link = invitations.make_link(nadia, by=owner, origin="http://testserver")
    empty = make_connector(make_operation(name="Empty"), groups=[])
    world = {
        "batch": str(batch.code),
        **{name: str(upload.code) for name, upload in uploads.items()},
        "view": str(view.code),
        "event": str(event.pk),
        "operation": str(connector.operation_id),
        "connector": str(connector.pk),
        "connector_code": str(connector.code),
        "empty_operation": str(empty.operation_id),
        "empty_connector": str(empty.pk),
        "person": str(nadia.pk),
        "group": str(Group.objects.create(name="Ventas").pk),
        "role": str(Group.objects.get(name=roles.SUPERVISOR).pk),
        "session": str(mine.code),
        "passkey": str(passkey.pk),
        "link": link.url.rstrip("/").rpartition("/")[2],
        "operation_type": str(ContentType.objects.get_for_model(Operation).pk),
    }
    private = [
        *(each.handle for each in uploads.values() if each.handle),
        *(each.file_url.rpartition("/")[2] for each in uploads.values()),
        *[str(connector), connector.operation.name, batch.campaign, "nadia", "Ventas"],
    ]
    return people, world, private
