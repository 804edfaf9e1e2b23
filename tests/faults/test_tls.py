"""Certificates: what is refused, what goes on when it is mended, and no way down to http."""

from datetime import timedelta

import pytest

from media_assets.models import Outcome, PauseReason, Status
from media_assets.wolkvox import client as wolkvox_client
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import make_connector, make_operation
from tests.faults.certificates import server_context
from tests.faults.delivering import (
    TOKEN,
    assert_bounded,
    assert_consequence,
    assert_read,
    deliver,
    operation_of,
    queued,
    run_worker,
    skip_waits,
)


@pytest.fixture
def served(pems):
    """What the sandbox shows; a certificate loaded later is shown from then on."""
    return server_context(pems / "valid.pem")


@pytest.fixture
def tls_box(served, pems, settings, monkeypatch):
    """A sandbox that speaks https, and a worker that trusts the authority of the tests."""
    monkeypatch.setattr(wolkvox_client, "DEFAULT_CA_BUNDLE_PATH", str(pems / "authority.pem"))
    with Sandbox(operations={"0042": TOKEN}, tls=served) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        yield box


@pytest.fixture
def connector(tls_box, db):
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


def test_a_valid_certificate_is_accepted(tls_box, connector, read):
    assert tls_box.base_url.startswith("https://")
    upload = queued(connector)
    run_worker()

    upload.refresh_from_db()
    assert upload.status == Status.READY
    assert len(tls_box.ledger.calls) == 1


@pytest.mark.parametrize("certificate", ["expired", "self-signed", "wrong-host"])
def test_a_bad_certificate_pauses_the_operation_until_it_is_mended(
    certificate, tls_box, served, connector, pems, marketing, reader, read
):
    served.load_cert_chain(pems / f"{certificate}.pem")
    upload = queued(connector, by=marketing)
    following = queued(connector, by=marketing)
    story = deliver(upload, read=read)

    assert_consequence(story, Outcome.CERTIFICATE, deadline=10)
    attempt = upload.attempts.get()
    assert (attempt.http_status, attempt.vendor_code, attempt.message) == (None, "", "")
    assert attempt.reason == "SSLCertVerificationError"
    assert upload.vendor_message == ""
    assert_bounded(upload)
    assert_read(story, Outcome.CERTIFICATE, client=reader)
    assert tls_box.ledger.calls == []
    assert following.attempts.count() == 0

    served.load_cert_chain(pems / "valid.pem")
    skip_waits()
    run_worker()
    assert operation_of(upload).paused_reason == PauseReason.NONE
    for mended in (upload, following):
        mended.refresh_from_db()
        assert mended.status == Status.READY
    assert len(tls_box.ledger.calls) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_from_https_to_http_is_refused_and_nothing_arrives_there(
    status, tls_box, connector, marketing, reader, read
):
    with Sandbox(operations={"0042": TOKEN}) as plain:
        plain_url = plain.base_url.format(server="0042")
        tls_box.faults.redirect_to = f"{plain_url}whatsapp.php?api=upload_media"
        upload = queued(connector, f"fault-redirect-{status}.jpg", by=marketing)
        story = deliver(upload, read=read)

        assert_consequence(story, Outcome.REFUSED, deadline=10)
        assert upload.attempts.get().http_status == status
        assert plain.ledger.calls == []
    assert_read(story, Outcome.REFUSED, client=reader)
    following = queued(connector, by=marketing)
    run_worker()
    following.refresh_from_db()
    assert following.status == Status.READY


def test_the_deadline_holds_over_tls_and_what_was_sent_is_unclear(
    tls_box, connector, settings, read
):
    settings.DELIVERY_DEADLINE = timedelta(seconds=0.5)
    upload = queued(connector, "fault-drip-body.jpg")
    story = deliver(upload, read=read)

    assert_consequence(story, Outcome.UNCLEAR, deadline=0.5)
    assert len(tls_box.ledger.calls) == upload.attempts.count()
