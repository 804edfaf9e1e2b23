"""The history as CSV."""

import csv
import io

import pytest
from django.urls import reverse

from media_assets import exports
from media_assets.models import AuditEvent, Outcome, Status, Upload
from tests.factories import make_connector, make_upload, make_user


@pytest.fixture
def export(supervisor, client_for):
    """The rows that `supervisor` gets, read back; the header first and the count last."""
    client = client_for(supervisor)

    def rows(**params):
        response = client.get(reverse("history_csv"), params)
        assert response.status_code == 200
        return _read(response)

    return rows


@pytest.mark.parametrize("role", ["Marketing", "Connector admin", None])
def test_who_may_not_export_finds_nothing_at_the_address(role, db, client_for):
    assert client_for(make_user(role)).get(reverse("history_csv")).status_code == 404
    assert not AuditEvent.objects.filter(action="history.exported").exists()


def test_the_file_is_a_download_in_utf_8_with_a_mark(supervisor, client_for):
    response = client_for(supervisor).get(reverse("history_csv"))

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="history-')
    assert b"".join(response.streaming_content).startswith(b"\xef\xbb\xbf")


def test_rows_come_newest_first_between_a_header_and_their_count(export):
    make_upload(label="first")
    make_upload(label="second", status=Status.FAILED, last_outcome=Outcome.REFUSED)

    header, *rows, last = export()

    assert [row[header.index("Label")] for row in rows] == ["second", "first"]
    assert [row[header.index("State")] for row in rows] == ["Failed", "Ready"]
    assert [row[header.index("Result")] for row in rows] == [
        "wolkvox refused the file",
        "Handle received",
    ]
    assert last == ["Rows", "2"]


def test_a_handle_arrives_byte_for_byte(export):
    handle = '4::"a",b;\n 2nd:line\n\n'
    make_upload(handle=handle, handle_expires_at=None)

    header, row, _last = export()

    assert row[header.index("Handle")] == handle


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(start, export):
    make_upload(make_connector(name=f"{start}1+1"), label=f"{start}cmd")

    header, row, _last = export()

    assert row[header.index("Label")] == f"'{start}cmd"
    assert row[header.index("Connector")] == f"'{start}1+1"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Julio;=cmd", "Julio;'=cmd"),
        ("Julio,@sum", "Julio,'@sum"),
        ("Julio\t-1", "Julio\t'-1"),
        ("Julio\r\n+1", "Julio\r\n'+1"),
        (";\t=1", ";'\t'=1"),
    ],
)
def test_no_part_of_a_cell_is_taken_for_one_where_another_character_parts_cells(text, safe):
    assert exports.neutral(text) == safe


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_handle_is_changed_only_where_it_begins_like_a_formula(start):
    assert exports.neutral_handle(f"4::a;{start}1\n{start}2") == f"4::a;{start}1\n{start}2"
    assert exports.neutral_handle(f"{start}1") == f"'{start}1"


def test_both_files_are_made_safe_alike(export, supervisor, client_for):
    upload = make_upload(label="a;=cmd", handle="4::a;=b,+c\n-d", handle_expires_at=None)

    header, row, _last = export()
    batch = client_for(supervisor).get(reverse("batch_csv", args=[upload.batch.code]))

    _batch_header, line = csv.reader(io.StringIO(batch.content.decode("utf-8-sig"), newline=""))
    assert (row[header.index("Label")], row[header.index("Handle")]) == ("a;'=cmd", upload.handle)
    assert line[1:3] == ["a;'=cmd", upload.handle]


@pytest.mark.parametrize("text", ["4::abc", "a=b", " =1", "'=1", ""])
def test_every_other_cell_stays_as_it_is(text):
    assert exports.neutral(text) == text


def test_the_filters_of_the_page_hold_for_the_file(export):
    make_upload(label="wanted", status=Status.FAILED)
    make_upload(label="other")

    header, *rows, last = export(state="failed")

    assert [row[header.index("Label")] for row in rows] == ["wanted"]
    assert last == ["Rows", "1"]


def test_every_export_is_recorded_before_a_row_leaves(supervisor, client_for):
    make_upload(status=Status.FAILED)

    response = client_for(supervisor).get(reverse("history_csv"), {"state": "failed", "x": "y"})

    event = AuditEvent.objects.get(action="history.exported")
    assert event.actor_name == "sofia"
    assert event.data == {"filters": {"state": "failed"}, "rows": 1}
    assert len(_read(response)) == 3


def test_only_a_look_at_the_file_is_no_export(supervisor, client_for):
    assert client_for(supervisor).head(reverse("history_csv")).status_code == 405
    assert not AuditEvent.objects.filter(action="history.exported").exists()


def test_the_record_holds_valid_filters_only(supervisor, client_for):
    params = {"state": "lost\0", "since": "yesterday", "campaign": "Julio"}
    client_for(supervisor).get(reverse("history_csv"), params)

    event = AuditEvent.objects.get(action="history.exported")
    assert event.data == {"filters": {"campaign": "Julio"}, "rows": 0}


def test_the_record_holds_no_whole_handle(supervisor, client_for):
    handle = make_upload().handle

    client_for(supervisor).get(reverse("history_csv"), {"q": handle})

    assert handle not in str(AuditEvent.objects.get(action="history.exported").data)


def test_rows_are_read_while_they_leave(supervisor, django_assert_num_queries):
    make_upload()
    from_the_start = exports.history_csv(_everything())

    with django_assert_num_queries(0):
        next(from_the_start)
    with django_assert_num_queries(1):
        assert len(list(from_the_start)) == 2


def _everything():
    return Upload.objects.for_lists().newest_first()


def _read(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))
