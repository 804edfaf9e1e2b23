"""Whatever wolkvox answers, or fails to answer, once a request has reached it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from media_assets.models import (
    Attempt,
    AuditEvent,
    Operation,
    Outcome,
    PauseReason,
    Status,
    Upload,
)
from media_assets.wolkvox import handles
from media_assets.wolkvox.sandbox import Sandbox
from media_assets.wolkvox.sandbox.faults import FAULTS
from tests.faults.delivering import (
    TOKEN,
    assert_bounded,
    assert_consequence,
    assert_read,
    assert_says,
    deliver,
    operation_of,
    page_of,
    queued,
    run_worker,
    skip_waits,
)

UPLOADED = "Media uploaded successfully"
SIMULTANEOUS = "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)"
TOO_BIG = "more than 256 KiB"
NOT_JSON = "no JSON object"
HTML = "<!doctype html>"
# Of what the sandbox can do, these have tests of their own below.
ELSEWHERE = {"same-handle"} | {name for name in FAULTS if name.startswith("redirect-")}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault and what is known of its calls.

    reason: or several, parted by "|"; message: how it begins; deadline: seconds.
    """

    fault: str
    outcome: Outcome
    http: int | None = None
    code: str = ""
    reason: str = ""
    message: str = ""
    deadline: float = 10.0

    def __str__(self) -> str:
        return self.fault


def ready(fault):
    return Case(fault=fault, outcome=Outcome.READY, http=200, code="200", message=UPLOADED)


def lost(fault, reason, **values):
    return Case(fault=fault, outcome=Outcome.UNCLEAR, reason=reason, **values)


def too_big(fault, http=200):
    return Case(fault=fault, outcome=Outcome.UNCLEAR, http=http, reason=TOO_BIG)


def no_json(fault, message="", http=200):
    return Case(fault=fault, outcome=Outcome.UNCLEAR, http=http, reason=NOT_JSON, message=message)


def no_handle(fault):
    return Case(
        fault=fault,
        outcome=Outcome.UNCLEAR,
        http=200,
        code="200",
        reason="no handle",
        message=UPLOADED,
    )


def said(fault, outcome, code, message, http=None):
    return Case(fault=fault, outcome=outcome, http=http or int(code), code=code, message=message)


CASES = [
    # the reset may come while the request is still being written
    lost("reset-before", "ConnectionResetError|RemoteDisconnected"),
    lost("reset-after", "ConnectionResetError"),
    ready("slow-1"),
    lost("no-answer", "deadline", deadline=0.5),
    lost("drip-headers", "deadline", deadline=0.5),
    lost("drip-body", "deadline", deadline=0.5),
    lost("truncated", "IncompleteRead"),
    lost("many-headers", "HTTPException"),
    lost("long-header", "LineTooLong"),
    too_big("endless"),
    too_big("huge"),
    too_big("gzip-bomb"),
    no_json("html-200", HTML),
    no_json("html-502", HTML, http=502),
    said("json-500", Outcome.UNCLEAR, "500", "INTERNAL ERROR"),
    said("503-retry-after", Outcome.BUSY, "503", "SERVICE UNAVAILABLE"),
    said("429", Outcome.BUSY, "429", "TOO MANY REQUESTS"),
    said("403-simultaneous", Outcome.SIMULTANEOUS, "403", SIMULTANEOUS),
    said("403-maintenance", Outcome.BUSY, "403", "SERVER UNDER MAINTENANCE"),
    said("403-unknown", Outcome.BUSY, "403", "NO DISPONIBLE"),
    said("403-daily", Outcome.QUOTA, "403", "TOKEN LIMIT EXCEEDED"),
    said("403-token", Outcome.TOKEN, "403", "PLEASE VALIDATE TOKEN"),
    said("401", Outcome.TOKEN, "401", "PLEASE ENTER THE WOLKVOX-TOKEN"),
    said("400", Outcome.REFUSED, "400", "SOME PARAMETERS ARE REQUIRED"),
    said("404", Outcome.REFUSED, "404", "NO DATA"),
    said("code-400", Outcome.REFUSED, "400", "SOME PARAMETERS ARE REQUIRED", http=200),
    no_handle("handle-empty"),
    no_handle("handle-missing"),
    no_handle("handle-null"),
    no_handle("handle-number"),
    no_handle("handle-url"),
    no_handle("handle-20k"),
    no_handle("data-list"),
    no_handle("data-empty-list"),
    no_handle("data-null"),
    no_json("empty"),
    no_json("not-json", "OK"),
    ready("bom"),
    no_json("nan", "{"),
    no_json("deep", "{"),
    said("msg-token", Outcome.REFUSED, "400", "Bad request for token [secure] at wolkvox"),
    said("msg-script", Outcome.REFUSED, "400", "<script>alert(1)</script>"),
    said("msg-lines", Outcome.REFUSED, "400", "primera\nsegunda\ntercera tab  [31mrojo [0m"),
    too_big("msg-1mb", http=400),
]
PAUSING = {Outcome.QUOTA, Outcome.TOKEN}


def test_every_fault_of_the_sandbox_is_among_these():
    tried = {case.fault.removesuffix("-1") for case in CASES}
    assert tried | ELSEWHERE == set(FAULTS)


def faulty(case: Case, *, box: Sandbox, connector, by) -> Upload:
    """An upload that meets the fault, those that pause the operation once only."""
    if FAULTS[case.fault.removesuffix("-1")].before_body:
        box.faults.set(case.fault, server="0042", times=3)
        return queued(connector, by=by)
    times = "-1x" if case.outcome in PAUSING else ""
    return queued(connector, f"fault-{case.fault}{times}.jpg", by=by)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_has_the_consequence_of_its_class_and_the_next_upload_runs(
    case, box, connector, neighbour, settings, marketing, reader, read
):
    settings.DELIVERY_DEADLINE = timedelta(seconds=case.deadline)
    upload = faulty(case, box=box, connector=connector, by=marketing)
    beside = queued(neighbour)
    story = deliver(upload, read=read)

    assert_consequence(story, case.outcome, deadline=case.deadline)
    calls = [call for call in box.ledger.calls if call.server == "0042"]
    assert len(calls) == upload.attempts.count()
    for attempt in upload.attempts.all():
        assert (attempt.http_status, attempt.vendor_code) == (case.http, case.code)
        assert attempt.reason in case.reason.split("|")
        assert attempt.message.startswith(case.message)
        assert bool(attempt.message) == bool(case.message)
    assert_kept(upload, case)
    assert_read(story, case.outcome, client=reader)
    beside.refresh_from_db()
    assert beside.status == Status.READY
    assert_next_upload_runs(upload, box=box)


def assert_kept(upload: Upload, case: Case) -> None:
    assert_bounded(upload)
    if case.outcome == Outcome.READY:
        assert upload.vendor_message == ""
        assert handles.parse(upload.handle).expires_at == upload.handle_expires_at
        return
    assert upload.vendor_message == upload.attempts.latest("number").message
    if case.outcome == Outcome.UNCLEAR and case.http is None:
        # without an answer the call may still be one of the two that wolkvox allows
        last = upload.attempts.latest("number")
        assert upload.lease_until is not None
        assert upload.lease_until - last.started_at >= timedelta(seconds=60)
    else:
        assert upload.lease_until is None


def assert_next_upload_runs(upload: Upload, *, box: Sandbox) -> None:
    following = queued(upload.connector)
    operation = operation_of(upload)
    if operation.paused_reason == PauseReason.TOKEN:
        run_worker()
        following.refresh_from_db()
        assert following.status == Status.QUEUED
        operation.set_token(TOKEN)
    skip_waits()
    run_worker()
    following.refresh_from_db()
    assert following.status == Status.READY
    assert following.attempts.count() == 1
    operation.refresh_from_db()
    assert operation.paused_reason == PauseReason.NONE
    upload.refresh_from_db()
    assert upload.is_finished


def test_a_script_in_the_vendors_text_is_shown_as_text(box, connector, marketing, reader, read):
    upload = queued(connector, "fault-msg-script.jpg", by=marketing)
    deliver(upload, read=read)

    for url in (upload.get_absolute_url(), upload.batch.get_absolute_url()):
        assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in reader.get(url).content


@pytest.mark.parametrize("token", [TOKEN, "776f6c6b766f78" + "0c" * 19])
def test_a_token_in_the_vendors_text_is_neither_kept_nor_shown(
    token, box, connector, marketing, reader, read
):
    box.operations["0042"].token = token
    connector.operation.set_token(token)
    upload = queued(connector, "fault-msg-token.jpg", by=marketing)
    deliver(upload, read=read)

    assert upload.vendor_message == "Bad request for token [secure] at wolkvox"
    for rows in (Upload.objects, Attempt.objects, AuditEvent.objects, Operation.objects):
        assert token.lower() not in str(list(rows.values())).lower()
    for url in (upload.get_absolute_url(), upload.batch.get_absolute_url()):
        assert token.lower() not in page_of(reader, url).lower()


def test_the_vendors_own_sentence_is_what_people_read(box, connector, marketing, reader, read):
    upload = queued(connector, "fault-404.jpg", by=marketing)
    deliver(upload, read=read)

    for url in (upload.get_absolute_url(), upload.batch.get_absolute_url()):
        assert_says(page_of(reader, url), ["wolkvox refused the file.", "NO DATA"])


def test_a_longer_wish_of_the_vendor_to_wait_is_honoured(box, connector):
    upload = queued(connector, "fault-503-retry-after-7200.jpg")
    run_worker()

    upload.refresh_from_db()
    attempt = upload.attempts.get()
    assert attempt.finished_at is not None
    assert timedelta(hours=2) <= upload.due_at - attempt.finished_at < timedelta(hours=3)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_other_host_sees_nothing(
    status, box, connector, marketing, reader, read
):
    with Sandbox(operations={"0042": TOKEN}) as other:
        other_url = other.base_url.format(server="0042")
        box.faults.redirect_to = f"{other_url}whatsapp.php?api=upload_media"
        upload = queued(connector, f"fault-redirect-{status}.jpg", by=marketing)
        story = deliver(upload, read=read)

        assert_consequence(story, Outcome.REFUSED, deadline=10)
        assert upload.attempts.get().http_status == status
        assert len(box.ledger.calls) == 1
        assert other.ledger.calls == []
        assert_read(story, Outcome.REFUSED, client=reader)
        assert_next_upload_runs(upload, box=box)


def test_one_handle_for_two_files_is_kept_with_each_as_it_was_given(box, connector):
    first = queued(connector, "fault-same-handle-a.jpg")
    second = queued(connector, "fault-same-handle-b.jpg")
    run_worker()

    for upload in (first, second):
        upload.refresh_from_db()
        assert upload.status == Status.READY
        assert upload.attempts.get().outcome == Outcome.READY
    assert first.handle == second.handle
    assert len(box.ledger.calls) == 2
    following = queued(connector)
    run_worker()
    following.refresh_from_db()
    assert following.status == Status.READY
    assert following.handle != first.handle
