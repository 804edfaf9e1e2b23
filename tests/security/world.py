"""An installation with real-looking tokens, set in the admin as people set them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from media_assets import roles
from media_assets.models import AuditEvent, Connector, ListPage, Operation, SavedView, Status
from media_assets.wolkvox.sandbox import Sandbox
from tests.admin_pages import ENGLISH, OPERATIONS, address, form
from tests.factories import make_connector, make_upload, make_user, team


def _token(name: str) -> str:
    """52 hex digits, as the vendor's are."""
    return hashlib.sha256(name.encode()).hexdigest()[:52]


FIRST, SECOND, REPLACED, MISTYPED, BREAKS_HEADERS = map(
    _token, ["first", "second", "replaced", "mistyped", "breaks headers"]
)
TOKENS = [FIRST, SECOND, REPLACED, MISTYPED, BREAKS_HEADERS]
PEOPLE = [roles.MARKETING, "stranger", roles.SUPERVISOR, roles.CONNECTOR_ADMIN, "Owner"]
ANONYMOUS = "anonymous"
EVERYBODY = [ANONYMOUS, *PEOPLE]


@dataclass
class World:
    """`box` has the first two tokens; the operations are those of 0042, 0077 and 0099."""

    box: Sandbox
    people: dict[str, User]
    sessions: dict[str, str]
    operations: list[Operation]
    connectors: list[Connector]

    def visitor(self, who: str) -> Client:
        """A browser of one of EVERYBODY; each is new, whatever the others have been told."""
        client = Client(headers=ENGLISH)
        if who in self.sessions:
            client.cookies["sessionid"] = self.sessions[who]
        return client


@contextmanager
def world(settings: Settings) -> Iterator[World]:
    with Sandbox(operations={"0042": FIRST, "0077": SECOND, "0099": BREAKS_HEADERS}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [box.origin]
        made = World(box, _people(), {}, [], [])
        for who, person in made.people.items():
            made.sessions[who] = _session_of(person)
        _set_tokens(made)
        _add_uploads(made)
        yield made


def _people() -> dict[str, User]:
    groups = {roles.MARKETING: [team()], "stranger": [team("Brazil")]}
    return {
        who: make_user(
            roles.MARKETING if who == "stranger" else who, groups=groups.get(who, ()), email=""
        )
        for who in PEOPLE
    }


def _session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    key = client.cookies["sessionid"].value
    session = SessionStore(key)
    session["typed"] = {"urls": "https://storage.googleapis.com/wvox-0042/a.jpg"}
    session.save()
    return key


def _set_tokens(made: World) -> None:
    """As a connector admin does it: with a typing error first, and one token replaced later."""
    admin = made.visitor(roles.CONNECTOR_ADMIN)
    wrong = form(server="42", new_token=MISTYPED)
    assert admin.post(f"{OPERATIONS}add/", wrong).status_code == 200
    for server, token in (("0042", REPLACED), ("0077", SECOND)):
        typed = form(name=f"Tienda {server}", server=server, new_token=f" {token}\r\n")
        assert admin.post(f"{OPERATIONS}add/", typed).status_code == 302
    first = Operation.objects.get(server="0042")
    assert admin.post(address(first), form(first, new_token=FIRST)).status_code == 302
    assert Operation.objects.get(server="0042").reveal_token() == FIRST
    broken = Operation.objects.create(name="Broken", server="0099")
    broken.set_token(f"{BREAKS_HEADERS}\r\nX-Copy: {BREAKS_HEADERS}")  # the form takes none
    made.operations = list(Operation.objects.order_by("pk"))
    numbers = [made.box.operations[each.server].connectors[0] for each in made.operations]
    made.connectors = [
        make_connector(operation, connector_id=number["connector_id"])
        for operation, number in zip(made.operations, numbers, strict=True)
    ]


def _add_uploads(made: World) -> None:
    person, connector = made.people[roles.MARKETING], made.connectors[0]
    for status in (Status.READY, Status.FAILED, Status.CANCELLED):
        made_upload = make_upload(connector, person, status=status, campaign="Julio")
        AuditEvent.objects.record(f"upload.{status}", by=person, on=made_upload)
    later = timezone.now() + timedelta(days=1)
    make_upload(connector, person, status=Status.QUEUED, due_at=later)
    for page in ListPage:
        SavedView.objects.create(person=person, page=page, name=f"View {page}", query="q=a")
