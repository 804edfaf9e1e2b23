"""/batches/<code>/: progress that is never stale, then everything to copy and to download."""

import csv
import html
import io
import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from media_assets import submission
from media_assets.models import AuditEvent, Outcome, PauseReason, Status, Upload
from media_assets.views.batches import Marker
from tests.factories import make_batch, make_connector, make_operation, make_upload, team

ENGLISH = {"accept-language": "en"}
FAR = datetime(2100, 1, 1, 17, tzinfo=UTC)
SEVERAL_LINES = "4::a:b:e:1:2:3:c\n4::d:e:e:1:2:3:f"


@pytest.fixture
def connector(db):
    return make_connector(make_operation(token="a" * 52))


@pytest.fixture
def batch(connector, marketing):
    return make_batch(connector, marketing)


@pytest.fixture
def marta(client_for, marketing):
    return client_for(marketing)


def page_of(batch):
    return reverse("batch", args=[batch.code])


def progress_of(batch):
    return reverse("batch_progress", args=[batch.code])


def csv_of(batch):
    return reverse("batch_csv", args=[batch.code])


def text_of(response):
    return html.unescape(response.content.decode())


def rows_in(response):
    return set(re.findall(r'<li id="upload-([0-9a-f-]+)"', response.content.decode()))


def block(response, name):
    """What the JSON block of this id holds, read as a browser does."""
    pattern = rf'<script id="{name}" type="application/json">(.*?)</script>'
    found = re.search(pattern, response.content.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


def marker_in(response):
    """The address that the page would ask next."""
    found = re.search(r'hx-get="([^"]+)"', response.content.decode())
    assert found
    return html.unescape(found[1])


def become(upload, status, *, at=None, **values):
    values.setdefault("changed_at", at or timezone.now())
    if status == Status.SENDING:
        values.setdefault("lease_until", timezone.now() + timedelta(minutes=1))
    if status == Status.READY:
        values.setdefault("handle", "4::handle")
    Upload.objects.filter(pk=upload.pk).update(status=status, **values)


@pytest.mark.parametrize("address", [page_of, progress_of, csv_of])
def test_a_batch_of_another_groups_connector_does_not_exist(client_for, stranger, batch, address):
    assert client_for(stranger).get(address(batch)).status_code == 404


@pytest.mark.parametrize("who", ["marketing", "supervisor", "connector_admin", "owner"])
@pytest.mark.parametrize("address", [page_of, progress_of, csv_of])
def test_who_may_see_the_connector_sees_the_batch(request, client_for, batch, who, address):
    make_upload(batch=batch)
    assert client_for(request.getfixturevalue(who)).get(address(batch)).status_code == 200


def test_a_batch_that_is_not_there_is_answered_alike(marta):
    assert marta.get(reverse("batch", args=[uuid.uuid4()])).status_code == 404


def test_nobody_sees_a_batch_without_signing_in(client, batch):
    assert client.get(page_of(batch)).status_code == 302


@pytest.mark.parametrize("address", [page_of, progress_of, csv_of])
def test_a_batch_cannot_be_posted_to(marta, batch, address):
    assert marta.post(address(batch)).status_code == 405


def test_the_page_says_in_words_how_far_it_is(marta, batch):
    for status in (Status.QUEUED, Status.QUEUED, Status.SENDING, Status.READY, Status.FAILED):
        make_upload(batch=batch, status=status)

    page = text_of(marta.get(page_of(batch), headers=ENGLISH))

    for words in ("2 of 5 finished", "2 waiting", "1 being sent", "1 ready", "1 failed"):
        assert words in page
    assert '<progress class="bar" max="5" value="2"' in page
    assert re.search(r"<title>\s*2/5", page)


def test_an_unfinished_page_asks_again_and_a_finished_one_does_not(marta, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    assert "every 1s" in text_of(marta.get(page_of(batch)))
    become(upload, Status.READY)
    for address in (page_of(batch), progress_of(batch)):
        page = text_of(marta.get(address))
        assert "hx-trigger" not in page
        assert "all-handles" in page


def test_a_large_batch_asks_less_often(marta, batch):
    for _ in range(101):
        make_upload(batch=batch, status=Status.QUEUED)
    assert "every 2s" in text_of(marta.get(page_of(batch)))


def test_only_rows_that_changed_are_sent_and_each_once(marta, batch):
    first, second, _third = (make_upload(batch=batch, status=Status.QUEUED) for _ in range(3))
    page = marta.get(page_of(batch))

    become(first, Status.SENDING)
    answer = marta.get(marker_in(page))
    assert rows_in(answer) == {str(first.code)}
    assert 'hx-swap-oob="true"' in text_of(answer)
    become(second, Status.SENDING)
    answer = marta.get(marker_in(answer))
    assert rows_in(answer) == {str(second.code)}
    assert rows_in(marta.get(marker_in(answer))) == set()


def test_a_change_that_commits_late_with_an_earlier_time_is_not_missed(marta, batch):
    first, late = (make_upload(batch=batch, status=Status.QUEUED) for _ in range(2))
    now = timezone.now()
    become(first, Status.SENDING, at=now)
    asks = marker_in(marta.get(page_of(batch)))
    assert rows_in(marta.get(asks)) == set()

    become(late, Status.SENDING, at=now - timedelta(seconds=3))

    assert rows_in(marta.get(asks)) == {str(late.code)}


def test_nothing_new_is_answered_with_nothing(marta, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    asks = marker_in(marta.get(page_of(batch), headers=ENGLISH))
    assert (marta.get(asks, headers=ENGLISH).status_code, marta.get(asks).content) == (204, b"")

    operations = type(batch.connector.operation).objects
    operations.pause(PauseReason.MANUAL, until=None)

    answer = marta.get(asks, headers=ENGLISH)
    assert "Paused by a person" in text_of(answer)
    assert marta.get(marker_in(answer), headers=ENGLISH).status_code == 204
    become(upload, Status.READY)
    assert marta.get(marker_in(answer), headers=ENGLISH).status_code == 200


def test_who_comes_back_after_a_while_gets_all_that_happened(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(4)]
    asks = marker_in(marta.get(page_of(batch)))
    for number, upload in enumerate(uploads):
        become(upload, Status.READY, at=timezone.now() + timedelta(minutes=number))
    answer = marta.get(asks)
    assert rows_in(answer) == {str(upload.code) for upload in uploads}
    assert "hx-trigger" not in text_of(answer)


@pytest.mark.parametrize(
    "since", ["", "nonsense", "-1", "9" * 17, "1-2-3", "1e9", "١", "0" * 300, "1-" * 9]
)
def test_any_marker_is_answered(marta, batch, since):
    make_upload(batch=batch)
    assert marta.get(progress_of(batch), {"since": since, "done": since}).status_code == 200


@given(
    st.lists(st.integers(min_value=10**15, max_value=10**15 + 2 * 10**7), min_size=1, max_size=60)
)
def test_a_marker_survives_the_address_and_forgets_only_what_is_old(changes):
    marker = Marker.after(changes)
    read = Marker.parse(str(marker))
    assert read.newest == max(changes)
    assert read.seen == {at for at in changes if at > max(changes) - 10_000_000}


def test_listeners_hear_of_tenths_and_of_the_end_only(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(20)]
    for upload in uploads[:3]:
        become(upload, Status.READY)
    said = 'id="said"'
    assert said in text_of(marta.get(progress_of(batch), {"done": "1"}))
    assert said not in text_of(marta.get(progress_of(batch), {"done": "2"}))
    for upload in uploads[3:]:
        become(upload, Status.READY)
    assert said in text_of(marta.get(progress_of(batch), {"done": "20"}))


def test_a_waiting_row_says_when_it_is_tried_again_and_why(marta, batch):
    due_at = timezone.now() + timedelta(minutes=2)
    make_upload(batch=batch, status=Status.QUEUED, last_outcome=Outcome.BUSY, due_at=due_at)
    page = text_of(marta.get(page_of(batch), headers=ENGLISH))
    time = f"{timezone.localtime(due_at):%H:%M}"
    assert f"{time}. Last time: wolkvox is busy or in maintenance." in page


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sealed_token": ""}, "The operation has no token yet."),
        ({"is_active": False}, "The operation is disabled."),
        ({"paused_reason": PauseReason.QUOTA, "paused_until": FAR}, "Paused until 01/01/2100"),
        ({"paused_reason": PauseReason.MANUAL}, "Paused by a person. It goes on when"),
        ({"paused_reason": PauseReason.TOKEN}, "when an administrator has stored a valid token"),
    ],
)
def test_a_batch_that_cannot_go_on_says_why(marta, batch, values, sentence):
    make_upload(batch=batch, status=Status.QUEUED)
    operation = batch.connector.operation
    type(operation).objects.filter(pk=operation.pk).update(**values)
    assert sentence in text_of(marta.get(page_of(batch), headers=ENGLISH))


def test_a_failed_row_shows_the_vendors_words_as_text(marta, batch):
    hostile = "<script>alert(1)</script>\nsegunda línea"
    make_upload(batch=batch, status=Status.FAILED, vendor_message=hostile, label="<b>x</b>")
    page = marta.get(page_of(batch)).content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert html.escape(hostile) in page


@pytest.mark.parametrize(
    ("who", "may"), [("marketing", True), ("supervisor", False), ("owner", True)]
)
def test_retry_is_offered_to_who_may(request, client_for, batch, who, may):
    failed = make_upload(batch=batch, status=Status.FAILED)
    page = text_of(client_for(request.getfixturevalue(who)).get(page_of(batch)))
    assert (reverse("retry", args=[failed.code]) in page) == may


def test_lines_that_were_left_out_stay_with_their_sentence(marta, batch):
    hostile = "</script><script>alert(1)</script>"
    batch.left_out = [{"line": 7, "text": hostile, "problem": "Not an address."}]
    batch.save()
    make_upload(batch=batch)

    response = marta.get(page_of(batch), headers=ENGLISH)

    assert "<script>alert" not in response.content.decode()
    assert "Line 7:" in text_of(response)
    assert "Not an address." in text_of(response)
    assert f"{reverse('new_upload')}?batch={batch.code}" in text_of(response)
    assert block(response, "left-out") == hostile


def test_copying_all_gives_one_handle_a_line_in_the_order_of_the_files(marta, batch):
    for handle in ("4::one", SEVERAL_LINES, "4::three"):
        make_upload(batch=batch, handle=handle)
    make_upload(batch=batch, status=Status.FAILED)
    response = marta.get(page_of(batch), headers=ENGLISH)
    assert block(response, "all-handles") == f"4::one\n{SEVERAL_LINES}\n4::three"
    assert "1 of them has several lines" in text_of(response)


@given(handle=st.text(min_size=1, max_size=80).filter(lambda text: "\0" not in text))
@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_handle_reaches_the_page_byte_for_byte(marta, connector, marketing, handle):
    upload = make_upload(batch=make_batch(connector, marketing), handle=handle)
    response = marta.get(page_of(upload.batch))
    assert block(response, f"handle-{upload.code}") == handle
    assert block(response, "all-handles") == handle


def test_the_csv_is_safe_in_spreadsheets_and_recorded(marta, marketing, batch):
    make_upload(batch=batch, handle=SEVERAL_LINES, label='Año "nuevo"')
    for start in "=+-@\t\r":
        make_upload(batch=batch, label=f"{start}cmd")
    make_upload(batch=batch, status=Status.FAILED)

    response = marta.get(csv_of(batch), REMOTE_ADDR="192.0.2.7")

    text = response.content.decode("utf-8")
    assert text.startswith("\ufeff")
    header, first, *others = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert header == ["url", "Label", "Handle", "Format", "Expires (estimated)", "State"]
    assert first[1:4] == ['Año "nuevo"', SEVERAL_LINES, "Image"]
    assert [row[1] for row in others[:6]] == [f"'{start}cmd" for start in "=+-@\t\r"]
    assert others[6][2:] == ["", "Image", "", "Failed"]
    assert response.headers["content-disposition"].startswith('attachment; filename="handles-')
    event = AuditEvent.objects.get(action="batch.exported")
    assert (event.actor_name, event.address, event.data) == (
        marketing.username,
        "192.0.2.7",
        {"rows": 8},
    )


@pytest.mark.parametrize("language", ["es", "en", "pt-br"])
def test_the_csv_can_be_submitted_again_in_every_language(marta, batch, language):
    upload = make_upload(batch=batch, label="Año nuevo; 2027, sí")

    text = marta.get(csv_of(batch), headers={"accept-language": language}).content.decode()

    (line,) = submission.read_lines(text)
    assert (line.text, line.label) == (upload.file_url, upload.label)


def test_copying_all_is_recorded_for_who_sees_the_batch(marta, client_for, stranger, batch):
    make_upload(batch=batch)
    make_upload(batch=batch, status=Status.FAILED)
    address = reverse("batch_copied", args=[batch.code])
    assert f'data-copied-url="{address}"' in text_of(marta.get(page_of(batch)))

    assert client_for(stranger).post(address).status_code == 404
    assert marta.get(address).status_code == 405
    assert not AuditEvent.objects.filter(action="batch.copied").exists()

    assert marta.post(address, REMOTE_ADDR="192.0.2.7").status_code == 204
    event = AuditEvent.objects.about(batch).get(action="batch.copied")
    assert (event.actor_name, event.address, event.data) == ("marta", "192.0.2.7", {"handles": 1})


def test_500_rows_cost_as_many_queries_as_one(marta, batch, django_assert_max_num_queries):
    make_upload(batch=batch, status=Status.QUEUED)
    for address in (page_of, progress_of, csv_of):
        with CaptureQueriesContext(connection) as few:
            marta.get(address(batch))
        while batch.uploads.count() < settings.BATCH_MAX:
            template = batch.uploads.first()
            rows = [Upload(**_copy(template)) for _ in range(settings.BATCH_MAX)]
            Upload.objects.bulk_create(rows[: settings.BATCH_MAX - batch.uploads.count()])
        with django_assert_max_num_queries(len(few)):
            assert marta.get(address(batch)).status_code == 200
        batch.uploads.exclude(pk=batch.uploads.first().pk).delete()


def _copy(upload):
    names = [field.attname for field in Upload._meta.concrete_fields]
    return {name: getattr(upload, name) for name in names if name not in ("id", "code")}


def test_nobody_elses_team_is_needed_to_read_ones_own(client_for, stranger):
    theirs = make_batch(make_connector(groups=[team("Brazil")]), stranger)
    make_upload(batch=theirs)
    assert client_for(stranger).get(page_of(theirs)).status_code == 200
