"""What stands in exported files, whichever page they come from."""

import csv
import io
import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from media_assets import exports
from media_assets.exports import as_csv, instants, reading
from media_assets.models import Upload
from tests.factories import make_batch, make_connector, make_upload, make_user

ZONES = ["America/Bogota", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"]


def history(**options):
    return exports.history(Upload.objects.all(), **options)


def lines(table=None):
    """The cells of a CSV file, line by line."""
    text = "".join(exports.csv_lines(table or history()))
    return list(csv.reader(io.StringIO(text.removeprefix(exports.BOM), newline="")))


# Cells


def test_a_handle_arrives_byte_for_byte(db):
    handle = '4::"a",b;\n 2nd:line\n\n'
    make_upload(handle=handle, handle_expires_at=None)

    header, row, _last = lines()

    assert row[header.index("Handle")] == handle


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
@pytest.mark.parametrize("machine", [False, True])
def test_no_cell_is_taken_for_a_formula(start, machine, db):
    person = make_user("Marketing", username=f"{start.strip() or '@'}eva")
    make_upload(make_connector(name=f"{start}1+1"), person, label=f"{start}cmd")
    make_upload(label="harmless")

    header, _harmless, row, _last = lines(history(machine=machine))
    header = header if machine else lines(history(machine=True))[0]

    assert row[header.index("label")] == f"'{start}cmd"
    assert row[header.index("connector")] == f"'{start}1+1"
    assert row[header.index("person")] == f"'{person.username}"


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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_a_handle_is_changed_only_where_it_begins_like_a_formula(start):
    assert exports.neutral_handle(f"4::a;{start}1\n{start}2") == f"4::a;{start}1\n{start}2"
    assert exports.neutral_handle(f"{start}1") == f"'{start}1"


def test_both_files_are_made_safe_alike(supervisor, client_for):
    upload = make_upload(label="a;=cmd", handle="4::a;=b,+c\n-d", handle_expires_at=None)

    header, row, _last = lines()
    batch = client_for(supervisor).get(reverse("batch_csv", args=[upload.batch.code]))

    _batch_header, line = csv.reader(io.StringIO(batch.content.decode("utf-8-sig"), newline=""))
    assert (row[header.index("Label")], row[header.index("Handle")]) == ("a;'=cmd", upload.handle)
    assert line[1:3] == ["a;'=cmd", upload.handle]


@pytest.mark.parametrize("text", ["4::abc", "a=b", " =1", "'=1", ""])
def test_every_other_cell_stays_as_it_is(text):
    assert exports.neutral(text) == text


@given(st.lists(st.text(alphabet="=+-@;,\t\r\n'\"a", max_size=6), min_size=1, max_size=5))
def test_a_whole_column_is_made_as_safe_as_each_of_its_cells(cells):
    assert list(exports.cells.neutral_column(cells)) == [exports.neutral(cell) for cell in cells]
    assert list(exports.cells.neutral_handles(cells)) == [
        exports.neutral_handle(cell) for cell in cells
    ]


# Words, languages and zones


@pytest.mark.parametrize(
    ("language", "state", "total"),
    [("en", "Ready", "Rows"), ("es", "Listo", "Filas"), ("pt-br", "Pronto", "Linhas")],
)
def test_people_read_their_language_also_while_the_file_leaves_later(language, state, total, db):
    make_upload()
    with translation.override(language):
        file = exports.csv_lines(history())

    text = "".join(file)

    assert f'"{state}"' in text
    assert text.endswith(f'"{total}","1"\r\n')


def test_people_read_their_time_zone_also_while_the_file_leaves_later(db):
    make_upload(created_at=datetime(2026, 7, 1, 2, 30, 5, 999_999, tzinfo=UTC))
    with timezone.override("America/Sao_Paulo"):
        table = history()

    header, row, _last = lines(table)

    assert row[header.index("Submitted (America/Sao_Paulo)")] == "2026-06-30 23:30:05-03:00"


def test_machines_read_what_is_stored_in_utc_under_english_names(db):
    at = datetime(2026, 7, 1, 2, 30, 5, 999_999, tzinfo=UTC)
    upload = make_upload(created_at=at, size=None)
    with translation.override("es"), timezone.override("America/Sao_Paulo"):
        header, row, last = lines(history(machine=True))

    assert dict(zip(header, row, strict=True)) == {
        "created_at": "2026-07-01T02:30:05Z",
        "person": upload.submitted_by.username,
        "operation": upload.operation.name,
        "connector": upload.connector.name,
        "connector_id": upload.connector.connector_id,
        "label": "",
        "file_url": upload.file_url,
        "campaign": "",
        "format": "IMAGE",
        "content_type": "image/jpeg",
        "size": "",
        "status": "ready",
        "attempt_count": "1",
        "last_outcome": "ready",
        "vendor_message": "",
        "finished_at": "2026-07-01T02:30:07Z",
        "handle_expires_at": "2026-07-05T02:30:05Z",
        "handle": upload.handle,
        "code": str(upload.code),
    }
    assert last == ["#rows", "1"]


def test_only_the_kind_for_people_begins_with_a_byte_order_mark(db):
    assert "".join(exports.csv_lines(history())).startswith(exports.BOM)
    assert "".join(exports.csv_lines(history(machine=True))).startswith('"created_at",')


@given(st.integers(0, 2_900_000_000), st.sampled_from(ZONES))
def test_stored_instants_read_as_the_clocks_of_a_zone_show_them(seconds, zone):
    at = datetime.fromtimestamp(seconds, UTC)
    local = instants.Local(ZoneInfo(zone))
    expected = at.astimezone(ZoneInfo(zone))

    assert local([None, f"{at:%Y-%m-%d %H:%M:%S}.25+00"]) == [
        "",
        expected.isoformat(sep=" ", timespec="seconds"),
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_an_hour_in_which_clocks_are_changed_is_told_right(zone):
    first = datetime(2026, 1, 1, tzinfo=UTC)
    all_year = [first + timedelta(minutes=10) * step for step in range(6 * 24 * 366)]

    shown = instants.Local(ZoneInfo(zone))([str(at)[:19] for at in all_year])

    assert shown == [at.astimezone(ZoneInfo(zone)).isoformat(sep=" ") for at in all_year]


# Reading


def test_rows_come_newest_first_and_each_once_over_many_pages(db, monkeypatch):
    monkeypatch.setattr(reading, "FIRST", 2)
    monkeypatch.setattr(reading, "PAGE", 3)
    batch = make_batch()
    same = timezone.now() - timedelta(hours=1)
    for number in range(11):
        at = same if number < 6 else same - timedelta(microseconds=number)
        make_upload(batch=batch, label=f"n{number}", created_at=at)

    header, *rows, last = lines()

    order = Upload.objects.order_by("-created_at", "-id").values_list("label", flat=True)
    assert [row[header.index("Label")] for row in rows] == list(order)
    assert last == ["Rows", "11"]


@pytest.mark.parametrize("found", [0, 1, 2, 7, 8])
def test_a_slow_search_is_asked_for_many_keys_at_once(found, db, monkeypatch):
    for name, value in {"FIRST": 2, "PAGE": 2, "KEYS": 3, "SLOW": -1}.items():
        monkeypatch.setattr(reading, name, value)
    batch = make_batch()
    for number in range(found):
        make_upload(batch=batch, label=f"n{number}")
    make_upload(batch=batch, label="other")

    header, *rows, last = lines(exports.history(Upload.objects.filter(label__startswith="n")))

    labels = [row[header.index("Label")] for row in rows]
    assert labels == [f"n{number}" for number in reversed(range(found))]
    assert last == ["Rows", str(found)]


def test_what_arrives_while_the_file_leaves_does_not_belong_to_it(db):
    make_upload(label="there")
    table = history()
    make_upload(label="late")

    assert table.count() == 1
    assert lines(table)[-1] == ["Rows", "1"]


def test_nothing_is_read_ahead_and_no_more_than_a_page_is_held(
    db, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(reading, "FIRST", 4)
    monkeypatch.setattr(reading, "PAGE", 4)
    monkeypatch.setattr(as_csv, "PIECE", 2)
    batch = make_batch()
    for _number in range(8):
        make_upload(batch=batch)
    file = exports.csv_lines(history())

    with django_assert_num_queries(0):
        next(file)  # the header
    with django_assert_num_queries(3):  # a page, a person, a connector
        pieces = [next(file), next(file)]
    with django_assert_num_queries(1):
        pieces += [next(file), next(file)]
    with django_assert_num_queries(1):  # which finds nothing more
        (last,) = file

    assert [piece.count("\r\n") for piece in pieces] == [2, 2, 2, 2]
    assert last == '"Rows","8"\r\n'


def test_no_transaction_is_open_between_two_pages(transactional_db, monkeypatch):
    monkeypatch.setattr(reading, "FIRST", 1)
    monkeypatch.setattr(reading, "PAGE", 1)
    batch = make_batch()
    for _number in range(3):
        make_upload(batch=batch)

    for _piece in itertools.islice(exports.csv_lines(history()), 3):
        assert connection.get_autocommit()
        assert not connection.in_atomic_block
        if connection.vendor == "postgresql":
            assert connection.connection.info.transaction_status.name == "IDLE"
        else:
            assert not connection.connection.in_transaction


def test_a_file_that_breaks_off_lacks_its_last_line(db, monkeypatch):
    monkeypatch.setattr(reading, "FIRST", 1)
    batch = make_batch()
    for _number in range(3):
        make_upload(batch=batch)
    file = exports.csv_lines(history())
    sent = [next(file), next(file)]
    monkeypatch.setattr(reading, "_fetched", _broken)

    with pytest.raises(ConnectionError):
        sent += file

    assert "Rows" not in "".join(sent)


def _broken(_rows):
    raise ConnectionError
