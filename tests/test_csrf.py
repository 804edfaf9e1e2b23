"""No other site can send a form in somebody's name, to any address of the table."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.permission_matrix import Row, make_world, patterns, rows

CHANGING = [row for row in rows() if row.expected["POST"]["owner"] != "405"]
TOKEN = "Q7xK" * 8
HOME = "https://testserver"

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender() -> Client:
    """An owner's browser, with a CSRF cookie; it checks what the test client usually lets pass."""
    sender = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    sender.cookies[settings.CSRF_COOKIE_NAME] = TOKEN
    return sender


@pytest.fixture
def named(sender: Client) -> dict[str, str]:
    people, named, _private = make_world()
    sender.force_login(people["owner"])
    return named


def answers(sender: Client, named: dict[str, str], **sent: Any) -> dict[str, int]:
    """What each changing address says to a form that is sent so."""
    token, origin = sent.pop("token", None), sent.pop("headers", {})
    found = {}
    for row in CHANGING:
        form = row.form(named) | ({"csrfmiddlewaretoken": token} if token is not None else {})
        response = sender.post(row.url(named), form, headers=origin, **sent)
        found[str(row)] = response.status_code
        sender.cookies[settings.CSRF_COOKIE_NAME] = TOKEN
    return found


def test_there_are_enough_addresses_that_change_something():
    assert len(CHANGING) > 50


def test_a_form_without_a_token_is_refused(sender, named):
    assert set(answers(sender, named).values()) == {403}


@pytest.mark.parametrize("token", ["", "b" * 32, "b" * 64, TOKEN[1:], TOKEN + "Q", "ñ" * 32])
def test_a_form_with_a_wrong_token_is_refused(sender, named, token):
    assert set(answers(sender, named, token=token).values()) == {403}


@pytest.mark.parametrize(
    "origin",
    ["https://evil.test", "http://testserver", "https://testserver.evil.test", "null", "https://"],
)
def test_a_form_of_another_site_is_refused_although_its_token_is_right(sender, named, origin):
    found = answers(sender, named, token=TOKEN, headers={"origin": origin}, secure=True)

    assert set(found.values()) == {403}


@pytest.mark.parametrize("referrer", ["https://evil.test/", "http://testserver/", ""])
def test_a_form_without_an_origin_has_to_name_a_page_of_ours(sender, named, referrer):
    found = answers(sender, named, token=TOKEN, headers={"referer": referrer}, secure=True)

    assert set(found.values()) == {403}


@pytest.mark.parametrize("row", [row for row in CHANGING if row.route == "language/"], ids=str)
def test_a_form_of_ours_is_taken(sender: Client, named: dict[str, str], row: Row):
    form = row.form(named) | {"csrfmiddlewaretoken": TOKEN}

    assert sender.post(row.url(named), form).status_code == 302
    assert (
        sender.post(row.url(named), form, headers={"origin": HOME}, secure=True).status_code == 302
    )
    assert sender.post(row.url(named), headers={"x-csrftoken": TOKEN}).status_code == 302


def test_no_address_is_exempt():
    exempt = [
        route for route, pattern in patterns() if getattr(pattern.callback, "csrf_exempt", False)
    ]

    assert exempt == []


def test_the_refusal_says_what_to_do(sender, named):
    page = sender.post("/language/").content.decode()

    assert "reload the page, and send it again" in page
