"""What operations have to do just now, and going on by themselves after a pause."""

import html
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from media_assets.delivery import Worker
from media_assets.models import AuditEvent, Operation, Outcome, PauseReason, Status, Upload
from media_assets.wolkvox.sandbox import Sandbox
from media_assets.workload import Workload, workloads
from tests.admin_pages import OPERATIONS, address, form
from tests.factories import make_connector, make_operation, make_upload
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"
OLD_TOKEN = "776f6c6b766f78" + "5555555555" * 3 + "abcdef01"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connector():
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


@pytest.fixture
def web(client_for, connector_admin):
    return client_for(connector_admin)


@pytest.fixture
def box(settings):
    with Sandbox(port=0, operations={"0042": TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        yield box


def of(operation):
    return workloads([operation])[operation.pk]


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def test_an_operation_without_work_has_figures_too(connector):
    assert of(connector.operation) == Workload()
    assert workloads([]) == {}


def test_calls_in_flight_are_counted_as_the_worker_does(connector):
    now, fingerprint = timezone.now(), connector.operation.token_fingerprint
    make_upload(connector, status=Status.SENDING, sent_with=fingerprint)
    unclear = {"last_outcome": Outcome.UNCLEAR, "sent_with": fingerprint, "attempt_count": 1}
    make_upload(connector, status=Status.QUEUED, lease_until=now + MINUTE, **unclear)
    make_upload(connector, status=Status.CANCELLED, lease_until=now + MINUTE, **unclear)
    make_upload(connector, status=Status.FAILED, lease_until=now - MINUTE, **unclear)
    make_upload(status=Status.SENDING, sent_with="of another token")

    assert of(connector.operation).in_flight == 3


def test_a_call_of_an_operation_with_the_same_token_takes_a_slot_of_both(connector):
    other = make_connector(make_operation(server="0077", token=TOKEN))
    fingerprint = connector.operation.token_fingerprint
    make_upload(other, status=Status.SENDING, sent_with=fingerprint)
    assert of(connector.operation).in_flight == of(other.operation).in_flight == 1


def test_a_call_with_the_earlier_token_still_counts(connector):
    make_upload(connector, status=Status.SENDING, sent_with="the earlier one")
    assert of(connector.operation).in_flight == 1


def test_what_waits_on_active_connectors_is_counted_with_its_age(connector):
    now = timezone.now()
    make_upload(connector, status=Status.QUEUED, created_at=now - 5 * MINUTE)
    oldest = make_upload(
        connector,
        status=Status.QUEUED,
        created_at=now - 9 * MINUTE,
        changed_at=now - MINUTE,
        attempt_count=1,
    )
    disabled = make_connector(connector.operation, is_active=False)
    make_upload(disabled, status=Status.QUEUED, created_at=now - 99 * MINUTE)

    figures = of(connector.operation)

    assert (figures.waiting, figures.waiting_since) == (2, oldest.created_at)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])  # the second never tried
def test_after_a_retry_it_waits_since_the_retry(status, connector):
    long_ago = timezone.now() - timedelta(days=30)
    upload = make_upload(connector, status=status, created_at=long_ago)
    at = timezone.now()
    assert upload.set_queued_again(at)
    assert of(connector.operation).waiting_since == at


def test_calls_count_since_midnight_where_the_installation_is(connector, settings, monkeypatch):
    settings.TIME_ZONE = "America/Bogota"
    here = ZoneInfo("America/Bogota")
    now = datetime(2026, 3, 10, 20, tzinfo=here)  # the next day already in Greenwich
    monkeypatch.setattr(timezone, "now", lambda: now)
    midnight = datetime(2026, 3, 10, tzinfo=here)
    upload = make_upload(connector)
    for number, at in enumerate([midnight - timedelta(seconds=1), midnight, now], start=1):
        upload.attempts.create(number=number, started_at=at)

    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert of(connector.operation).calls_today == 2


def test_the_list_shows_all_figures_in_as_many_queries_for_20_as_for_1(web):
    def show():
        with CaptureQueriesContext(connection) as queries:
            response = web.get(OPERATIONS)
        return response, len(queries)

    now = timezone.now()
    first = make_connector(make_operation(name="Andina", token=TOKEN, max_in_flight=2))
    sending = make_upload(first, status=Status.SENDING)
    sending.attempts.create(number=1, started_at=now)
    make_upload(first, status=Status.QUEUED)
    response, few = show()
    for field, text in [
        ("in_flight", "1 of 2"),
        ("waiting", f"1, the oldest since {timezone.localtime(now):%H:%M}"),
        ("calls_today", "1"),
    ]:
        assert re.search(rf'field-{field}[^>]*">{text}', text_of(response)), field

    for number in range(19):
        other = make_connector(make_operation(token=f"{number:052}"))
        make_upload(other, status=Status.QUEUED)
        make_upload(other, status=Status.SENDING).attempts.create(number=1, started_at=now)
    response, many = show()
    assert text_of(response).count(">1 of 1<") == 19
    assert many == few


@pytest.mark.parametrize("who", ["connector_admin", "supervisor", "owner"])
def test_an_operations_page_shows_how_it_stands(request, client_for, connector, who):
    make_upload(connector, status=Status.QUEUED)
    until = timezone.now() + timedelta(hours=1)
    Operation.objects.pause(PauseReason.QUOTA, until=until)

    page = text_of(client_for(request.getfixturevalue(who)).get(address(connector.operation)))

    assert re.search(r"Paused until [0-9/: apm.]+: The daily limit of the token is used up", page)
    assert re.search(r"Calls in flight:</label> <div class=\"readonly\">0 of 1</div>", page)
    assert re.search(
        r"Waiting:</label> <div class=\"readonly\">1, the oldest since [0-9:]+</div>", page
    )


@pytest.mark.parametrize(
    ("who", "sees"),
    [("connector_admin", True), ("owner", True), ("supervisor", True), ("marketing", False)],
)
def test_the_overview_shows_operations_to_those_who_look_after_them(
    request, client_for, connector, who, sees
):
    make_upload(connector, status=Status.QUEUED)
    held = make_operation(name="Without a token")
    response = client_for(request.getfixturevalue(who)).get(reverse("overview"))
    assert (address(connector.operation) in text_of(response)) == sees
    if sees:
        rows = response.context["operations"]
        assert [row.operation for row in rows] == [held, connector.operation]
        assert [(row.standing, row.workload.waiting) for row in rows] == [
            ("No token", 0),
            ("Active", 1),
        ]


def test_a_long_list_of_operations_is_cut_and_leads_to_all(web):
    for _ in range(11):
        make_operation()
    response = web.get(reverse("overview"))
    assert len(response.context["operations"]) == 10
    assert OPERATIONS in text_of(response)


def test_marketing_reads_on_its_pages_why_nothing_moves(client_for, marketing, connector):
    upload = make_upload(connector, marketing, status=Status.QUEUED)
    until = timezone.now() + timedelta(hours=1)
    Operation.objects.pause(PauseReason.QUOTA, until=until)
    for page in (upload, upload.batch):
        shown = text_of(client_for(marketing).get(page.get_absolute_url()))
        assert re.search(r"Paused until [0-9/: apm.]+: The daily limit of the token", shown)
        assert "It goes on by itself when wolkvox allows calls again." in shown


def test_after_a_new_token_the_paused_uploads_go_on_by_themselves(box, web):
    operation = make_operation(server="0042", token=OLD_TOKEN)
    connector = make_connector(operation, connector_id="1266")
    uploads = [make_upload(connector, status=Status.QUEUED) for _ in range(3)]
    Worker(threads=4).run(until_idle=True)
    operation.refresh_from_db()
    assert operation.paused_reason == PauseReason.TOKEN
    assert set(Upload.objects.values_list("status", flat=True)) == {Status.QUEUED}

    web.post(address(operation), form(operation, rows=[connector], new_token=TOKEN))
    Worker(threads=4).run(until_idle=True)

    assert set(Upload.objects.values_list("status", flat=True)) == {Status.READY}
    assert not AuditEvent.objects.filter(action="upload.retried").exists()
    operation.refresh_from_db()
    assert not operation.paused_now
    assert all(upload.attempts.exists() for upload in uploads)


@contextmanager
def waiting_worker():
    """A worker that has found nothing to do and would look again in an hour."""
    worker = Worker(threads=4)

    def work():
        try:
            worker.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["button", "list", "token", "connector"])
def test_a_waiting_worker_goes_on_at_once(box, settings, client_for, connector_admin, how):
    settings.DELIVERY_POLL = timedelta(hours=1)
    operation = make_operation(server="0042", token=TOKEN)
    connector = make_connector(operation, connector_id="1266")
    web = client_for(connector_admin)
    first = make_upload(connector, status=Status.QUEUED)
    with waiting_worker():
        wait_until(lambda: Upload.objects.get(pk=first.pk).status == Status.READY)
        if how == "connector":
            type(connector).objects.update(is_active=False)
        reason = PauseReason.TOKEN if how == "token" else PauseReason.MANUAL
        if how != "connector":
            Operation.objects.pause(reason, until=None)
        second = make_upload(connector, status=Status.QUEUED)
        # the pause and the new upload were written past the pages, so nobody woke the worker
        if how == "button":
            web.post(address(operation, "resume"))
        elif how == "list":
            web.post(OPERATIONS, {"action": "resume", "_selected_action": [operation.pk]})
        elif how == "token":
            web.post(address(operation), form(operation, rows=[connector], new_token=TOKEN))
        else:
            connector.is_active = True
            rows = form(operation, rows=[connector])
            web.post(address(operation), rows)
        wait_until(lambda: Upload.objects.get(pk=second.pk).status == Status.READY)
