"""Wherever a page is told where to go next, it stays on this site."""

from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from media_assets.models import Status
from tests.factories import PASSWORD, make_connector, make_upload
from tests.people import code_of, give_app

HOME = "http://testserver"
PAYLOADS = [
    "https://evil.test/",
    "http://evil.test/",
    "//evil.test/",
    "///evil.test/",
    "////evil.test/",
    "/\\evil.test/",
    "\\\\evil.test/",
    "\\/evil.test/",
    "/\\/evil.test/",
    "/\t/evil.test/",
    "\t//evil.test/",
    "/\n/evil.test/",
    "/\r/evil.test/",
    "\x00//evil.test/",
    " //evil.test/",
    "\u00a0//evil.test/",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "http:\\\\evil.test",
    "HtTpS://evil.test/",
    "https://testserver@evil.test/",
    "https://testserver:80@evil.test/",
    "https://testserver.evil.test/",
    "https://evil.test\\@testserver/",
    "https://evil.test#@testserver/",
    "https://evil.test?@testserver/",
    "//testserver@evil.test/",
    "//evil.test%2f@testserver/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "ftp://evil.test/",
    "file:///etc/passwd",
    "//[::1]/",
    "//2130706433/",
    "/%09/evil.test/",
    "/%5cevil.test/",
    "/..//evil.test/",
    "/.//evil.test/",
    "//evil。test/",
    "/history/\r\nLocation: https://evil.test/",
    "/history/\r\n\r\n<script>alert(1)</script>",
    "evil.test/",
    "?next=https://evil.test/",
    "",
]


def stays(answer, *, at="/") -> bool:
    """Whether a browser would stay: what it makes of the address, backslashes and blanks too."""
    if answer.status_code not in {301, 302, 303, 307, 308}:
        return answer.status_code in {200, 400, 404}
    location = answer.headers["Location"]
    assert "\r" not in location
    assert "\n" not in location
    assert set(answer.headers).isdisjoint({"Evil"})
    as_browsers_do = location.strip("\x00 \t\r\n\u00a0").replace("\\", "/").replace("\t", "")
    target = urlsplit(urljoin(f"{HOME}{at}", as_browsers_do))
    return (target.scheme, target.netloc) == ("http", "testserver")


def test_there_are_at_least_25_payloads():
    assert len(set(PAYLOADS)) >= 25


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_signing_in_stays_home(payload, marketing):
    values = {"username": "marta", "password": PASSWORD, "next": payload}
    posted = Client().post(reverse("login"), values)
    assert posted.status_code == 302
    assert stays(posted)
    asked = Client()
    asked.force_login(marketing)
    assert stays(asked.get(reverse("login"), {"next": payload}), at=reverse("login"))


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_second_factors_and_proofs_stay_home(payload, marketing, client_for):
    secret = give_app(marketing)
    browser = Client()
    values = {"username": "marta", "password": PASSWORD, "next": payload}
    assert stays(browser.post(reverse("login"), values))
    code = {"code": code_of(secret), "next": payload}
    answer = browser.post(reverse("mfa_authenticate"), code)
    assert answer.status_code == 302
    assert stays(answer)

    client = client_for(marketing)
    proof = {"password": PASSWORD, "next": payload}
    answer = client.post(reverse("account_reauthenticate"), proof)
    assert answer.status_code == 302
    assert stays(answer)
    later = {"code": code_of(secret, steps=1), "next": payload}
    answer = client.post(reverse("mfa_reauthenticate"), later)
    assert answer.status_code == 302
    assert stays(answer)
    for name in ("account_reauthenticate", "mfa_reauthenticate", "prove_by_provider"):
        page = client.get(reverse(name), {"next": payload})
        assert stays(page)
        assert 'href="https://evil' not in page.content.decode()
        assert 'href="//evil' not in page.content.decode()


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_choosing_a_language_stays_home(payload, db):
    for headers in ({}, {"referer": payload.encode("ascii", "replace").decode()}):
        answer = Client(headers=headers).post(
            reverse("set_language"), {"language": "en", "next": payload}
        )
        assert stays(answer, at=reverse("set_language"))


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_going_back_after_a_button_stays_home(payload, marketing, client_for):
    upload = make_upload(make_connector(), by=marketing, status=Status.FAILED)
    client = client_for(marketing)
    for name in ("retry", "cancel"):
        answer = client.post(reverse(name, args=[upload.code]), {"back": payload})
        assert answer.status_code == 303
        assert stays(answer)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_no_page_links_to_where_its_address_says(payload, marketing, client_for):
    """Pages that are led to with `next` show it in a field only, and links stay as they are."""
    page = client_for(marketing).get(reverse("password_change"), {"next": payload, "back": payload})
    html = page.content.decode()
    assert 'href="https://evil' not in html
    assert 'href="//evil' not in html
    assert 'href="javascript' not in html.lower()


@pytest.mark.parametrize("page", ["overview", "new_upload", "history"])
def test_being_led_to_the_sign_in_page_stays_home(page, db):
    answer = Client().get(reverse(page) + "?next=https://evil.test//evil.test")
    assert stays(answer)
    for path in ("//evil.test/", "/\\evil.test/", "//evil.test/..", "/%2f%2fevil.test"):
        assert stays(Client().get(path), at=path)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_the_ways_into_the_administration_stay_home(payload, owner, client_for):
    query = {"next": payload}
    for visitor in (Client(), client_for(owner)):
        for path in ("/admin/login/", "/admin/", "/admin/password_change/"):
            assert stays(visitor.get(path, query), at=path)
    values = {"username": "olga", "password": PASSWORD}
    answer = Client().post("/admin/login/", values | query)
    assert stays(answer, at="/admin/login/")
