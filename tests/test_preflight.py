"""A file URL is judged as text first; then, on listed hosts only, we look at the file."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import pytest
import requests
from django.core.cache import caches
from django.utils import translation
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from requests_hardened import ip_filter  # type: ignore[import-untyped]

from media_assets import preflight
from media_assets.preflight import UrlProblem, parse_url, probes, urls, wire
from tests.waiting import PATIENCE, wait_until

HOST = "storage.googleapis.com"
GOOD = f"https://{HOST}/wvox-0042/promo/julio.jpg"


@pytest.fixture(autouse=True)
def deployment(settings):
    settings.STORAGE_HOSTS = [f"{HOST}/wvox-"]
    settings.SANDBOX = False
    caches["files"].clear()


def code_of(text: str) -> str:
    with pytest.raises(UrlProblem) as caught:
        parse_url(text)
    assert str(caught.value) == caught.value.code
    sentence = str(caught.value.sentence)
    assert len(sentence) < 300
    assert "<" not in sentence
    return caught.value.code


# The text


def test_an_accepted_url_is_taken_apart():
    taken = parse_url(GOOD)
    assert taken == preflight.FileUrl(
        url=GOOD,
        host=HOST,
        path="/wvox-0042/promo/julio.jpg",
        file_name="julio.jpg",
        format="IMAGE",
        listed=True,
    )
    with pytest.raises(FrozenInstanceError):
        taken.url = "https://elsewhere.co/a.jpg"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "rebuilt", "file_name"),
    [
        ("HTTPS://FILES.Ejemplo.CO/Promo.JPG", "https://files.ejemplo.co/Promo.JPG", "Promo.JPG"),
        ("https://a.co:443/b.png", "https://a.co/b.png", "b.png"),
        ("https://a.co/b.jpeg?", "https://a.co/b.jpeg", "b.jpeg"),
        ("https://a.co/b.mp4?sig=a%2Fb+c=", "https://a.co/b.mp4?sig=a%2Fb+c=", "b.mp4"),
        ("https://a.co/año%20nuevo.pdf", "https://a.co/a%C3%B1o%20nuevo.pdf", "año nuevo.pdf"),
        ("https://a.co/a%C3%B1o.pdf", "https://a.co/a%C3%B1o.pdf", "año.pdf"),
        ("https://a.co/a%c3%b1o.pdf", "https://a.co/a%c3%b1o.pdf", "año.pdf"),
        ("https://a.co/x.pdf?q=ñ", "https://a.co/x.pdf?q=%C3%B1", "x.pdf"),
        ('https://a.co/"<b>".png', "https://a.co/%22%3Cb%3E%22.png", '"<b>".png'),
        ("https://a.co/a%2Fb.png", "https://a.co/a%2Fb.png", "b.png"),
        ("https://a.co//b..c.png", "https://a.co//b..c.png", "b..c.png"),
        ("https://a.co/me@home/b.png", "https://a.co/me@home/b.png", "b.png"),
        ("https://a.co/100%25.png", "https://a.co/100%25.png", "100%.png"),
        ("https://a.co/%2523.png", "https://a.co/%2523.png", "%23.png"),
        ("https://xn--caf-dma.co/b.png", "https://xn--caf-dma.co/b.png", "b.png"),
        ("https://a.xn--p1ai/b.png", "https://a.xn--p1ai/b.png", "b.png"),
        ("https://1.2.3.co/b.png", "https://1.2.3.co/b.png", "b.png"),
    ],
)
def test_a_url_is_rebuilt_from_its_parts(text, rebuilt, file_name):
    taken = parse_url(text)
    assert (taken.url, taken.file_name) == (rebuilt, file_name)
    assert not taken.listed


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "IMAGE"),
        ("a.JPEG", "IMAGE"),
        ("a.b.png", "IMAGE"),
        ("a.mp4", "VIDEO"),
        ("a.Pdf", "DOCUMENT"),
    ],
)
def test_the_extension_decides_the_format(name, format):
    assert parse_url(f"https://a.co/{name}").format == format


@pytest.mark.parametrize(
    "name", ["a.gif", "a.webp", "a.3gp", "a.docx", "a.xls", "a.jpg.html", "a.svg", "a.mp4%20"]
)
def test_other_extensions_are_refused_and_the_possible_ones_named(name):
    with pytest.raises(UrlProblem) as caught:
        parse_url(f"https://a.co/{name}")
    assert caught.value.code == "extension"
    assert "jpg, jpeg, png, mp4, pdf" in str(caught.value.sentence)


@pytest.mark.parametrize(
    "rest", ["", "/", "/folder.jpg/", "/name", "/.jpg", "/name.", "?x=a.jpg", "/?a.jpg", "/a?b.jpg"]
)
def test_a_url_without_a_named_file_is_refused(rest):
    assert code_of(f"https://a.co{rest}") == "no_extension"


ADDRESSES = """
127.0.0.1 127.0.0.1. 127.1 127.0.1 0 0.0.0.0 10.0.0.1 169.254.169.254 100.64.0.1 100.100.100.200
8.8.8.8 2130706433 017700000001 0177.0.0.1 0x7f000001 0x7F.0.0.1 0x7f.1 127.0.0.0x1 0x
256.256.256.256 1.2.3.4.5 a.b.1 example.0x10 4294967296
[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [fe80::1]
[64:ff9b::7f00:1] [64:ff9b:1::a9fe:a9fe] [2002:7f00:1::] [2001:0:53aa:64c::1] [fd00:ec2::254]
[ff02::1] [2606:4700::1111] [::1]:443 127.0.0.1:443 127.0.0.1:8001 192.168.0.1.
"""


@pytest.mark.parametrize("host", ADDRESSES.split())
def test_a_number_instead_of_a_name_is_refused(host):
    assert code_of(f"https://{host}/a.jpg") == "ip_address"


HOSTILE = {
    "invisible": [
        "https://a.co/\x00.jpg",
        "https://a.co/a\n.jpg",
        "https://a.co/a.jpg\r\nX: y",
        "\thttps://a.co/a.jpg",
        "https://a.co/a.jpg\x7f",
        "https://a.co/a\x85.jpg",
        "https://a\u200b.co/a.jpg",
        "https://a.co/\u202egpj.exe.jpg",
        "\ufeffhttps://a.co/a.jpg",
        "https://a.co/\ud800.jpg",
        "https://a.co/%00.jpg",
        "https://a.co/a.jpg%0A",
        "https://a.co/%0d%0aHost:b/a.jpg",
        "https://a.co/%E2%80%AEgpj.jpg",
        "ht\ntps://a.co/a.jpg",
        "java\tscript:alert(1)",
    ],
    "blank": [
        "https://a.co/a b.jpg",
        " https://a.co/a.jpg",
        "https://a.co/a.jpg ",
        "https://a.co/a\u00a0b.jpg",
        "https://a.co/a\u202fb.jpg",
        "https://a.co/a\u2028b.jpg",
        "https:// a.co/a.jpg",
        "https://a.co\u3000/a.jpg",
    ],
    "backslash": [
        "https://good.co\\@evil.co/a.jpg",
        "https:\\\\a.co\\a.jpg",
        "https://a.co/..\\a.jpg",
        "https://a.co/..%5Ca.jpg",
        "\\\\server\\share\\a.jpg",
    ],
    "fragment": [
        "https://a.co/a.jpg#",
        "https://a.co/a.jpg#page=2",
        "https://evil.co#@good.co/a.jpg",
        "https://a.co/#/a.jpg",
    ],
    "scheme": [
        "http://a.co/a.jpg",
        "http://127.0.0.1:8001/a.jpg",
        "http://localhost/a.jpg",
        "ftp://a.co/a.jpg",
        "file:///etc/passwd.jpg",
        "javascript:alert(1)//a.jpg",
        "data:image/png;base64,AAAA.png",
        "gopher://a.co/a.jpg",
        "https+x://a.co/a.jpg",
        "//a.co/a.jpg",
        "/a.jpg",
        "a.co/a.jpg",
        "a.jpg",
        "://a.co/a.jpg",
        "ｈttps://a.co/a.jpg",
        "4::YXBwbGljYXRpb24vcGRm:ARZVv4zu",
    ],
    "malformed": [
        "https://",
        "https:///a.jpg",
        "https:a.jpg",
        "https:/a.co/a.jpg",
        "https://?a.jpg",
        "https://[::1/a.jpg",
        "https://::1]/a.jpg",
        "https://[evil]/a.jpg",
        "https://a℀b.co/a.jpg",
    ],
    "user_info": [
        "https://user@a.co/a.jpg",
        "https://user:secret@a.co/a.jpg",
        "https://@a.co/a.jpg",
        "https://storage.googleapis.com@evil.co/a.jpg",
        "https://a.co:443@evil.co/a.jpg",
        "https://a@b@c.co/a.jpg",
    ],
    "idn": [
        "https://café.co/a.jpg",
        "https://ｇoogle.com/a.jpg",
        "https://１２７.0.0.1/a.jpg",
        "https://127。0。0。1/a.jpg",
        "https://①.co/a.jpg",
        "https://аpple.com/a.jpg",
    ],
    "private": [
        "https://localhost/a.jpg",
        "https://LOCALHOST./a.jpg",
        "https://a.localhost/a.jpg",
        "https://printer.local/a.jpg",
        "https://metadata.google.internal/a.jpg",
        "https://metadata.google.internal./a.jpg",
        "https://localhost.localdomain/a.jpg",
        "https://local/a.jpg",
    ],
    "host": [
        "https://metadata/a.jpg",
        "https://a.co./a.jpg",
        "https://.co/a.jpg",
        "https://a..co/a.jpg",
        "https://-a.co/a.jpg",
        "https://a-.co/a.jpg",
        "https://a_b.co/a.jpg",
        "https://a.c/a.jpg",
        "https://a.c0/a.jpg",
        "https://a%2eco/a.jpg",
        "https://a.co%2f.evil.co/a.jpg",
        "https://<b>.co/a.jpg",
        f"https://{'a' * 64}.co/a.jpg",
        f"https://{'a.' * 130}co/a.jpg",
        "https://:443/a.jpg",
        "https://a.co;b.co/a.jpg",
    ],
    "port": [
        "https://a.co:/a.jpg",
        "https://a.co:80/a.jpg",
        "https://a.co:8443/a.jpg",
        "https://a.co:0443/a.jpg",
        "https://a.co:443:443/a.jpg",
        "https://a.co:99999/a.jpg",
        "https://a.co:-443/a.jpg",
        "https://a.co:x/a.jpg",
    ],
    "percent": [
        "https://a.co/100%.jpg",
        "https://a.co/%zz.jpg",
        "https://a.co/%.jpg",
        "https://a.co/a.jpg?x=%",
        "https://a.co/a.jpg?%4",
        "https://a.co/a.jpg%4?1",
    ],
    "dot_segment": [
        "https://a.co/../a.jpg",
        "https://a.co/./a.jpg",
        "https://a.co/x/../a.jpg",
        "https://a.co/%2e%2e/a.jpg",
        "https://a.co/x/.%2E/a.jpg",
        "https://a.co/x/..%2Fa.jpg",
        "https://a.co/x%2F..%2Fa.jpg",
        f"https://{HOST}/wvox-0042/../evil/a.jpg",
        "https://a.co/a.jpg/..",
    ],
    "empty": [""],
}


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in HOSTILE.items() for text in texts]
)
def test_a_hostile_url_is_refused_with_its_reason(code, text):
    assert code_of(text) == code


def test_a_refusal_shows_the_wrong_value_without_markup():
    with pytest.raises(UrlProblem) as caught:
        parse_url("https://<script>alert(1)<.co/a.jpg")
    assert "?script?alert?1??.co" in str(caught.value.sentence)


def test_a_refusal_is_translated_when_it_is_shown_and_not_before():
    with pytest.raises(UrlProblem) as caught:
        parse_url("")
    with translation.override("en"):
        assert str(caught.value.sentence).startswith("Paste the public URL")


def test_the_longest_url_has_2048_characters_after_it_was_rebuilt():
    def of_length(length: int) -> str:
        return f"https://a.co/{'x' * (length - 17)}.jpg"

    assert len(parse_url(of_length(2048)).url) == 2048
    assert len(parse_url(of_length(2048).replace(".co", ".co:443")).url) == 2048
    assert code_of(of_length(2049)) == "too_long"
    assert code_of(of_length(1000).replace("xxx", "ñññ", 300)) == "too_long"


@pytest.mark.parametrize("piece", ["a", "ñ", "%", "/", ".", "[", "@", "\\", "\x00", "a.", "%2e/"])
def test_two_megabytes_are_refused_before_they_are_looked_at(piece, monkeypatch):
    monkeypatch.setattr(urls, "unicodedata", None)
    monkeypatch.setattr(urls, "urlsplit", None)
    text = "https://a.co/" + piece * (2_000_000 // len(piece))
    assert code_of(text) == "too_long"


PIECES = "https: http: // / a.co 127.0.0.1 [::1] :443 :8 @ ? # % %2e %C3%B1 ñ .. .jpg .pdf \\ [ ] a"
url_like = st.lists(st.sampled_from([*PIECES.split(), " ", "\n"])).map("".join)
accepted_like = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(
    lambda text: f"https://a.co/{text}.jpg?{text}"
)


@examples(deadline=None, database=None, max_examples=300)
@given(st.text(st.characters()) | url_like | accepted_like)
@example("https://[")
@example("https://a.co:\u0663/a.jpg")
@example("https://[v1.a]/a.jpg")
def test_any_text_is_accepted_or_refused_and_what_is_accepted_stays_as_it_is(text):
    try:
        taken = parse_url(text)
    except UrlProblem:
        return
    assert taken.url.isascii()
    assert taken.url.startswith(f"https://{taken.host}/")
    assert parse_url(taken.url) == taken


# STORAGE_HOSTS


@pytest.mark.parametrize(
    ("entry", "url", "listed"),
    [
        (HOST, GOOD, True),
        (HOST.upper(), GOOD, True),
        (f"https://{HOST}/", GOOD, True),
        (f"{HOST}/wvox-", GOOD, True),
        (f"{HOST}/wvox-0042/", GOOD, True),
        (f"{HOST}/wvox-0043/", GOOD, False),
        (f"{HOST}/WVOX-", GOOD, False),
        ("googleapis.com", GOOD, False),
        (HOST, GOOD.replace(HOST, f"{HOST}.evil.co"), False),
        (HOST, GOOD.replace(HOST, f"evil-{HOST}"), False),
        (f"{HOST}/año/", f"https://{HOST}/a%C3%B1o/b.png", True),
    ],
)
def test_a_url_is_listed_by_exact_host_and_beginning_of_its_path(settings, entry, url, listed):
    settings.STORAGE_HOSTS = [entry]
    assert parse_url(url).listed is listed


def test_a_loopback_entry_counts_for_its_exact_origin_and_prefix(settings):
    settings.SANDBOX = True
    settings.STORAGE_HOSTS = [HOST, "http://127.0.0.1:8001/storage/"]
    taken = parse_url("http://127.0.0.1:8001/storage/a.jpg")
    assert (taken.url, taken.host) == ("http://127.0.0.1:8001/storage/a.jpg", "127.0.0.1")
    assert taken.listed
    for other in (
        "http://127.0.0.1:8002/storage/a.jpg",
        "http://127.0.0.1/storage/a.jpg",
        "http://127.0.0.2:8001/storage/a.jpg",
        "http://localhost:8001/storage/a.jpg",
        "http://127.0.0.1:8001/a.jpg",
        "http://me@127.0.0.1:8001/storage/a.jpg",
        f"http://{HOST}/storage/a.jpg",
    ):
        assert code_of(other) == "scheme"
    assert code_of("http://127.0.0.1:8001/storage/../a.jpg") == "dot_segment"
    assert code_of("https://127.0.0.1:8001/storage/a.jpg") == "ip_address"


def test_a_loopback_entry_counts_only_with_the_sandbox(settings):
    settings.STORAGE_HOSTS = ["http://127.0.0.1:8001"]
    assert code_of("http://127.0.0.1:8001/a.jpg") == "scheme"
    assert urls.storage_hosts() == []
    settings.SANDBOX = True
    assert parse_url("http://127.0.0.1:8001/a.jpg").listed


def test_good_entries_pass_the_check(settings):
    settings.STORAGE_HOSTS = [f"{HOST}/wvox-", "files.ejemplo.co", "https://a.co/b/"]
    assert preflight.check_storage_hosts() == []
    settings.SANDBOX = True
    settings.STORAGE_HOSTS = ["http://localhost:8001", "http://[::1]/a/", "http://127.0.0.1/"]
    assert preflight.check_storage_hosts() == []
    assert len(urls.storage_hosts()) == 3


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("", "malformed"),
        (" a.co", "malformed"),
        ("*.a.co", "malformed"),
        ("a.co;script-src", "malformed"),
        ("localhost", "malformed"),
        ("10.0.0.1", "malformed"),
        ("user@a.co", "malformed"),
        ("a.co:8443", "malformed"),
        ("a.co/../b", "malformed"),
        ("a.co/?q", "malformed"),
        ("a.co/#q", "malformed"),
        ("ftp://a.co", "malformed"),
        ("https://[", "malformed"),
        ("http://a.co", "not encrypted"),
        ("http://127.0.0.1.evil.co", "not encrypted"),
        ("http://169.254.169.254", "not encrypted"),
        ("http://127.0.0.1:8001", "WOLKVOX_BASE_URL"),
    ],
)
def test_a_mistake_in_storage_hosts_is_named_and_does_not_count(settings, entry, words):
    settings.STORAGE_HOSTS = [entry, HOST]
    [problem] = preflight.check_storage_hosts()
    assert words in problem
    assert [host.origin for host in urls.storage_hosts()] == [f"https://{HOST}"]


# Addresses


@pytest.mark.parametrize("ip", ["8.8.8.8", "142.250.78.16", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_public(ip):
    assert wire.is_public_address(ip)


NOT_PUBLIC = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1
192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1
240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::8.8.8.8
64:ff9b::808:808 64:ff9b::7f00:1 64:ff9b:1::a00:1 100::1 2001::1 2001:0:53aa:64c::1
2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254
fe80::1 fe80::1%eth0 fec0::1 ff02::1 nonsense 127.1
"""


@pytest.mark.parametrize("ip", NOT_PUBLIC.split())
def test_any_other_address_is_not(ip):
    assert not wire.is_public_address(ip)


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "100.64.0.1", "168.63.129.16", "64:ff9b::a9fe:a9fe", "10.0.0.1", "ff0e::1"]
)
def test_a_listed_name_that_leads_to_a_private_address_is_not_connected_to(monkeypatch, ip):
    def resolve(*args, **kwargs):
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (ip, 443))]

    connected: list[object] = []
    monkeypatch.setattr(ip_filter.socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connected.append)
    seen = preflight.probe(parse_url(GOOD))
    assert (seen.problem, seen.blocks, seen.http_status) == ("unreachable", False, None)
    assert connected == []


def test_the_address_that_was_vetted_is_the_one_connected_to(monkeypatch):
    connected = []

    def connect(address, *args, **kwargs):
        connected.append(address[0])
        raise OSError

    def resolve(*args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    answers = iter(["8.8.8.8", "127.0.0.1"])
    monkeypatch.setattr(ip_filter.socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    assert preflight.probe(parse_url(GOOD)).problem == "unreachable"
    assert connected == ["8.8.8.8"]


# The look at the file

JPEG = b"\xff\xd8\xff\xe0" + b"j" * 2000
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 2000
PDF = b"%PDF-1.7\n" + b"d" * 2000
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"m" * 2000
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + b"w" * 2000
HTML = b"\n<!DOCTYPE html><title>Sign in</title>"
MB = 1024 * 1024


@dataclass
class Storage:
    """A real HTTP server on loopback; `say` answers one request, `asked` is what it was asked."""

    say: Callable[["Handler"], None]
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    origin: str = ""

    def url(self, name: str = "a.jpg") -> preflight.FileUrl:
        return parse_url(f"{self.origin}/{name}")

    def holds(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        """Serve a file without knowing of ranges."""
        self.say = lambda handler: handler.answer(status, body=body, headers=headers)


class Handler(BaseHTTPRequestHandler):
    storage: Storage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.storage.asked.append((self.command, self.path))
        self.storage.headers.append(dict(self.headers))
        self.storage.say(self)

    do_HEAD = do_GET  # noqa: N815 (the name http.server looks for)

    def answer(
        self, status: int, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        for name, value in ({"Content-Length": str(len(body))} | named).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def drip(self, data: bytes) -> None:
        """Byte by byte, over and over, faster than a time-out for one read."""
        for byte in cycle(data):
            if self.storage.over.wait(0.3):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def storage(settings) -> Iterator[Storage]:
    state = Storage(say=lambda handler: handler.answer(200, body=JPEG))
    handler = type("ThisHandler", (Handler,), {"storage": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.origin = f"http://127.0.0.1:{server.server_port}"
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [state.origin]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield state
        state.over.set()
        server.shutdown()
        thread.join()


def ranged(body: bytes, *, total: int | None = None) -> Callable[[Handler], None]:
    def say(handler: Handler) -> None:
        if handler.command == "HEAD":
            handler.answer(405)
            return
        size = len(body) if total is None else total
        handler.answer(206, body=body[:64], headers={"Content-Range": f"bytes 0-63/{size}"})

    return say


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.jpg", JPEG),
        ("a.JPEG", JPEG),
        ("a.png", PNG),
        ("a.pdf", PDF),
        ("a.pdf", b"\xef\xbb\xbf\r\n" + PDF),
        ("a.mp4", MP4),
    ],
)
def test_a_good_file_is_fine(storage, name, body):
    storage.holds(body, Content_Type="Application/X-Thing; charset=x")
    seen = preflight.probe(storage.url(name))
    assert (seen.problem, seen.sentence, seen.blocks) == ("", "", False)
    assert (seen.reachable, seen.http_status, seen.size) == (True, 200, len(body))
    assert seen.content_type == "application/x-thing"
    assert storage.asked == [("HEAD", f"/{name}"), ("GET", f"/{name}")]


def test_a_look_asks_for_64_plain_bytes_and_brings_nothing_of_ours(storage, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    storage.holds(JPEG, Set_Cookie="a=b; Path=/")
    preflight.probe(storage.url())
    head, get = storage.headers
    assert get["Range"] == "bytes=0-63"
    for sent in (head, get):
        assert sent["Accept-Encoding"] == "identity"
        assert sent["Host"] == storage.origin.removeprefix("http://")
        assert not {"Cookie", "Authorization", "Referer", "wolkvox-token"} & set(sent)


def test_a_server_without_head_is_asked_by_a_ranged_get(storage):
    storage.say = ranged(PNG, total=4 * MB)
    seen = preflight.probe(storage.url("a.png"))
    assert (seen.problem, seen.http_status, seen.size) == ("", 206, 4 * MB)


def test_the_size_comes_from_head_when_get_does_not_tell(storage):
    def say(handler: Handler) -> None:
        if handler.command == "HEAD":
            handler.answer(200, headers={"Content-Length": "12345"})
            return
        handler.answer(206, body=JPEG[:64], headers={"Content-Range": "bytes 0-63/*"})

    storage.say = say
    assert preflight.probe(storage.url()).size == 12345


@pytest.mark.parametrize(
    ("status", "problem", "blocks"),
    [
        (401, "restricted", True),
        (403, "restricted", True),
        (404, "missing", True),
        (410, "missing", True),
        (400, "unreachable", False),
        (416, "unreachable", False),
        (429, "unreachable", False),
        (500, "unreachable", False),
        (503, "unreachable", False),
    ],
)
def test_a_refusal_of_the_storage_has_a_sentence(storage, status, problem, blocks):
    storage.holds(b"<html>", status=status, Content_Length="2000", Connection="close")
    seen = preflight.probe(storage.url())
    assert (seen.problem, seen.blocks, seen.http_status) == (problem, blocks, status)
    assert not seen.reachable
    assert str(seen.sentence)


def test_people_are_told_to_make_a_restricted_file_public(storage):
    storage.holds(b"", status=403)
    with translation.override("en"):
        assert "Make it public in wolkvox Storage" in str(preflight.probe(storage.url()).sentence)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_its_body_not_read(storage, status):
    elsewhere = f"{storage.origin}/other.jpg"
    storage.holds(b"z", status=status, Location=elsewhere, Content_Length="2000")
    seen = preflight.probe(storage.url())
    assert (seen.problem, seen.blocks) == ("redirect", True)
    assert {path for _command, path in storage.asked} == {"/a.jpg"}


@pytest.mark.parametrize(
    ("name", "body", "size", "problem"),
    [
        ("a.jpg", JPEG, 5 * MB, ""),
        ("a.jpg", JPEG, 5 * MB + 1, "too_big"),
        ("a.png", PNG, 50 * MB, "too_big"),
        ("a.mp4", MP4, 16 * MB, ""),
        ("a.mp4", MP4, 16 * MB + 1, "too_big"),
        ("a.pdf", PDF, 25 * MB, ""),
        ("a.pdf", PDF, 25 * MB + 1, "large"),
        ("a.pdf", PDF, 100 * MB, "large"),
        ("a.pdf", PDF, 100 * MB + 1, "too_big"),
        ("a.pdf", PDF, 10**18 - 1, "too_big"),
    ],
)
def test_the_size_is_held_against_the_limits(storage, name, body, size, problem):
    storage.holds(body, Content_Length=str(size), Connection="close")
    seen = preflight.probe(storage.url(name))
    assert (seen.problem, seen.size) == (problem, size)
    assert seen.blocks is (problem == "too_big")


def test_a_file_that_is_too_big_is_described_in_megabytes(storage):
    storage.say = ranged(JPEG, total=7 * MB)
    with translation.override("en"):
        sentence = str(preflight.probe(storage.url()).sentence).replace("\xa0", " ")
    assert "has 7.0 MB, a sample may have at most 5.0 MB" in sentence


@pytest.mark.parametrize(
    ("name", "body", "found", "problem"),
    [
        ("a.jpg", WEBP, "WebP", "wrong_type"),
        ("a.jpg", HTML, "HTML", "wrong_type"),
        ("a.jpg", PDF, "PDF", "wrong_type"),
        ("a.jpg", b"text", "", "wrong_type"),
        ("a.jpg", b"\xff", "", "wrong_type"),
        ("a.jpg", b"\x00\x00\x00\x18ftypheic", "HEIC", "wrong_type"),
        ("a.png", b"GIF89a", "GIF", "wrong_type"),
        ("a.mp4", b"\x00\x00\x00\x18ftypavif", "AVIF", "wrong_type"),
        ("a.mp4", b"ftypmp42", "", "wrong_type"),
        ("a.pdf", b"PK\x03\x04", "ZIP / Office", "wrong_type"),
        ("a.pdf", HTML, "HTML", "wrong_type"),
        ("a.jpg", PNG, "PNG", "misnamed"),
        ("a.png", JPEG, "JPEG", "misnamed"),
    ],
)
def test_the_bytes_have_to_be_what_the_name_says(storage, name, body, found, problem):
    storage.holds(body)
    seen = preflight.probe(storage.url(name))
    assert (seen.problem, seen.found) == (problem, found)
    assert seen.blocks is (problem == "wrong_type")
    assert str(seen.sentence)


def test_an_empty_file_is_noticed(storage):
    storage.holds(b"")
    assert preflight.probe(storage.url()).problem == "empty"
    storage.holds(b"", status=416, Content_Range="bytes */0")
    assert preflight.probe(storage.url()).problem == "empty"


def test_packed_bytes_are_neither_unpacked_nor_judged(storage):
    storage.holds(b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip")
    seen = preflight.probe(storage.url())
    assert (seen.problem, seen.size, seen.found) == ("", None, "")


def test_headers_that_make_no_sense_are_ignored(storage):
    storage.holds(JPEG, Content_Length="9" * 40, Content_Type="<b>/x", Connection="close")
    seen = preflight.probe(storage.url())
    assert (seen.size, seen.content_type) == (None, "")


@pytest.mark.parametrize("sent", [b"", b"\xff", PNG[:7]])
def test_an_answer_that_breaks_off_is_not_judged(storage, sent):
    storage.holds(sent, Content_Length="2000", Connection="close")
    assert preflight.probe(storage.url()).problem == "unreachable"


def drip_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2000")
    handler.end_headers()
    if handler.command == "GET":
        handler.drip(JPEG)


def drip_body_of_unknown_length(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    handler.close_connection = True
    if handler.command == "GET":
        handler.drip(HTML)


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.drip(b"X-Padding: a\r\n")


def say_nothing(handler: Handler) -> None:
    handler.storage.over.wait(PATIENCE)


@pytest.mark.parametrize("say", [drip_body, drip_body_of_unknown_length, drip_headers, say_nothing])
def test_a_server_that_drips_is_left_when_the_time_is_over(storage, monkeypatch, say):
    monkeypatch.setattr(probes, "SECONDS", 0.8)
    storage.say = say
    seen = preflight.probe(storage.url())
    assert (seen.problem, seen.blocks) == ("unreachable", False)
    # not cut it would last 64 bytes, or for ever
    wait_until(lambda: "look" not in {thread.name for thread in threading.enumerate()}, seconds=15)


def test_a_name_that_is_never_resolved_is_left_when_the_time_is_over(storage, monkeypatch):
    def resolve(*args, **kwargs):
        storage.over.wait(PATIENCE)
        raise socket.gaierror

    monkeypatch.setattr(probes, "SECONDS", 0.5)
    monkeypatch.setattr(ip_filter.socket, "getaddrinfo", resolve)
    assert preflight.probe(storage.url()).problem == "unreachable"  # would last for ever
    storage.over.set()


def test_a_tls_handshake_that_never_ends_can_be_cut():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/a.jpg"
        line = wire.Line(seconds=30)
        cutter = threading.Timer(0.3, line.cut)
        cutter.start()
        with (
            line,
            wire.Session(line, loopback=True) as session,
            pytest.raises(requests.RequestException),
        ):
            session.head(url)
        assert line.seconds_left > 1
        cutter.join()


def test_a_line_that_was_cut_takes_no_new_connection():
    line = wire.Line(seconds=30)
    line.cut()
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected = socket.create_connection(server.getsockname())
        with pytest.raises(TimeoutError):
            line.hold(connected)
        assert connected.fileno() == -1


def test_a_look_lasts_five_seconds_at_most():
    assert probes.SECONDS == 5


def test_a_server_that_is_not_there_is_unreachable(storage, settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"
    settings.STORAGE_HOSTS = [origin]
    assert preflight.probe(parse_url(f"{origin}/a.jpg")).problem == "unreachable"


def test_what_speaks_no_http_is_unreachable(storage):
    storage.say = lambda handler: handler.wfile.write(b"\x00" * 100_000) and None
    assert preflight.probe(storage.url()).problem == "unreachable"


def test_only_listed_addresses_are_looked_at(storage, settings):
    unlisted = parse_url("https://elsewhere.co/a.jpg")
    with pytest.raises(ValueError, match="STORAGE_HOSTS"):
        preflight.probe(unlisted)
    listed = storage.url()
    settings.STORAGE_HOSTS = []
    with pytest.raises(ValueError):
        preflight.probe(listed)
    assert preflight.probe_many([unlisted], seconds=1) == {}
    assert storage.asked == []


def test_a_look_is_remembered_and_a_problem_only_shortly(storage, monkeypatch):
    kept = []
    monkeypatch.setattr(
        caches["files"], "set", lambda _key, value, seconds: kept.append((value.problem, seconds))
    )
    preflight.probe(storage.url())
    storage.holds(b"", status=403)
    preflight.probe(storage.url())
    assert kept == [("", 600), ("restricted", 30)]


def test_the_last_look_is_found_by_address(storage):
    assert preflight.cached_probe(storage.url()) is None
    seen = preflight.probe(storage.url())
    assert preflight.cached_probe(storage.url()) == seen
    assert preflight.cached_probe(storage.url("b.jpg")) is None


def test_many_files_are_looked_at_side_by_side_and_each_once(storage):
    at_once: list[int] = []
    busy = threading.Semaphore(100)

    def say(handler: Handler) -> None:
        with busy:
            at_once.append(100 - busy._value)
            time.sleep(0.02)
            handler.answer(200, body=JPEG)

    storage.say = say
    urls = [storage.url(f"{number % 30}.jpg") for number in range(60)]
    results = preflight.probe_many(urls, seconds=5)
    assert set(results) == {file_url.url for file_url in urls}
    assert {seen.problem for seen in results.values()} == {""}
    assert len(storage.asked) == 60
    assert 1 < max(at_once) <= 12
    assert preflight.probe_many(urls, seconds=0) == results


def test_a_budget_that_is_over_gives_what_is_there_and_the_rest_is_found_later(storage):
    released = threading.Event()

    def say(handler: Handler) -> None:
        if "slow" in handler.path:
            released.wait(PATIENCE)
        handler.answer(200, body=JPEG)

    storage.say = say
    quick, slow = storage.url("quick.jpg"), storage.url("slow.jpg")
    assert set(preflight.probe_many([quick, slow], seconds=2)) == {quick.url}
    released.set()
    wait_until(lambda: preflight.cached_probe(slow))


def test_nothing_asked_is_nothing_answered():
    assert preflight.probe_many([], seconds=1) == {}
