"""Submit, retry and renew: what a paste turns into."""

import json
import uuid

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from media_assets import preflight, submission
from media_assets.models import BULK_LANE, QUICK_LANE, AuditEvent, Batch, Status, Upload
from media_assets.preflight import Probe
from tests.factories import make_connector, make_upload

STORAGE = "https://storage.googleapis.com/wvox-0042/"


@pytest.fixture
def connector(db):
    return make_connector()


@pytest.fixture(autouse=True)
def nothing_is_probed(monkeypatch):
    """These addresses are listed, but nobody may ask the real Storage from a test."""
    monkeypatch.setattr(preflight, "probe_many", lambda urls, *, seconds: {})


def urls(*names):
    return "\n".join(STORAGE + name for name in names)


def submit(text, connector, by, **values):
    checked = submission.check(text, connector=connector)
    values.setdefault("key", uuid.uuid4())
    return submission.submit(checked, connector=connector, by=by, **values)


def test_a_paste_becomes_one_batch_of_waiting_uploads_and_one_event(connector, marketing):
    batch = submit(
        urls("a.jpg", "b.mp4", "c.pdf"),
        connector,
        marketing,
        label="Julio",
        campaign="Lanzamiento",
        address="192.0.2.7",
    )

    uploads = list(batch.uploads.order_by("id"))
    assert [upload.file_url for upload in uploads] == urls("a.jpg", "b.mp4", "c.pdf").split()
    assert [upload.format for upload in uploads] == ["IMAGE", "VIDEO", "DOCUMENT"]
    assert {upload.status for upload in uploads} == {Status.QUEUED}
    assert {(upload.label, upload.campaign) for upload in uploads} == {("Julio", "Lanzamiento")}
    assert {upload.operation for upload in uploads} == {connector.operation}
    event = AuditEvent.objects.get(action="batch.submitted")
    assert (event.actor_name, event.address) == (marketing.username, "192.0.2.7")
    assert event.data == {"connector": str(connector), "uploads": 3, "left_out": 0}


def test_labels_come_after_a_tab_or_from_csv_with_a_header():
    tabbed = submission.read_lines("https://a.co/1.jpg\tUno\n\nhttps://a.co/2.jpg\n")
    assert [(line.number, line.text, line.label) for line in tabbed] == [
        (1, "https://a.co/1.jpg", "Uno"),
        (3, "https://a.co/2.jpg", ""),
    ]
    for text in (
        "url,label\nhttps://a.co/1.jpg,Uno\nhttps://a.co/2.jpg,\n",
        '\ufeff"url";"label"\r\nhttps://a.co/1.jpg;Uno\r\nhttps://a.co/2.jpg;\r\n',
        "URL\tLabel\nhttps://a.co/1.jpg\tUno\nhttps://a.co/2.jpg\t\n",
    ):
        lines = submission.read_lines(text)
        assert [(line.text, line.label) for line in lines] == [
            ("https://a.co/1.jpg", "Uno"),
            ("https://a.co/2.jpg", ""),
        ]


@pytest.mark.parametrize("above", ["", "\n\n", "\ufeff\r\n \r\n"])
def test_lines_of_csv_are_counted_from_the_top_of_the_paste(above):
    lines = submission.read_lines(f"{above}url,label\nhttps://a.co/1.jpg,Uno\n\nnonsense,Dos\n")
    blank = above.count("\n")
    assert [line.number for line in lines] == [2 + blank, 4 + blank]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_before_any_is_read_however_they_end(end):
    with pytest.raises(submission.TooManyLines) as caught:
        submission.check(f"a\n{f'a{end}' * 5_001}", connector=None)
    assert caught.value.count == 5_003


def test_csv_columns_may_stand_in_any_order():
    (line,) = submission.read_lines("label,url\nUno,https://a.co/1.jpg\n")
    assert (line.text, line.label) == ("https://a.co/1.jpg", "Uno")


@given(st.text())
def test_any_text_can_be_read_and_checked(text):
    for line in submission.check(text, connector=None).lines:
        assert line.is_good or line.sentence


def test_each_bad_line_gets_a_sentence_and_is_kept_with_the_batch(connector, marketing):
    text = urls("a.jpg", "a.jpg", "b.gif") + "\nftp://example.org/c.jpg"
    batch = submit(text, connector, marketing)

    assert batch.uploads.count() == 1
    assert [line["line"] for line in batch.left_out] == [2, 3, 4]
    assert "already" in submission.why_left_out(batch.left_out[0])
    with translation.override("es"):  # of whoever reads it
        sentences = [submission.why_left_out(line) for line in batch.left_out]
    assert "línea 1" in sentences[0]
    assert "gif" in sentences[1]
    assert sentences[2] == "La dirección debe empezar por https://"


def test_what_an_earlier_version_left_out_keeps_its_sentence():
    assert (
        submission.why_left_out({"line": 1, "text": "x", "problem": "Old words."}) == "Old words."
    )
    assert submission.why_left_out({"line": 1, "code": "file_gone", "values": {}}) == ""


def test_every_reason_for_leaving_a_line_out_can_be_said_again_from_what_is_stored():
    stored = json.loads(json.dumps(Probe("IMAGE", size=9_000_000, problem="too_big").values))
    sentence = submission.why_left_out({"code": "file_too_big", "values": stored})
    assert sentence == str(Probe("IMAGE", size=9_000_000, problem="too_big").sentence)
    assert "8.6" in sentence


def test_a_label_that_is_too_long_is_a_problem_and_not_cut(connector):
    (line,) = submission.check(f"{STORAGE}a.jpg\t{'x' * 121}", connector=connector).lines
    assert (line.problem, len(line.label)) == ("long_label", 121)
    assert "121" in str(line.sentence)
    assert submission.check(f"{STORAGE}a.jpg\t{'x' * 120}", connector=connector).good


def test_marks_of_direction_are_taken_out_of_labels(connector):
    (line,) = submission.check(f"{STORAGE}a.jpg\tPromo\u202egpj\u2066", connector=None).lines
    assert line.label == "Promogpj"


@pytest.mark.parametrize("status", ["queued", "sending"])
def test_a_file_that_is_under_way_is_not_sent_again_unless_asked(connector, marketing, status):
    earlier = make_upload(connector, by=marketing, status=status, file_url=STORAGE + "a.jpg")
    elsewhere = make_upload(make_connector(), status=status, file_url=STORAGE + "b.jpg")
    checked = submission.check(urls("a.jpg", "b.jpg"), connector=connector)
    assert [line.under_way for line in checked.lines] == [earlier, None]
    assert elsewhere.status == status

    batch = submit(urls("a.jpg", "b.jpg"), connector, marketing)
    assert batch.uploads.get().file_url.endswith("b.jpg")
    assert "waiting" in submission.why_left_out(batch.left_out[0])
    assert submit(urls("a.jpg"), connector, marketing, again=True).uploads.count() == 1


def test_a_live_handle_is_offered_rather_than_its_renewal_under_way(connector, marketing):
    live = make_upload(connector, by=marketing, file_url=STORAGE + "a.jpg")
    make_upload(connector, by=marketing, status="queued", file_url=STORAGE + "a.jpg", renews=live)
    (line,) = submission.check(urls("a.jpg"), connector=connector).lines
    assert (line.live, line.under_way) == (live, None)


def test_five_hundred_lines_are_checked_with_one_query(connector, django_assert_num_queries):
    text = urls(*(f"{number}.jpg" for number in range(500)))
    with django_assert_num_queries(1):
        assert len(submission.check(text, connector=connector).good) == 500


def test_a_file_with_a_live_handle_is_not_sent_again_unless_asked(connector, marketing):
    live = make_upload(connector, by=marketing, file_url=STORAGE + "a.jpg")
    checked = submission.check(urls("a.jpg", "b.jpg"), connector=connector)
    assert [line.live for line in checked.lines] == [live, None]
    batch = submit(urls("a.jpg", "b.jpg"), connector, marketing)
    assert batch.uploads.get().file_url.endswith("b.jpg")

    assert submit(urls("a.jpg"), connector, marketing, again=True).uploads.count() == 1
    with pytest.raises(submission.NothingToSend):
        submit(urls("a.jpg"), connector, marketing)
    assert Batch.objects.exclude(pk=live.batch_id).count() == 2


def test_a_live_handle_of_another_connector_is_no_reason_not_to_send(connector, marketing):
    make_upload(make_connector(), by=marketing, file_url=STORAGE + "a.jpg")
    assert submission.check(urls("a.jpg"), connector=connector).good


def test_the_same_form_sent_twice_is_one_batch_and_edited_it_is_another(connector, marketing):
    form_key = uuid.uuid4()
    key = submission.batch_key(form_key, urls("a.jpg"), "Julio")
    first = submit(urls("a.jpg"), connector, marketing, key=key)
    again = submit(
        urls("a.jpg"),
        connector,
        marketing,
        again=True,
        key=submission.batch_key(form_key, urls("a.jpg"), "Julio"),
    )
    edited = submission.batch_key(form_key, urls("b.jpg"), "Julio")

    assert again == first
    assert Upload.objects.count() == 1
    assert submit(urls("b.jpg"), connector, marketing, key=edited) != first
    assert AuditEvent.objects.filter(action="batch.submitted").count() == 2


def test_one_persons_key_does_not_give_away_another_persons_batch(connector, marketing, supervisor):
    key = uuid.uuid4()
    first = submit(urls("a.jpg"), connector, marketing, key=key)
    assert submit(urls("a.jpg"), connector, supervisor, key=key, again=True) != first


def test_five_hundred_lines_are_allowed_and_saved_with_few_queries(
    connector, marketing, django_assert_max_num_queries
):
    names = [f"muestra-{n:03}.jpg" for n in range(500)]
    with django_assert_max_num_queries(33):
        batch = submit(urls(*names), connector, marketing)
    assert batch.uploads.count() == 500
    with pytest.raises(submission.TooManyLines) as caught:
        submission.check(urls(*names, "one-more.jpg"), connector=connector)
    assert (caught.value.count, caught.value.most) == (501, 500)


def test_a_few_files_pass_a_bulk(connector, marketing):
    few = submit(urls(*(f"{n}.jpg" for n in range(5))), connector, marketing)
    many = submit(urls(*(f"b{n}.jpg" for n in range(6))), connector, marketing)
    assert {upload.lane for upload in few.uploads.all()} == {QUICK_LANE}
    assert {upload.lane for upload in many.uploads.all()} == {BULK_LANE}


def test_only_a_failed_upload_is_retried_and_only_once(connector, marketing):
    upload = make_upload(connector, by=marketing, status="failed", attempt_count=3)
    assert submission.retry(upload, by=marketing)
    assert not submission.retry(upload, by=marketing)
    upload.refresh_from_db()
    assert (upload.status, upload.attempts_before, upload.lane) == (Status.QUEUED, 3, QUICK_LANE)
    assert AuditEvent.objects.filter(action="upload.retried").count() == 1


def test_a_renewal_is_a_new_upload_that_points_at_the_old_one(connector, marketing):
    old = make_upload(connector, by=marketing, label="Julio")
    renewal = submission.renew(old, by=marketing)

    assert (renewal.renews, renewal.file_url, renewal.label) == (old, old.file_url, "Julio")
    assert renewal.status == Status.QUEUED
    assert submission.renew(old, by=marketing) == renewal
    old.refresh_from_db()
    assert old.status == Status.READY
    assert AuditEvent.objects.filter(action="upload.renewed").count() == 1


def test_copying_is_recorded_with_who_and_what(connector, marketing):
    upload = make_upload(connector, by=marketing)
    submission.copied(upload, snippet="curl", by=marketing, address="192.0.2.7")
    event = AuditEvent.objects.about(upload).get(action="handle.copied")
    assert (event.actor_name, event.data) == (marketing.username, {"snippet": "curl"})
