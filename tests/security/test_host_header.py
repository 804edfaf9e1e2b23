"""Only the names in ALLOWED_HOSTS are answered, and whoever uses another reads our page."""

import pytest
from django.test import Client

FOREIGN = [
    "evil.test",
    "testserver.evil.test",
    "evil.test:80",
    "testserver@evil.test",
    "testserver:80@evil.test",
    "testserver/evil.test",
    "testserver\\evil.test",
    "testserver evil.test",
    "[::1",
    "127.0.0.1.evil.test",
    "2130706433",
    "*",
    "",
    "testserver:x",
    "<script>alert(1)</script>",
    "testserver\u0000",
    "a" * 5_000,
]


@pytest.mark.parametrize("host", FOREIGN, ids=ascii)
@pytest.mark.parametrize("path", ["/", "/account/sign-in/", "/admin/", "/nowhere/"])
def test_a_foreign_host_gets_400_and_a_sentence(host, path, settings, db):
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    visitor = Client(raise_request_exception=False, headers={"host": host, "accept-language": "es"})

    answer = visitor.get(path)

    assert answer.status_code == 400
    html = answer.content.decode()
    assert "Handles multimedia" in html
    assert "no se llega por este nombre" in html
    assert "/static/" not in html  # it would come without a style
    assert "evil.test" not in html
    assert "<script>alert(1)" not in html
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_files_are_there_under_our_own_names_only(settings, db):
    settings.ALLOWED_HOSTS = ["testserver"]
    path = "/static/media_assets/favicon.svg"

    ours = Client().get(path)
    ours.close()
    assert ours.status_code == 200
    assert Client(headers={"host": "evil.test"}).get(path).status_code == 400


def test_forwarded_hosts_are_not_read(settings, db):
    settings.ALLOWED_HOSTS = ["testserver"]
    for name in ("x-forwarded-host", "forwarded", "x-host", "x-original-url", "x-rewrite-url"):
        answer = Client(headers={name: "evil.test"}).get("/")
        assert answer.status_code == 302
        assert "evil" not in answer.headers["Location"]


def test_our_own_name_is_answered_whatever_its_case_or_port(settings, db):
    settings.ALLOWED_HOSTS = ["testserver"]
    for host in ("testserver", "TESTSERVER", "testserver:8000", "testserver."):
        assert Client(headers={"host": host}).get("/account/sign-in/").status_code == 200
