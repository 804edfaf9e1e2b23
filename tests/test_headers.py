"""Every answer says how it is to be treated: pages, fragments, files, errors and redirects."""

import gzip
import json
import re
import subprocess
import sys
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD
from tests.permission_matrix import make_world, rows
from tools.environment import like_production

EXACT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OVER_HTTPS = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
}


@pytest.fixture(autouse=True)
def _without_identity_provider(settings: Any) -> None:
    """Forms go to its address as well, where there is one."""
    policy = deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"] = ["'self'"]
    settings.CONTENT_SECURITY_POLICY = policy


def lacking(response: Any) -> list[str]:
    """What is wrong with the headers of an answer; of one for a person also its keeping."""
    headers = response.headers
    found = [name for name, value in EXACT.items() if headers.get(name) != value]
    policy = headers.get("Content-Security-Policy", "")
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    if directives.get("default-src") != "'none'" or directives.get("frame-ancestors") != "'none'":
        found.append("policy")
    if re.search(r"unsafe-|\*|(?<!img-src 'self' )data:|http:", policy):
        found.append("policy too wide")
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        found.append("Permissions-Policy")
    if [name for name in headers if name.startswith("Access-Control-")]:
        found.append("cross-origin access")
    return found


def unkept(response: Any) -> list[str]:
    return [] if "no-store" in response.headers.get("Cache-Control", "") else ["kept in a cache"]


@pytest.fixture
def browsers(db: None) -> tuple[list[Client], dict[str, str]]:
    people, named, _private = make_world()
    owner, stranger, anonymous = (Client(raise_request_exception=False) for _ in range(3))
    owner.force_login(people["owner"])
    stranger.force_login(people["stranger"])
    return [owner, stranger, anonymous], named


def test_every_page_has_every_header_for_everybody(browsers):
    (owner, stranger, anonymous), named = browsers
    found, asked = {}, 0
    leaves = {"account/sign-out/", "account/password/"}
    for row in rows():
        for browser, method in [
            (owner, owner.get),
            (stranger, stranger.get),
            (anonymous, anonymous.get),
            (stranger, stranger.post),
        ]:
            if row.route in leaves and method == stranger.post:
                continue
            response = method(row.url(named), row.form(named) if method == stranger.post else None)
            asked += 1
            if problems := lacking(response) + unkept(response):
                found[f"{row} {browsers[0].index(browser)} {response.status_code}"] = problems

    assert found == {}
    assert asked > 400


def test_fragments_have_every_header(browsers):
    (owner, *_others), named = browsers
    for url in (f"/batches/{named['batch']}/progress/", "/history/figures/", "/uploads/new/probe/"):
        response = owner.get(url, headers={"hx-request": "true"})
        assert response.status_code == 200
        assert lacking(response) + unkept(response) == []


def test_what_is_downloaded_has_every_header(browsers):
    (owner, *_others), named = browsers
    for url in (
        "/history/export.csv",
        "/history/export.xlsx",
        "/audit/export.csv",
        f"/batches/{named['batch']}/handles.csv",
    ):
        response = owner.get(url)
        assert "attachment" in response.headers["Content-Disposition"]
        assert lacking(response) + unkept(response) == []
        response.getvalue()


def test_every_file_has_every_header_and_may_be_kept(client):
    found, asked = {}, 0
    for finder in finders.get_finders():
        for path, _storage in finder.list([]):
            response = client.get(f"/static/{path}")
            response.getvalue()
            asked += 1
            if problems := lacking(response):
                found[path] = problems
            assert response.status_code == 200
            assert "no-store" not in response.headers.get("Cache-Control", "")

    assert found == {}
    assert asked > 100


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"path": "/", "headers": {"host": "evil.test"}}, 400),
        ({"path": "/%00/"}, 404),
        ({"path": "/nowhere/"}, 404),
        ({"path": "/history"}, 301),
        ({"path": "/static/nowhere.js"}, 404),
        ({"path": "/uploads/00000000-0000-4000-8000-000000000000/retry/"}, 302),
    ],
)
def test_errors_and_redirects_have_every_header(client, db, sent, status):
    response = client.get(**sent)

    assert response.status_code == status
    assert lacking(response) + unkept(response) == []


@pytest.mark.parametrize(("method", "status"), [("put", 405), ("options", 405), ("post", 403)])
def test_refused_methods_and_forms_have_every_header(db, method, status):
    response = getattr(Client(enforce_csrf_checks=True), method)("/account/sign-in/")

    assert response.status_code == status
    assert lacking(response) + unkept(response) == []


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, 500), (OperationalError, 503)])
def test_what_broke_has_every_header(browsers, monkeypatch, error, status):
    def break_down(*_args: Any) -> None:
        raise error("broken")

    monkeypatch.setattr("media_assets.roles.uploads_visible_to", break_down)
    response = browsers[0][0].get("/")

    assert response.status_code == status
    assert lacking(response) + unkept(response) == []


def test_over_https_browsers_are_told_to_stay_there(db, settings):
    for name, value in OVER_HTTPS.items():
        setattr(settings, name, value)
    client = Client()

    for path in ("/account/sign-in/", "/nowhere/", "/static/media_assets/app.css", "/"):
        there, here = client.get(path, secure=True), client.get(path)
        assert there.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert here.status_code == 301
        assert here.headers["Location"] == f"https://testserver{path}"
        assert "Strict-Transport-Security" not in here.headers
        assert lacking(there) + lacking(here) == []
        there.getvalue()  # closes the file


def test_cookies_stay_with_this_host_and_scripts_do_not_read_them(owner, settings):
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-s", "__Host-c"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.LANGUAGE_COOKIE_SECURE = settings.HTTPS = True
    client = Client(headers={"accept-language": "en"})
    client.get("/account/sign-in/", secure=True)
    client.post("/language/", {"language": "en"}, secure=True)
    client.post(
        "/account/sign-in/", {"username": owner.username, "password": PASSWORD}, secure=True
    )

    cookies = {name: cookie for name, cookie in client.cookies.items() if cookie.value}
    assert cookies.keys() >= {"__Host-s", "__Host-c", "language"}
    for name, cookie in cookies.items():
        assert (cookie["secure"], cookie["httponly"]) == (True, True), name
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", ""), name


def test_an_installation_as_it_comes_is_for_https_only():
    names = [
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_HTTPONLY",
        "LANGUAGE_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
    ]
    program = f"""
import json
from django.conf import settings
print(json.dumps([getattr(settings, name) for name in {names}] + settings.MIDDLEWARE[:2]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=like_production(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [
        "__Host-sessionid",
        "__Host-csrftoken",
        *[True] * 5,
        31_536_000,
        "media_assets.tracing.trace_requests",
        "media_assets.headers.headers",
    ]


def test_pages_are_compressed_and_exports_leave_at_once(owner, client_for):
    client = client_for(owner)
    asked = {"accept-encoding": "gzip"}
    page = client.get(reverse("history"), headers=asked)
    export = client.get(reverse("history_csv"), headers=asked)

    assert page["Content-Encoding"] == "gzip"
    assert b"<!doctype html>" in gzip.decompress(page.content)
    assert "Accept-Encoding" in page["Vary"]
    assert "Content-Encoding" not in export
    assert b"".join(export.streaming_content).startswith(b"\xef\xbb\xbf")
