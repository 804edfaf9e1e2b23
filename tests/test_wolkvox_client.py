import contextlib
import datetime
import gzip
import http.client
import ipaddress
import json
import logging
import socket
import ssl
import struct
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_assets.wolkvox import errors
from media_assets.wolkvox.client import Client, ConnectorInfo, Permission, TokenInfo
from media_assets.wolkvox.sandbox import network

TOKEN = "7b226964223a31" + "c0ffee" * 6 + "9d"
HANDLE = "4::aW1hZ2UvcG5n:ARZVv4zu-_Hg:e:1900000000:6346:100089:ARa1ZDhw"
VENTAS = {"connector_id": "1266", "name": "Ventas", "channel": "whatsapp"}
BOMB = gzip.compress(b"x" * 50_000_000)
FILE_URL = "https://storage.example/wvox-op/photo.png"


def success(**changes):
    data = {"0": "media_uploaded_successfully", "handle": HANDLE}
    return {
        "code": "200",
        "error": None,
        "msg": "Media uploaded successfully",
        "data": data,
        **changes,
    }


def failed(code, *, msg):
    return {"code": code, "error": "FORBIDDEN", "msg": msg, "data": []}


def response(body, *, status="200 OK", headers=()):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Wire:
    """A server that hands every connection to a function and remembers what it was sent."""

    def __init__(self, behave):
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self.connected = threading.Event()
        self.requests = []
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/wv0042/api/v2/"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(timeout=5)
        self._listener.close()

    def pause(self, seconds=10.0):
        """Waits, at most until the test is over."""
        if self._over.wait(seconds):
            raise ConnectionAbortedError

    def read_request(self, connection):
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += self._more(connection)
        self.requests.append((head.decode(), body))

    def _more(self, connection):
        received = connection.recv(65536)
        if not received:
            raise ConnectionAbortedError
        return received

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connected.set()
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            self._behave(self, connection)


def answering(content):
    def behave(wire, connection):
        wire.read_request(connection)
        connection.sendall(content)

    return Wire(behave)


def upload(wire, *, deadline=5.0, token=TOKEN, host="127.0.0.1", **options):
    client = Client(wire.url.replace("127.0.0.1", host), token, deadline=deadline)
    return client.upload_media(connector_id="1266", file_url=FILE_URL, **options)


# Secrets


def assert_no_token(error, *, token=TOKEN):
    """Neither in what is shown of the error nor in the frames of the client it passed."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if "test_" not in frame.filename]
    texts = [
        repr(error),
        str(error),
        repr(vars(error)),
        "".join(traceback.format_exception(error)),
        *(repr(frame.locals) for frame in frames),
    ]
    assert frames
    assert not [text for text in texts if token in text]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + TOKEN.encode()[:5],
        f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(),
        f"{TOKEN}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nContent-Length: 1, {TOKEN}, 2\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n: {TOKEN}\r\n\r\n{TOKEN}".encode(),
        response(TOKEN.encode()),
        response(failed("403", msg=f"PLEASE VALIDATE TOKEN {TOKEN}"), status="403 Forbidden"),
        response(success(data={"handle": f"x{TOKEN}"})),
        response(b"", status="302 Found", headers=[f"Location: https://a.test/{TOKEN}"]),
        response(b"x", headers=["Transfer-Encoding: chunked"]),
    ],
)
def test_an_answer_that_repeats_the_token_leaks_it_nowhere(content, capfd, caplog, monkeypatch):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    client = repr(Client("https://wv0042.wolkvox.com/api/v2/", TOKEN))
    with answering(content) as wire, pytest.raises(errors.WolkvoxError) as raised:
        upload(wire)
    assert_no_token(raised.value)
    assert client == "Client('https://wv0042.wolkvox.com/api/v2/', token=[secure])"
    assert TOKEN not in "".join(capfd.readouterr())
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "token",
    ["", " ", "a b", "a\r\nHost: evil.test", "tab\t", "ñ", "\x7f", "x\n", "\ud800", "x" * 513],
)
def test_a_token_that_is_no_header_value_is_refused_before_anything_is_sent(token):
    with answering(response(success())) as wire, pytest.raises(errors.TokenRefused) as raised:
        upload(wire, token=token)
    assert wire.requests == []
    if len(token) > 2:
        assert_no_token(raised.value, token=token)


@pytest.mark.parametrize("token", ["x", "x" * 512, "".join(map(chr, range(0x21, 0x7F)))])
def test_any_other_token_is_sent_as_it_is(token):
    with answering(response(success())) as wire:
        upload(wire, token=token)
    [(head, _)] = wire.requests
    assert f"\r\nwolkvox-token: {token}\r\n" in f"{head}\r\n"


@pytest.mark.parametrize("url", ["http://wv0042.wolkvox.com/api/v2/", "https://u@h/", "x"])
def test_a_client_for_an_unencrypted_or_odd_address_is_not_made(url):
    with pytest.raises(ValueError):
        Client(url, TOKEN)


# Over a real socket


def test_a_file_is_uploaded_with_the_documented_request():
    with answering(response(success())) as wire:
        assert upload(wire).handle == HANDLE
    [(head, body)] = wire.requests
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /wv0042/api/v2/whatsapp.php?api=upload_media HTTP/1.1"
    assert json.loads(body) == {"connector_id": "1266", "file_url": FILE_URL}
    assert headers == {
        "Host": f"127.0.0.1:{wire.port}",
        "wolkvox-token": TOKEN,
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "wolkvox-admin",
        "Content-Length": str(len(body)),
    }


def test_every_call_has_a_connection_of_its_own_and_no_cookies():
    content = response(success(), headers=["Set-Cookie: PHPSESSID=1; Path=/"])
    with answering(content) as wire:
        client = Client(wire.url, TOKEN)
        for _ in range(3):
            client.upload_media(connector_id="1266", file_url=FILE_URL)
    assert len(wire.requests) == 3
    assert "cookie" not in "".join(head for head, _ in wire.requests).lower()


@pytest.mark.parametrize(
    "data",
    [
        [{**VENTAS, "rp_id": 1}],
        {"0": {**VENTAS, "connector_id": 1266}},
        {"connectors": [VENTAS]},
        [None, 4, "x", {"name": "none"}, {"connector_id": None}, {"connector_id": []}, VENTAS],
    ],
)
def test_connectors_are_listed_and_malformed_rows_are_not(data):
    with answering(response({"code": "200", "error": None, "msg": "", "data": data})) as wire:
        assert Client(wire.url, TOKEN).connectors() == [ConnectorInfo("1266", "Ventas", "whatsapp")]
    [(head, body)] = wire.requests
    assert head.startswith("GET /wv0042/api/v2/information.php?api=connectors HTTP/1.1\r\n")
    assert body == b""


def test_connectors_of_an_empty_answer_are_none():
    with answering(response({"code": "200", "data": None})) as wire:
        assert Client(wire.url, TOKEN).connectors() == []


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: [row]])
def test_token_info_is_read_with_numbers_as_text_or_not(wrap):
    row = {
        "description": f"panel {TOKEN}",
        "token_limit": "2000",
        "token_use_today": 7,
        "all_token_today": "n/a",
        "available_consumption_options": None,
    }
    with answering(response({"code": 200, "error": None, "data": wrap(row)})) as wire:
        info = Client(wire.url, TOKEN).token_info()
    assert info == TokenInfo("panel [secure]", 2000, 7, "n/a", None)
    assert wire.requests[0][0].startswith("GET /wv0042/api/v2/information.php?api=token_info ")


def test_token_info_without_any_of_it_is_none_throughout():
    with answering(response({"code": "200", "data": []})) as wire:
        info = Client(wire.url, TOKEN).token_info()
    assert info == TokenInfo(None, None, None, None, None)


def test_a_failure_over_the_wire_carries_what_the_vendor_said():
    body = failed("429", msg="WAIT")
    content = response(body, status="429 Too Many", headers=["retry-after: 30"])
    with answering(content) as wire, pytest.raises(errors.Busy) as raised:
        upload(wire)
    assert raised.value.http_status == 429
    assert raised.value.message == "WAIT"
    assert raised.value.retry_after == 30.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"not http at all\r\n\r\n",
        response(success())[:-1],
        response(json.dumps(success()).encode() + b" ")[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        response(b" " * 300_000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 300_000,
        response(gzip.compress(b"{}"), headers=["Content-Encoding: gzip"]),
    ],
    ids=range(12),
)
def test_an_answer_that_is_cut_short_broken_or_too_big_is_unclear(content):
    with answering(content) as wire, pytest.raises(errors.Unclear):
        upload(wire)
    assert len(wire.requests) == 1


def test_the_largest_answer_allowed_is_read():
    body = json.dumps(success()).encode()
    content = response(body + b" " * (256 * 1024 - len(body)))
    with answering(content) as wire:
        assert upload(wire).handle == HANDLE


def test_an_answer_in_chunks_is_read():
    body = json.dumps(success()).encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked) as wire:
        assert upload(wire).handle == HANDLE


def test_nothing_is_ever_unpacked():
    with answering(response(success(), headers=["Content-Encoding: gzip"])) as wire:
        assert upload(wire).handle == HANDLE


@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", response({})]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_on_the_wire_are_one_of_our_errors(content, start):
    with answering(start + content) as wire, pytest.raises(errors.WolkvoxError):
        upload(wire)


def test_a_reset_after_the_request_is_unclear():
    def behave(wire, connection):
        wire.read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Wire(behave) as wire, pytest.raises(errors.Unclear) as raised:
        upload(wire)
    assert raised.value.http_status is None
    assert raised.value.reason == "ConnectionResetError"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
def test_a_redirect_is_refused_and_the_second_host_sees_nothing(status):
    with answering(response(success())) as second:
        headers = [f"Location: {second.url}", "Content-Encoding: gzip"]
        content = response(BOMB, status=status, headers=headers)
        with answering(content) as first, pytest.raises(errors.Refused) as raised:
            upload(first)
        assert len(first.requests) == 1
    assert raised.value.http_status == int(status[:3])
    assert second.requests == []


def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch, tmp_path):
    with answering(b"") as proxy, answering(response(success())) as wire:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password secret\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert upload(wire).handle == HANDLE
    assert proxy.requests == []
    assert "authorization" not in wire.requests[0][0].lower()


# Nothing sent


def test_a_refused_connection_means_nothing_was_sent():
    client = Client("http://127.0.0.1:1/", TOKEN)
    with pytest.raises(errors.NotSent) as raised:
        client.connectors()
    assert raised.value.reason == "ConnectionRefusedError"
    assert_no_token(raised.value)


def test_a_name_that_is_not_found_means_nothing_was_sent(monkeypatch):
    def not_found(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    with pytest.raises(errors.NotSent) as raised:
        Client("https://wv0042.wolkvox.com/api/v2/", TOKEN).connectors()
    assert raised.value.reason == "gaierror"
    assert_no_token(raised.value)


@pytest.fixture
def slow_names(monkeypatch):
    look_up = socket.getaddrinfo

    def slow_down(seconds):
        def slow(*args, **options):
            time.sleep(seconds)
            return look_up(*args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", slow)

    return slow_down


def test_a_name_looked_up_for_longer_than_the_deadline_means_nothing_was_sent(slow_names):
    with answering(response(success())) as wire:
        slow_names(0.3)
        with pytest.raises(errors.NotSent) as raised:
            upload(wire, deadline=0.2, start_before=time.monotonic() + 60, host="localhost")
    assert raised.value.reason == "deadline"
    assert wire.requests == []


def test_no_call_waits_for_a_resolver_beyond_its_time(monkeypatch):
    look_up, over = socket.getaddrinfo, threading.Event()

    def blocked(*args, **options):
        over.wait(30)
        return look_up(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    with answering(response(success())) as wire:
        before = time.monotonic()
        with pytest.raises(errors.NotSent) as by_deadline:
            upload(wire, deadline=0.3, host="localhost")
        with pytest.raises(errors.NotSent) as by_start:
            upload(wire, deadline=20, start_before=time.monotonic() + 0.3, host="localhost")
        assert time.monotonic() - before < 5
        over.set()
        assert wire.requests == []
    assert by_deadline.value.reason == "deadline"
    assert by_start.value.reason == "TimeoutError"
    assert_no_token(by_deadline.value)


def test_the_next_address_of_a_name_is_tried(monkeypatch):
    with network.refusing() as refusing, answering(response(success())) as wire:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [(*kind, ("127.0.0.1", port)) for port in (refusing, wire.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
        assert upload(wire).handle == HANDLE


def test_a_name_without_addresses_means_nothing_was_sent(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [])
    with pytest.raises(errors.NotSent):
        Client("https://wv0042.wolkvox.com/api/v2/", TOKEN).connectors()


@pytest.mark.parametrize("limits", [{"connect_timeout": 0.3}, {"deadline": 0.3}])
def test_a_syn_that_is_dropped_ends_with_the_time_to_connect(limits):
    with network.dropping() as port:
        before = time.monotonic()
        with pytest.raises(errors.NotSent) as raised:
            Client(f"http://127.0.0.1:{port}/", TOKEN, **limits).connectors()
        assert time.monotonic() - before < 4
    assert raised.value.reason == ("deadline" if "deadline" in limits else "TimeoutError")
    assert_no_token(raised.value)


def test_a_call_that_comes_too_late_to_start_sends_nothing():
    with answering(response(success())) as wire:
        with pytest.raises(errors.NotSent):
            upload(wire, start_before=time.monotonic())
        with pytest.raises(errors.NotSent):
            upload(wire, start_before=0.0)
        assert wire.requests == []
        assert upload(wire, start_before=time.monotonic() + 5).handle == HANDLE


def test_a_call_that_slept_while_it_connected_sends_nothing(slow_names):
    with answering(response(success())) as wire:
        slow_names(0.3)
        with pytest.raises(errors.NotSent):
            upload(wire, start_before=time.monotonic() + 0.2)
    assert wire.requests == []


def test_nothing_is_sent_before_permission_is_given():
    with answering(response(success())) as wire, ThreadPoolExecutor(1) as pool:
        permission = Permission()
        call = pool.submit(upload, wire, permission=permission)
        assert wire.connected.wait(5)
        assert wire.requests == []

        permission.decide(True)
        assert call.result().handle == HANDLE


def test_a_refused_call_is_not_sent():
    with answering(response(success())) as wire:
        permission = Permission()
        permission.decide(False)
        with pytest.raises(errors.NotSent):
            upload(wire, permission=permission)
        with pytest.raises(errors.NotSent):  # as good as refused
            upload(wire, start_before=time.monotonic() + 0.2, permission=Permission())
    assert wire.requests == []


# The deadline


def hang(wire, connection):
    wire.pause()


def hang_after_the_request(wire, connection):
    wire.read_request(connection)
    wire.pause()


def hang_in_the_body(wire, connection):
    wire.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(success()).encode())
    wire.pause()


def drip(content):
    def behave(wire, connection):
        wire.read_request(connection)
        for start in range(len(content)):
            connection.sendall(content[start : start + 1])
            wire.pause(0.1)

    return behave


def drip_the_body(wire, connection):
    wire.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        wire.pause(0.1)


def continue_without_end(wire, connection):
    wire.read_request(connection)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.pause(0.05)


def empty_chunks_without_end(wire, connection):
    wire.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n")
        wire.pause(0.05)


@pytest.mark.parametrize(
    "behave",
    [
        hang,
        hang_after_the_request,
        hang_in_the_body,
        drip(response(success())),
        drip_the_body,
        continue_without_end,
        empty_chunks_without_end,
    ],
)
def test_no_call_lasts_longer_than_its_deadline(behave):
    with Wire(behave) as wire:
        before = time.monotonic()
        with pytest.raises(errors.Unclear) as raised:
            upload(wire, deadline=0.3)
        lasted = time.monotonic() - before
    assert 0.25 < lasted < 0.8
    assert raised.value.reason in ("deadline", "TimeoutError")
    assert_no_token(raised.value)


def test_a_deadline_of_one_second_is_kept_to_half_a_second():
    with Wire(drip_the_body) as wire:
        before = time.monotonic()
        with pytest.raises(errors.Unclear):
            upload(wire, deadline=1.0)
    assert 0.9 < time.monotonic() - before < 1.5


def test_no_thread_or_socket_outlives_a_call():
    with answering(response(success())) as wire:
        upload(wire)
        deadline = time.monotonic() + 2
        while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a self-signed certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def encrypted(behave, *, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def behave_encrypted(wire, connection):
        with context.wrap_socket(connection, server_side=True) as wrapped:
            behave(wire, wrapped)

    return Wire(behave_encrypted)


def answer_success(wire, connection):
    wire.read_request(connection)
    connection.sendall(response(success()))


def upload_over_tls(wire, *, host="127.0.0.1", deadline=5.0, **options):
    url = f"https://{host}:{wire.port}/"
    client = Client(url, TOKEN, deadline=deadline, **options)
    return client.upload_media(connector_id="1266", file_url=FILE_URL)


def test_a_trusted_certificate_is_accepted(certificate):
    with encrypted(answer_success, certificate=certificate) as wire:
        assert upload_over_tls(wire, ca_bundle=certificate[0]).handle == HANDLE


def test_a_self_signed_certificate_is_refused_and_nothing_is_sent(certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    monkeypatch.setenv("CURL_CA_BUNDLE", certificate[0])
    with encrypted(answer_success, certificate=certificate) as wire:
        with pytest.raises(errors.CertificateRefused) as raised:
            upload_over_tls(wire)
        assert wire.requests == []
    assert_no_token(raised.value)


def test_a_certificate_for_another_name_is_refused_and_nothing_is_sent(certificate):
    with encrypted(answer_success, certificate=certificate) as wire:
        with pytest.raises(errors.CertificateRefused):
            upload_over_tls(wire, host="localhost", ca_bundle=certificate[0])
        assert wire.requests == []


def test_a_server_that_does_not_speak_tls_gets_nothing():
    def behave(wire, connection):
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Wire(behave) as wire, pytest.raises(errors.NotSent) as raised:
        upload_over_tls(wire)
    assert type(raised.value) is errors.NotSent


def drip_into_the_handshake(wire, connection):
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while True:
        connection.sendall(b"\x02")
        wire.pause(0.1)


@pytest.mark.parametrize("behave", [hang, drip_into_the_handshake])
def test_a_handshake_that_does_not_end_is_cut_at_the_deadline(behave):
    with Wire(behave) as wire:
        before = time.monotonic()
        with pytest.raises(errors.NotSent) as raised:
            upload_over_tls(wire, deadline=0.3)
        assert 0.25 < time.monotonic() - before < 0.8
    assert_no_token(raised.value)


def test_a_handshake_after_the_deadline_is_cut_at_once(slow_names):
    with Wire(hang) as wire:
        slow_names(0.6)
        before = time.monotonic()
        with pytest.raises(errors.NotSent):
            upload_over_tls(wire, deadline=0.5)
        assert 0.5 < time.monotonic() - before < 0.95


def test_a_handshake_that_hangs_ends_with_the_time_to_connect():
    with Wire(hang) as wire:
        before = time.monotonic()
        with pytest.raises(errors.NotSent):
            upload_over_tls(wire, connect_timeout=0.3)
        assert time.monotonic() - before < 0.8


@pytest.mark.parametrize("behave", [hang_after_the_request, drip_the_body])
def test_the_deadline_holds_over_tls_too(behave, certificate):
    with encrypted(behave, certificate=certificate) as wire:
        before = time.monotonic()
        with pytest.raises(errors.Unclear):
            upload_over_tls(wire, deadline=0.3, ca_bundle=certificate[0])
        assert 0.25 < time.monotonic() - before < 0.8


def test_a_file_of_authorities_that_is_missing_is_noticed_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        Client("https://127.0.0.1/", TOKEN, ca_bundle=str(tmp_path / "none.pem"))
