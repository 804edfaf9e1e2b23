"""What goes wrong before a request reaches wolkvox: names, connections, handshakes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from media_assets.models import Outcome, Status
from media_assets.wolkvox import servers
from media_assets.wolkvox.sandbox import Sandbox, network
from tests.factories import make_connector, make_operation
from tests.faults.delivering import (
    TOKEN,
    assert_bounded,
    assert_consequence,
    assert_read,
    deliver,
    queued,
    run_worker,
    skip_waits,
)

PATH = "wv{server}/api/v2/"
RESOLVER_SECONDS = 30.0


@pytest.fixture
def point_to(settings, connector):
    """Sends the operation's calls to another address, as if wolkvox were there."""

    def change(pattern):
        settings.WOLKVOX_BASE_URL = pattern
        connector.operation.set_token(TOKEN)  # sealed for the address it is for

    return change


@contextmanager
def refused(box, monkeypatch) -> Iterator[str]:
    with network.refusing() as port:
        yield f"http://127.0.0.1:{port}/{PATH}"


@contextmanager
def dropped(box, monkeypatch) -> Iterator[str]:
    with network.dropping() as port:
        yield f"http://127.0.0.1:{port}/{PATH}"


@contextmanager
def handshake_hangs(box, monkeypatch) -> Iterator[str]:
    with network.silent() as listener:
        yield f"https://127.0.0.1:{listener.port}/{PATH}"
        sent = listener.received()
    assert len(sent) == 6
    # a TLS record with a handshake, and nothing that tells the token or the file
    assert all(content.startswith(b"\x16\x03") for content in sent)
    assert not any(TOKEN.encode() in content or b"POST" in content for content in sent)


@contextmanager
def not_tls(box, monkeypatch) -> Iterator[str]:
    yield f"https://127.0.0.1:{box.port}/{PATH}"


@contextmanager
def name_not_found(box, monkeypatch) -> Iterator[str]:
    """No name but wolkvox's own may stand in the settings: here that one is in `.invalid`.

    RFC 6761 promises that no such name exists; the system's resolver is really asked.
    """
    pattern = "https://wv{server}.wolkvox.invalid/api/v2/"
    monkeypatch.setattr(servers, "REAL_BASE_URL", pattern)
    yield pattern


@contextmanager
def slow_name(box, monkeypatch) -> Iterator[str]:
    """A resolver that blocks; patched, because that of the system cannot be slowed down."""
    look_up, over = socket.getaddrinfo, threading.Event()

    def slow(host, *args, **options):
        if host == "localhost":
            over.wait(RESOLVER_SECONDS)
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    yield f"http://localhost:{box.port}/{PATH}"
    over.set()


@pytest.mark.parametrize(
    ("fault", "reason", "deadline"),
    [
        (refused, "ConnectionRefusedError", 10.0),
        (dropped, "deadline", 0.5),
        (handshake_hangs, "deadline", 0.5),
        (not_tls, "SSLError", 10.0),
        (name_not_found, "gaierror", 10.0),
        (slow_name, "deadline", 0.5),
    ],
)
def test_a_call_that_never_reaches_wolkvox_is_not_sent_and_the_next_upload_runs(
    fault,
    reason,
    deadline,
    box,
    connector,
    point_to,
    settings,
    marketing,
    reader,
    read,
    monkeypatch,
):
    settings.DELIVERY_DEADLINE = timedelta(seconds=deadline)
    upload = queued(connector, by=marketing)
    working = settings.WOLKVOX_BASE_URL
    with fault(box, monkeypatch) as pattern:
        point_to(pattern)
        story = deliver(upload, read=read)

    assert_consequence(story, Outcome.NOT_SENT, deadline=deadline)
    for attempt in upload.attempts.all():
        assert (attempt.http_status, attempt.vendor_code, attempt.message) == (None, "", "")
        assert attempt.reason == reason
    assert upload.vendor_message == ""
    assert upload.lease_until is None
    assert_bounded(upload)
    assert_read(story, Outcome.NOT_SENT, client=reader)
    assert box.ledger.calls == []

    point_to(working)
    following = queued(connector, by=marketing)
    run_worker()
    following.refresh_from_db()
    assert following.status == Status.READY


def test_a_dropped_syn_is_given_up_after_five_seconds_and_not_at_the_deadline(
    box, connector, point_to
):
    upload = queued(connector)
    with network.dropping() as port:
        point_to(f"http://127.0.0.1:{port}/{PATH}")
        run_worker()

    attempt = upload.attempts.get()
    assert (attempt.outcome, attempt.reason) == (Outcome.NOT_SENT, "TimeoutError")
    assert attempt.seconds is not None
    assert 4 < attempt.seconds < 20


def test_an_upload_goes_through_when_wolkvox_is_back(settings, db, read, marketing):
    settings.SANDBOX = True
    with Sandbox(operations={"0042": TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        port = box.port
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    upload = queued(connector, by=marketing)
    run_worker()
    upload.refresh_from_db()
    assert (upload.status, upload.last_outcome) == (Status.QUEUED, Outcome.NOT_SENT)

    with Sandbox(port=port, operations={"0042": TOKEN}) as again:
        skip_waits()
        assert deliver(upload, read=read).upload.status == Status.READY
        assert len(again.ledger.calls) == 1
    outcomes = list(upload.attempts.values_list("outcome", flat=True))
    assert outcomes == [Outcome.NOT_SENT, Outcome.READY]
