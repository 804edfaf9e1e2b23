"""Whatever a browser or a program sends, as whoever: no page breaks."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from media_assets.models import AuditEvent, SavedView, Status
from tests.factories import make_connector, make_operation, make_upload
from tests.fuzz.budget import Tally, budget
from tests.fuzz.requests import Request, requests, routes

ROLES = ["olga", "marta", "adrian", "sofia", "saul", "nobody"]
KNOWN = {
    "page": ["history", "handles", "audit"],
    "action": ["retry", "renew", "cancel", "campaign"],
    "app_label": ["auth", "media_assets"],
}


class People:
    """A signed-in browser for each role, the same before each request."""

    def __init__(self, users: list[Any]) -> None:
        self._clients = {"nobody": Client(raise_request_exception=False)}
        for user in users:
            client = Client(raise_request_exception=False)
            client.force_login(user)
            self._clients[user.username] = client
        self._cookies = {
            name: {cookie: morsel.value for cookie, morsel in client.cookies.items()}
            for name, client in self._clients.items()
        }

    def send(self, request: Request) -> Any:
        client = self._clients[request.role]
        client.cookies.clear()
        client.cookies.load(self._cookies[request.role])
        extra: dict[str, Any] = {"QUERY_STRING": request.query}
        body = request.body
        if request.method == "POST" and isinstance(body, dict):
            return client.post(request.path, body, headers=request.headers, **extra)
        if isinstance(body, dict):
            body = b""
        return client.generic(
            request.method,
            request.path,
            body,
            request.content_type,
            headers=request.headers,
            **extra,
        )


@pytest.fixture
def people(
    marketing: Any, stranger: Any, supervisor: Any, connector_admin: Any, owner: Any, settings: Any
) -> Iterator[tuple[People, dict[str, list[str]]]]:
    settings.STORAGE_HOSTS = []  # nothing is looked at: that has its own tests
    settings.BEHIND_PROXY = True
    # all of it is one sign-in, however long it takes
    settings.SESSION_IDLE = settings.SESSION_ABSOLUTE = timedelta(days=1)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 24 * 60 * 60
    settings.ACCOUNT_RATE_LIMITS = settings.MFA_RATE_LIMITS = {}
    cache.clear()
    operation = make_operation(server="0042")
    connector = make_connector(operation)
    uploads = [
        make_upload(connector, by=marketing, status=status, label=f"ñ {status}")
        for status in Status.values
    ]
    view = SavedView.objects.create(person=marketing, page="history", name="x", query="q=x")
    AuditEvent.objects.record("upload.submitted", by=marketing, on=uploads[0])
    codes = [str(one.code) for upload in uploads for one in (upload, upload.batch)]
    keys = [str(one.pk) for one in (operation, connector, owner, marketing)]
    known = {**KNOWN, "code": [*codes, str(view.code)], "object_id": keys, "id": keys}
    logging.disable(logging.CRITICAL)
    yield (
        People([marketing, stranger, supervisor, connector_admin, owner]),
        known,
    )
    logging.disable(logging.NOTSET)
    cache.clear()


def test_every_own_page_is_among_the_routes() -> None:
    found = set(routes())
    assert {"", "uploads/new/", "uploads/<uuid:code>/", "admin/auth/user/add/"} <= found
    assert len(found) > 70
    assert reverse("audit").strip("/") + "/" in found


def test_each_of_them_is_signed_in(people: tuple[People, dict[str, list[str]]]) -> None:
    browsers, _known = people
    for role in ROLES:
        answer = browsers.send(Request(role, "GET", "/history/", "", {}, "", {}))
        assert answer.status_code == (302 if role == "nobody" else 200)


def test_no_request_breaks_a_page(people: tuple[People, dict[str, list[str]]]) -> None:
    browsers, known = people
    tally = Tally("requests")

    @budget("REQUESTS", otherwise=300)
    @given(requests(roles=ROLES, known=known))
    def sent(request: Request) -> None:
        tally.require_time()
        with transaction.atomic():
            answer = browsers.send(request)
            if answer.streaming:
                list(answer.streaming_content)
            transaction.set_rollback(True)
        tally.count(answer.status_code)
        if answer.status_code >= 500:
            tally.found()
            raise AssertionError(f"{answer.status_code}: {answer.exc_info!r}"[:500])

    tally.run(sent)


def test_a_page_that_breaks_is_found(
    people: tuple[People, dict[str, list[str]]], monkeypatch: Any
) -> None:
    """The control of the test above: of a hundred requests to one broken page, one is enough."""
    browsers, known = people
    monkeypatch.setattr("media_assets.roles.uploads_visible_to", lambda _user: None)

    @budget("CONTROL", otherwise=60)
    @given(requests(roles=["olga"], known=known), st.sampled_from(["/handles/", "/history/"]))
    def sent(request: Request, path: str) -> None:
        broken = Request("olga", "GET", path, "", {}, "", {})
        assert browsers.send(broken).status_code < 500, request.method

    with pytest.raises(AssertionError):
        sent()
