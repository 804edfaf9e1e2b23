"""A token goes home and nowhere else: not by a redirect, a server's name, a proxy or a moved row.

Whatever is tried, three ways lead out: a worker, *Test connection* and *Import connectors*. All
addresses but the sandbox's lead to a listener, which must not be sent anything.
"""

import json
import re
import ssl
import tempfile
from pathlib import Path

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import DataError, transaction
from requests.adapters import DEFAULT_CA_BUNDLE_PATH as PUBLIC_AUTHORITIES

from media_assets import crypto
from media_assets.models import Operation, Outcome, Status
from media_assets.wolkvox import client as wolkvox_client
from media_assets.wolkvox.sandbox import Sandbox
from media_assets.wolkvox.sandbox.faults import FAULTS, Fault
from tests.admin_pages import OPERATIONS, address, form
from tests.crashes.workers import workers_of
from tests.factories import make_connector, make_operation, make_upload
from tests.faults import certificates
from tests.faults.delivering import run_worker, skip_waits
from tests.security.elsewhere import elsewhere_than
from tests.security.world import FIRST, SECOND

TOOLS = ["test", "import"]


@pytest.fixture
def box(settings):
    with Sandbox(operations={"0042": FIRST, "0077": SECOND}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [box.origin]
        yield box


@pytest.fixture
def elsewhere(box, monkeypatch):
    with elsewhere_than(box, monkeypatch) as elsewhere:
        yield elsewhere


@pytest.fixture
def operation(box, db):
    return make_operation(server="0042", token=FIRST)


@pytest.fixture
def connector(operation):
    return make_connector(operation, connector_id="1266")


@pytest.fixture
def web(client_for, connector_admin):
    return client_for(connector_admin)


@pytest.fixture
def send(web):
    """Every way that a token may go out, for every operation there is."""

    def send():
        for operation in Operation.objects.order_by("pk"):
            line = operation.connectors.first() or make_connector(operation)
            make_upload(line, status=Status.QUEUED)
        skip_waits()
        run_worker()
        for operation in Operation.objects.order_by("pk"):
            for tool in TOOLS:
                assert web.post(address(operation, tool), follow=True).status_code == 200

    return send


def stayed_home(box, elsewhere, *, calls=None):
    """Nothing went elsewhere, and of what went home each token went to its own operation."""
    assert elsewhere.received == []
    own = {server: box.ledger.mask(known.token) for server, known in box.operations.items()}
    for call in box.ledger.calls:
        assert own[call.server] == call.token
    if calls is not None:
        assert len(box.ledger.calls) == calls


def test_what_is_sent_home_arrives_three_times(box, elsewhere, connector, send):
    send()
    stayed_home(box, elsewhere, calls=3)


def test_the_listener_sees_a_token_that_leaves(box, elsewhere, settings, web, db):
    settings.WOLKVOX_BASE_URL = f"http://127.0.0.1:{elsewhere.port}/wv{{server}}/api/v2/"
    operation = make_operation(server="0042", token=FIRST)
    web.post(address(operation, "test"))
    assert [content for content in elsewhere.received if FIRST.encode() in content]


# Redirects


WHERE = [
    "Location: http://evil.test/wv0042/api/v2/whatsapp.php?api=upload_media",
    "Location: https://evil.test/",
    "Location: //evil.test/api",
    "Location: http://127.0.0.1:{port}/wv0042/api/v2/",
    "Refresh: 0; url=http://127.0.0.1:{port}/",
    'Alt-Svc: h2="127.0.0.1:{port}"; ma=3600',
]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308, 399])
def test_no_redirect_is_followed(status, box, elsewhere, connector, send, monkeypatch):
    lines = "\r\n".join(WHERE).format(port=elsewhere.port)
    page = f'<meta http-equiv="refresh" content="0; url=http://127.0.0.1:{elsewhere.port}/">'
    head = f"HTTP/1.1 {status} Elsewhere\r\n{lines}\r\nContent-Length: {len(page)}\r\n\r\n"
    monkeypatch.setitem(FAULTS, "away", Fault("Away", lambda _: iter([(head + page).encode()])))
    box.faults.set("away")

    send()

    stayed_home(box, elsewhere, calls=3)
    assert connector.uploads.get().last_outcome == Outcome.REFUSED


# Names of servers


HOSTILE = [
    "0001.evil.test/#",
    "0042@evil.test/",
    "@evil.test/",
    "0042.evil.test:443/?",
    "0042/../../evil.test/",
    "0042%2eevil.test",
    "0042\\@evil.test",
    "0042?@evil.test/",
    "0042\r\nHost: evil.test",
    "٠٠٤٢",
    "0042。evil.test",
    "[::1]:{port}/#",
]


@pytest.mark.parametrize("server", HOSTILE)
def test_no_servers_name_leads_elsewhere(server, box, elsewhere, connector, send, web, operation):
    server = server.format(port=elsewhere.port)
    for sent in (form(operation, server=server, forget_token="on"), form(operation)):
        sent = sent | {"server": server, "new_token": SECOND}
        assert web.post(address(operation), sent).status_code == 200
        assert web.post(f"{OPERATIONS}add/", sent).status_code == 200
    rows = Operation.objects.filter(pk=operation.pk)
    assert rows.get().server == "0042"
    for written in (server, server[:4]):  # past the form; PostgreSQL takes four letters at most
        try:
            with transaction.atomic():
                rows.update(server=written)
        except DataError:
            continue
        if not re.fullmatch("[0-9]{4}", written):
            with pytest.raises(crypto.NoAddress):  # nor can one be sealed for it
                rows.get().set_token(FIRST)
        send()
        stayed_home(box, elsewhere)


# The environment


def poisoned(elsewhere, folder: Path) -> dict[str, str]:
    proxy = f"http://someone:secret@127.0.0.1:{elsewhere.port}"
    names = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
    netrc = folder / ".netrc"
    netrc.write_text("default login someone password secret\n")
    netrc.chmod(0o600)
    return {
        **dict.fromkeys(names, proxy),
        **dict.fromkeys(map(str.upper, names), proxy),
        "no_proxy": "",
        "NO_PROXY": "",
        "HOME": str(folder),
        "NETRC": str(netrc),
        "REQUEST_METHOD": "",  # or HTTP_PROXY would be left out
    }


def test_no_proxy_and_no_netrc_of_the_environment_is_used(
    box, elsewhere, connector, send, monkeypatch, tmp_path
):
    for name, value in poisoned(elsewhere, tmp_path).items():
        monkeypatch.setenv(name, value)
    send()
    stayed_home(box, elsewhere, calls=3)
    assert connector.uploads.get().status == Status.READY


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_started_with_them_uses_none(box, elsewhere, connector, tmp_path):
    upload = make_upload(connector, status=Status.QUEUED)
    with workers_of(box) as workers:
        worker = workers.start(settings=poisoned(elsewhere, tmp_path), arguments=["--until-idle"])
        assert worker.wait() == 0, worker.said
    upload.refresh_from_db()
    assert upload.status == Status.READY, worker.said
    stayed_home(box, elsewhere, calls=1)


# Certificates


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    certificates.make_all(folder)
    return folder


@pytest.fixture
def tls(box, pems, settings, monkeypatch):
    """The same sandbox over TLS; gives the context whose certificate it shows."""
    context = certificates.server_context(pems / "valid.pem")
    monkeypatch.setattr(wolkvox_client, "DEFAULT_CA_BUNDLE_PATH", str(pems / "authority.pem"))
    with Sandbox(operations={"0042": FIRST, "0077": SECOND}, tls=context) as secure:
        settings.WOLKVOX_BASE_URL = secure.base_url
        yield secure, context


@pytest.mark.parametrize("certificate", ["expired", "self-signed", "wrong-host"])
@pytest.mark.parametrize("tool", TOOLS)
def test_an_administrators_call_is_not_made_to_a_wrong_certificate(
    tls, pems, web, db, certificate, tool
):
    secure, context = tls
    operation = make_operation(server="0042", token=FIRST)
    web.post(address(operation, tool))
    assert len(secure.ledger.calls) == 1

    context.load_cert_chain(pems / f"{certificate}.pem")
    response = web.post(address(operation, tool), follow=True)

    assert "was refused, so the token was not sent" in response.content.decode()
    assert len(secure.ledger.calls) == 1


@pytest.mark.parametrize("tool", TOOLS)
def test_authorities_of_the_environment_are_not_trusted(tls, pems, web, db, tool, monkeypatch):
    secure, _context = tls
    monkeypatch.setattr(wolkvox_client, "DEFAULT_CA_BUNDLE_PATH", PUBLIC_AUTHORITIES)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(pems / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(pems))
    operation = make_operation(server="0042", token=FIRST)

    response = web.post(address(operation, tool), follow=True)

    assert "was refused, so the token was not sent" in response.content.decode()
    assert secure.ledger.calls == []


def test_the_weakest_protocol_is_refused(tls, web, db):
    secure, context = tls
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    operation = make_operation(server="0042", token=FIRST)
    web.post(address(operation, "test"))
    assert len(secure.ledger.calls) == 1

    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    web.post(address(operation, "test"))
    assert len(secure.ledger.calls) == 1


# Moving a sealed value


def by_the_form(operation, other, web, elsewhere, settings):
    sent = form(operation, server="0077")
    web.post(address(operation), sent)
    web.post(address(operation), sent | {"forget_token": "on"})


def by_forged_fields(operation, other, web, elsewhere, settings):
    forged = {
        "sealed_token": operation.sealed_token,
        "token_fingerprint": operation.token_fingerprint,
        "code": str(operation.code),
        "token_set_at": "2026-01-01",
        "stored_token": operation.sealed_token,
    }
    web.post(address(operation), form(operation, server="0077", forget_token="on", **forged))
    web.post(address(other), form(other, **forged))
    web.post(f"{OPERATIONS}add/", form(name="Copy", server="0077", **forged))


def by_sql_to_another_server(operation, other, web, elsewhere, settings):
    Operation.objects.filter(pk=operation.pk).update(server="0077")
    other.delete()


def by_sql_to_another_row(operation, other, web, elsewhere, settings):
    Operation.objects.filter(pk=other.pk).update(sealed_token=operation.sealed_token)


def by_swapping_two_rows(operation, other, web, elsewhere, settings):
    rows = Operation.objects.filter
    rows(pk=other.pk).update(sealed_token=operation.sealed_token)
    rows(pk=operation.pk).update(sealed_token=other.sealed_token)


def by_swapping_servers(operation, other, web, elsewhere, settings):
    Operation.objects.filter(pk=other.pk).update(server="0042")
    Operation.objects.filter(pk=operation.pk).update(server="0077")


def by_taking_the_code_along(operation, other, web, elsewhere, settings):
    code = operation.code
    Operation.objects.filter(pk=operation.pk).delete()
    Operation.objects.filter(pk=other.pk).update(code=code, sealed_token=operation.sealed_token)


def by_copying_a_row(operation, other, web, elsewhere, settings):
    copy = Operation.objects.get(pk=operation.pk)
    copy.pk, copy.code, copy.name, copy.server = None, other.code, "Copy", "0077"
    other.delete()
    copy.save(force_insert=True)


def by_loading_a_dump(operation, other, web, elsewhere, settings):
    other.delete()
    (row,) = json.loads(serializers.serialize("json", [operation]))
    row["fields"] |= {"server": "0077", "name": "Loaded"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as dump:
        json.dump([row], dump)
        dump.flush()
        call_command("loaddata", dump.name, verbosity=0)
    assert Operation.objects.get().sealed_token == operation.sealed_token


def to(pattern):
    def by_the_settings(operation, other, web, elsewhere, settings):
        port = settings.WOLKVOX_BASE_URL.partition("127.0.0.1:")[2].partition("/")[0]
        settings.WOLKVOX_BASE_URL = pattern.format(
            port=port, away=elsewhere.port, server="{server}"
        )

    return by_the_settings


MOVES = {
    "form": by_the_form,
    "forged fields": by_forged_fields,
    "another server": by_sql_to_another_server,
    "another row": by_sql_to_another_row,
    "rows swapped": by_swapping_two_rows,
    "servers swapped": by_swapping_servers,
    "code taken along": by_taking_the_code_along,
    "row copied": by_copying_a_row,
    "dump loaded": by_loading_a_dump,
    "port": to("http://127.0.0.1:{away}/wv{server}/api/v2/"),
    "scheme": to("https://127.0.0.1:{port}/wv{server}/api/v2/"),
    "host": to("http://localhost:{away}/wv{server}/api/v2/"),
    "other loopback": to("http://127.0.0.2:{port}/wv{server}/api/v2/"),
    "trailing dot": to("http://127.0.0.1.:{port}/wv{server}/api/v2/"),
    "letter case": to("http://LOCALHOST:{away}/WV{server}/API/v2/"),
    "path": to("http://127.0.0.1:{port}/evil/wv{server}/api/v2/"),
    "user": to("http://127.0.0.1:{port}@evil.test/wv{server}/api/v2/"),
    "another name": to("https://wv{server}.wolkvox.com.evil.test/api/v2/"),
    "the real one": to("https://wv{server}.wolkvox.com/api/v2/"),
}


@pytest.mark.parametrize("way", MOVES)
def test_a_sealed_token_that_was_moved_goes_nowhere(
    way, box, elsewhere, operation, connector, send, web, settings
):
    other = make_operation(server="0077", token=SECOND)

    MOVES[way](operation, other, web, elsewhere, settings)
    send()

    is_home = box.base_url == settings.WOLKVOX_BASE_URL
    stayed_home(box, elsewhere, calls=None if is_home else 0)


def test_a_value_copied_to_an_operation_of_the_same_server_is_not_sent_for_it(
    box, elsewhere, operation, connector, send
):
    other = make_operation(server="0042")
    copied = {
        "sealed_token": operation.sealed_token,
        "token_fingerprint": operation.token_fingerprint,
    }
    Operation.objects.filter(pk=other.pk).update(**copied)
    Operation.objects.filter(pk=operation.pk).update(is_active=False, sealed_token="")

    send()

    stayed_home(box, elsewhere, calls=0)


def test_a_row_that_is_put_back_is_at_home_again(box, elsewhere, operation, connector, send):
    rows = Operation.objects.filter(pk=operation.pk)
    rows.update(server="0077")
    send()
    assert box.ledger.calls == []
    rows.update(server="0042")
    send()
    stayed_home(box, elsewhere)
    assert {call.token for call in box.ledger.calls} == {box.ledger.mask(FIRST)}
