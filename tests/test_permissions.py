"""Every address, tried by everybody: what `permissions.toml` says is so, and it is all."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tests.permission_matrix import ROLES, Row, make_world, routes, rows

ROWS = rows()
# What anybody's request may write: that it happened, what was counted, and the session.
NOTED = {
    "django_session",
    "media_assets_auditevent",
    "media_assets_auditlane",
    "media_assets_dayfigures",
    "media_assets_download",
    "media_assets_figuresstate",
    "media_assets_personsession",
}
WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)

pytestmark = pytest.mark.django_db


class World:
    """The people of the table, signed in, and what its addresses name."""

    def __init__(self) -> None:
        people, self.named, self.private = make_world()
        self.sessions = {}
        for role, person in people.items():
            client = Client()
            if person is not None:
                client.force_login(person)
            self.sessions[role] = {name: cookie.value for name, cookie in client.cookies.items()}

    def ask(self, role: str, method: str, url: str, data: dict[str, Any]) -> tuple[Any, set[str]]:
        """The answer, and the tables that were written to; afterwards all is as it was."""
        browser = Client(headers={"accept-language": "en"})
        browser.cookies.load(self.sessions[role])
        with written() as tables:
            answer = browser.post(url, data) if method == "POST" else browser.generic(method, url)
            response: Any = answer
            response.getvalue()
        return response, tables


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def written() -> Iterator[set[str]]:
    tables: set[str] = set()

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if found := WRITES.match(sql):
            tables.add(found[1])
        return execute(sql, *rest)

    with transaction.atomic(), connection.execute_wrapper(note):
        yield tables
        transaction.set_rollback(True)


def outcome(response: Any, tables: set[str] | None = None) -> str:
    """A status or "sign-in"; with "-" after it if something could have been changed and was not."""
    told = _told(response)
    if tables is None or not told.isdecimal() or int(told) >= 400:
        return told
    return told if tables - NOTED else f"{told}-"


def _told(response: Any) -> str:
    if response.status_code == 302 and response["Location"].startswith(reverse("login")):
        return "sign-in"
    if response.status_code == 200 and response.resolver_match.view_name != "login":
        names = {template.name for template in response.templates}
        return "sign-in" if "account/sign_in.html" in names else "200"
    return str(response.status_code)


def body(response: Any, url: str) -> str:
    """What is read, without what differs from one request to the next."""
    text = (
        response.content.decode().replace(escape(url), "HERE").replace(urlsplit(url).path, "HERE")
    )
    return re.sub(r'(csrfmiddlewaretoken" value=|csrftoken": )"[^"]+"', "", text)


def test_every_address_has_a_row_and_every_row_an_address():
    assert {row.route for row in ROWS} == set(routes())
    names = [str(row) for row in ROWS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_everybody_gets_what_the_table_says(row: Row, world: World):
    """And who is refused has changed nothing, nor has a look; and strangers read nothing."""
    url, form = row.url(world.named), row.form(world.named)
    found: dict[str, dict[str, str]] = {"GET": {}, "POST": {}}
    for method, outcomes in found.items():
        for role in ROLES:
            response, tables = world.ask(role, method, url, form)
            told = outcome(response, tables if method == "POST" else None)
            outcomes[role] = told
            if method == "GET" or not told.isdecimal() or int(told) >= 400:
                assert not tables - NOTED, f"{role} {method} changes something"
            if role in {"anonymous", "stranger"}:
                text = response.getvalue().decode(errors="replace")
                assert not [word for word in world.private if word in text], f"{role} {method}"

    assert found == row.expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_about_an_object], ids=str)
def test_what_is_not_yours_looks_like_what_is_not_there(row: Row, world: World):
    url, missing_url, form = row.url(world.named), row.missing_url(), row.form(world.named)
    for method, outcomes in row.expected.items():
        for role in ROLES[1:]:
            missing, _tables = world.ask(role, method, missing_url, form)
            if outcomes[role] in {"404", "405"}:
                assert outcome(missing) == outcomes[role], f"{role} {method}"
            else:
                assert outcome(missing) == row.missing, f"{role} {method}"
            if outcomes[role] == "404":
                foreign, _tables = world.ask(role, method, url, form)
                assert body(foreign, url) == body(missing, missing_url), f"{role} {method}"


def test_other_methods_are_refused_everywhere(world: World):
    for row in ROWS:
        url = row.url(world.named)
        for role, method in [("owner", "PUT"), ("anonymous", "OPTIONS")]:
            response, tables = world.ask(role, method, url, {})
            assert (response.status_code, tables) == (405, set()), f"{method} {row}"


def test_head_gets_what_get_gets_without_a_body(world: World):
    for row in ROWS:
        response, tables = world.ask("owner", "HEAD", row.url(world.named), {})
        assert outcome(response) in {row.expected["GET"]["owner"], "405"}, str(row)
        assert not tables - NOTED
        assert response.getvalue() == b"", str(row)
