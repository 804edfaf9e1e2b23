"""No submitted address reaches this machine or what lies behind it, whichever way it comes in.

A listener counts. Whatever the probe connects to is led to that listener, every host counts as
one that may be looked at, and every name resolves to what an attacker would have it resolve to:
so each single control has to hold, not only the first.
"""

import csv
import io
import ipaddress
import itertools
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from requests_hardened import ip_filter  # type: ignore[import-untyped]  # no stubs
from urllib3.util import connection

from media_assets import preflight
from media_assets.models import Connector, Upload
from media_assets.preflight import probes, urls, wire
from tests.factories import make_connector
from tests.security.hostile_urls import ALL, NAMES, PATH, PUBLIC, TEXT
from tests.security.listener import Listener

# What people read of an address that is fine as text, of a host that is or is not listed.
NOT_CHECKED = "The file could not be checked from here."
NOT_KNOWN = "is not known as wolkvox Storage."


@pytest.fixture
def listener(monkeypatch) -> Iterator[Listener]:
    cache.clear()
    listener = Listener()
    monkeypatch.setattr(connection, "create_connection", listener.connect)
    yield listener
    listener.close()
    cache.clear()


@pytest.fixture
def resolver(monkeypatch) -> None:
    """Names resolve to their hostile addresses in turn, all others to this machine."""
    turns = {name: itertools.cycle(addresses) for name, addresses in NAMES.items()}

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        ip = next(turns[host]) if host in turns else "127.0.0.1"
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (ip, port or 443))]

    monkeypatch.setattr(ip_filter.socket, "getaddrinfo", resolve)


@pytest.fixture
def everything_listed(monkeypatch) -> None:
    monkeypatch.setattr(urls.StorageHost, "covers", lambda self, origin, path: True)
    monkeypatch.setattr(probes, "SECONDS", 1.0)


@pytest.fixture
def settings_of_production(settings) -> None:
    settings.SANDBOX = False
    settings.STORAGE_HOSTS = ["storage.googleapis.com/wvox-"]
    settings.PROBE_SECONDS = settings.PROBE_SECONDS_LARGE = 1.0


pytestmark = pytest.mark.usefixtures("settings_of_production")


def at(listener: Listener, text: str) -> str:
    return text.replace("{port}", str(listener.port))


def test_there_are_more_than_150_addresses_and_no_two_are_alike():
    assert len(ALL) >= 150
    assert len(set(ALL)) == len(ALL)


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_the_look_at_a_single_file_says_what_is_wrong_in_three_languages(
    kind, listener, marketing, client_for
):
    client = client_for(marketing)
    wrong = {}
    for text in TEXT[kind]:
        query = {"url": at(listener, text)}
        said = {
            language: _probe_page(client, query, language=language)
            for language in ("en", "es", "pt-br")
        }
        if len(set(said.values())) != 3 or "row-reason" not in said["en"]:
            wrong[text[:80]] = said
    assert wrong == {}
    assert listener.came == 0


def _probe_page(client: Client, query: dict[str, str], *, language: str) -> str:
    try:
        answer = client.get(reverse("probe"), query, headers={"accept-language": language})
    except UnicodeEncodeError:  # half of a character cannot even be sent
        with translation.override(language), pytest.raises(preflight.UrlProblem) as caught:
            preflight.parse_url(query["url"])
        with translation.override(language):
            return f'<p class="row-reason">{caught.value.sentence}</p>'
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_the_form_names_every_one_and_takes_none(kind, listener, marketing, client_for):
    connector = make_connector()
    client = client_for(marketing)
    for text in TEXT[kind]:
        typed = at(listener, text).replace("\ud800", "\ufffd\u200b")  # no browser sends half of one
        page = client.post(reverse("new_upload"), _form(connector, urls=typed))
        assert page.status_code == 200, text[:80]
        assert _refusals(page), text[:80]
    assert listener.came == 0
    assert not Upload.objects.exists()


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_a_csv_file_is_read_with_the_same_eyes(kind, listener, marketing, client_for):
    connector = make_connector()
    client = client_for(marketing)
    for text in TEXT[kind]:
        lines = io.StringIO()
        csv.writer(lines).writerows([["url", "label"], [at(listener, text), "Promo"]])
        content = lines.getvalue().encode("utf-8", "replace")
        file = SimpleUploadedFile("files.csv", content, content_type="text/csv")
        page = client.post(reverse("new_upload"), _form(connector, csv_file=file))
        assert page.status_code == 200, text[:80]
        assert _refusals(page), text[:80]
    assert listener.came == 0
    assert not Upload.objects.exists()


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_a_link_that_brings_it_along_only_fills_the_field(kind, listener, marketing, client_for):
    make_connector()
    client = client_for(marketing)
    for text in TEXT[kind]:
        typed = at(listener, text).replace("\ud800", "\ufffd\u200b")
        page = client.get(reverse("new_upload"), {"url": typed})
        assert page.status_code == 200, text[:80]
        assert page.context["form"]["urls"].value() == typed
        assert _refusals(client.post(reverse("check_lines"), {"urls": typed})), text[:80]
    assert listener.came == 0


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("rebinding")])
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_a_listed_name_that_leads_inside_is_not_connected_to(name, listener, marketing, client_for):
    page = client_for(marketing).get(reverse("probe"), {"url": f"https://{name}{PATH}"})

    assert NOT_CHECKED in page.content.decode()
    assert (listener.came, listener.wanted) == (0, [])


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("rebinding")])
@pytest.mark.usefixtures("resolver", "everything_listed")
def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_vetted(
    name, listener, marketing, client_for
):
    """All connections are led to the listener here, so that a look is seen: what counts is where
    each wanted to go."""
    page = client_for(marketing).get(reverse("probe"), {"url": f"https://{name}{PATH}"})

    assert NOT_CHECKED in page.content.decode()
    assert set(listener.wanted) <= {PUBLIC}


@pytest.mark.usefixtures("resolver")
def test_what_is_not_listed_is_never_looked_at_and_people_read_so(listener, marketing, client_for):
    client = client_for(marketing)
    for name in NAMES:
        page = client.get(reverse("probe"), {"url": f"https://{name}{PATH}"})
        assert f"{name} {NOT_KNOWN}" in page.content.decode()
    assert listener.wanted == []


@pytest.mark.usefixtures("everything_listed")
def test_the_listener_counts_who_comes_to_a_public_address(
    listener, marketing, client_for, monkeypatch
):
    """The control of all of the above: the look does connect where it may."""

    def resolve(*args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 443))]

    monkeypatch.setattr(ip_filter.socket, "getaddrinfo", resolve)

    client_for(marketing).get(reverse("probe"), {"url": f"https://files.example.com{PATH}"})

    assert listener.wanted == [PUBLIC]
    assert listener.came == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_this_machine_is_not_followed(status, marketing, client_for, settings):
    came = []

    class Storage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/inside/secret.jpg")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Storage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    settings.SANDBOX, settings.STORAGE_HOSTS = True, [f"{origin}/storage/"]
    cache.clear()
    page = client_for(marketing).get(reverse("probe"), {"url": f"{origin}/storage/a.jpg"})
    server.shutdown()
    server.server_close()

    assert "This address leads to another one." in page.content.decode()
    assert set(came) == {"/storage/a.jpg"}


def test_what_is_public_does_not_hang_on_what_python_knows(monkeypatch):
    def always(value: bool) -> property:
        return property(lambda _address: value)

    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        for name, value in (("is_global", True), ("is_reserved", False), ("is_multicast", False)):
            monkeypatch.setattr(kind, name, always(value))

    for name, addresses in NAMES.items():
        assert not wire.is_public_address(addresses[-1]), name
    assert wire.is_public_address(PUBLIC)


def _refusals(page: Any) -> list[str]:
    """What the page says about the first line, or about the field or the file as a whole."""
    lines = page.context["checked"].lines[:1]  # (a line break makes two lines of one address)
    errors = page.context["form"].errors
    found = [
        *(line.sentence for line in lines),
        *errors.get("urls", ()),
        *errors.get("csv_file", ()),
    ]
    return [str(sentence) for sentence in found if sentence]


def _form(connector: Connector, **typed: Any) -> dict[str, Any]:
    key = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
    return {"connector": connector.code, "key": key, "urls": "", **typed}
