"""Texts that look like scripts are shown as texts, on every page, to everybody who sees them."""

import re
from html.parser import HTMLParser

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import make_connector
from tests.security.payloads import PAYLOADS
from tests.security.stored import store

KEY = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
ADDRESSES = {"href", "src", "action", "formaction", "data", "xlink:href", "hx-get", "hx-post"}
NEVER = {"iframe", "object", "embed", "marquee", "math", "base", "xss", "audio", "style", "image"}
MARKUP = [payload for payload in PAYLOADS if "<" in payload]
IN_ATTRIBUTE = [payload for payload in PAYLOADS if payload.startswith(('" ', '">', '"/'))]


class Suspect(HTMLParser):
    """Reads a page as a browser would, and keeps what no page of ours may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: (value or "").strip().lower() for name, value in attrs}
        self._in_script = tag == "script"
        is_inline = tag == "script" and values.keys().isdisjoint({"src", "type"})
        if tag in NEVER or values.get("id") == "pwn" or is_inline:
            self.found.append(f"<{tag}>")
        if tag == "meta" and "hit(" in values.get("content", ""):
            self.found.append("<meta>")
        for name, value in values.items():
            plain = re.sub(r"[\s\x00]", "", value)
            is_script = plain.startswith(("javascript:", "vbscript:", "data:text", "data:,"))
            if name.startswith(("on", "hx-on")) or (name in ADDRESSES and is_script):
                self.found.append(f"<{tag} {name}={value[:40]}>")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and "<script" in data.lower():
            self.found.append("script in data")


def suspicious(html: str) -> list[str]:
    reader = Suspect()
    reader.feed(html)
    raw = [payload for payload in MARKUP if payload in html]
    counted = [text for text in ("evaluated", "wsgi.errors") if text in html]
    return [*reader.found, *raw, *counted]


def test_there_are_at_least_60_payloads_and_the_reader_sees_them():
    assert len(set(PAYLOADS)) >= 60
    assert [payload for payload in MARKUP if not suspicious(f"<p>{payload}</p>")] == []
    assert [text for text in IN_ATTRIBUTE if not suspicious(f'<p title="{text}">')] == []


def test_no_page_shows_a_stored_text_as_markup(db):
    pages = store()
    found, shown = {}, 0
    for username, paths in pages.items():
        client = Client(headers={"accept-language": "en"})
        client.force_login(User.objects.get(username=username))
        for path in paths:
            answer = client.get(path)
            assert answer.status_code in {200, 302}, (username, path, answer.status_code)
            html = answer.content.decode()
            shown += html.count("hit(1)")
            if problems := suspicious(html):
                found[f"{username} {path}"] = problems[:5]
    assert found == {}
    assert shown > 2_000  # the payloads do stand on these pages


def test_no_answer_to_a_form_shows_a_typed_text_as_markup(marketing, client_for):
    connector = make_connector()
    client = client_for(marketing)
    view = reverse("save_view", args=["history"])
    for payload in PAYLOADS:
        csv_file = SimpleUploadedFile("files.csv", f"{payload};who\n1;2".encode())
        typed = {"connector": connector.code, "key": KEY, "label": payload, "campaign": payload}
        answers = [
            client.post(reverse("check_lines"), {"urls": f"{payload}\t{payload}"}),
            client.post(reverse("new_upload"), {**typed, "csv_file": csv_file, "urls": payload}),
            client.get(reverse("history"), {"q": payload, "campaign": payload, "status": payload}),
            client.get(reverse("probe"), {"url": f"https://{payload}/a.jpg"}),
            client.get(reverse("new_upload"), {"url": payload, "connector": payload}),
            client.post(view, {"name": payload, "query": payload}),
        ]
        for answer in answers:
            assert answer.status_code < 500
            assert suspicious(answer.content.decode()) == [], payload


def test_a_typed_name_is_not_markup_on_the_sign_in_page(db):
    for payload in PAYLOADS[::3]:
        typed = {"username": payload, "password": payload, "next": payload, "typed-urls": payload}
        html = Client().post(reverse("login"), typed).content.decode()
        assert suspicious(html) == [], payload
