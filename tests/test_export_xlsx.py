"""Exported workbooks, as another program reads them."""

import io
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest
from django.utils import timezone, translation

from media_assets import exports
from media_assets.exports import as_xlsx, reading, sheets
from media_assets.exports.tables import Kind
from media_assets.models import Upload
from tests.factories import make_batch, make_connector, make_upload

STARTS = ["=1+1", "+1", "-1", "@sum", "\t=1", "https://example.org/", "0012", "<a&b>"]

pytestmark = pytest.mark.django_db


def workbook(*, facts=(), **options):
    """The whole file, opened."""
    table = exports.history(Upload.objects.all(), **options)
    data = b"".join(exports.xlsx_parts(table, facts=facts))
    return openpyxl.load_workbook(io.BytesIO(data))


def cells(sheet):
    """The rows of a sheet; the header first."""
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def cell(book, title):
    header = cells(book.worksheets[0])[0]
    return book.worksheets[0].cell(row=2, column=header.index(title) + 1)


def test_rows_come_newest_first_and_the_last_sheet_tells_their_number():
    make_upload(label="first")
    make_upload(label="second")

    book = workbook(facts=[("State", "Ready")])

    header, *rows = cells(book["History"])
    assert [row[header.index("Label")] for row in rows] == ["second", "first"]
    assert book.sheetnames == ["History", "Information"]
    assert cells(book["Information"]) == [
        ["Rows", 2],
        ["Time zone", "America/Bogota"],
        ["State", "Ready"],
    ]


def test_nothing_to_export_is_a_workbook_too():
    book = workbook()

    assert len(cells(book["History"])) == 1
    assert cells(book["Information"])[0] == ["Rows", 0]


@pytest.mark.parametrize("text", STARTS)
def test_texts_are_texts_and_stay_as_they_are(text):
    make_upload(make_connector(name=text), label=text, handle=text, handle_expires_at=None)

    book = workbook()

    for title in ["Connector", "Label", "Handle"]:
        assert cell(book, title).value == text
        assert cell(book, title).data_type == "s"
        assert cell(book, title).number_format == "@"


def test_a_handle_of_several_lines_arrives_byte_for_byte():
    handle = '4::"a",b;\n 2nd:line\n\n'
    make_upload(handle=handle, handle_expires_at=None)

    assert cell(workbook(), "Handle").value == handle


def test_what_xml_cannot_hold_is_written_as_the_format_says():
    assert ">a_x000D__x0001_b</t>" in sheets.rows([["a\r\x01b"]], [Kind.TEXT], first=1)
    assert ">_x005F_x000D_</t>" in sheets.rows([["_x000D_"]], [Kind.TEXT], first=1)


@pytest.mark.parametrize("letter", ["a", "😀"])
def test_a_text_that_no_cell_holds_is_cut_and_says_so(letter):
    holds = 2 * sheets.CELL_MOST // len(letter.encode("utf-16-le"))

    assert sheets.fitting(letter * holds) == letter * holds
    cut = sheets.fitting(letter * (holds + 1))
    assert cut.endswith(sheets.CUT)
    assert set(cut.removesuffix(sheets.CUT)) == {letter}
    assert len(cut.encode("utf-16-le")) // 2 in {sheets.CELL_MOST, sheets.CELL_MOST - 1}


def test_for_people_times_are_dates_in_their_zone():
    make_upload(created_at=datetime(2026, 7, 1, 2, 30, 5, tzinfo=UTC))
    with timezone.override("America/Sao_Paulo"):
        book = workbook()

    shown = cell(book, "Submitted (America/Sao_Paulo)")
    assert shown.is_date
    assert shown.value.replace(microsecond=0) == datetime(2026, 6, 30, 23, 30, 5)  # noqa: DTZ001


def test_for_machines_times_are_texts_in_utc_and_names_english():
    make_upload(created_at=datetime(2026, 7, 1, 2, 30, 5, tzinfo=UTC), size=7)
    with translation.override("es"):
        book = workbook(machine=True)

    assert cell(book, "created_at").value == "2026-07-01T02:30:05Z"
    assert cell(book, "status").value == "ready"
    assert cell(book, "size").value == 7
    assert cells(book["information"]) == [["rows", 1]]


def test_what_does_not_fit_on_a_sheet_goes_on_on_the_next(monkeypatch):
    monkeypatch.setattr(as_xlsx, "SHEET_ROWS", 3)
    monkeypatch.setattr(reading, "FIRST", 3)
    batch = make_batch()
    for number in range(5):
        make_upload(batch=batch, label=str(number))

    book = workbook()

    assert book.sheetnames == ["History", "History 2", "History 3", "Information"]
    header = cells(book["History"])[0]
    labels = [
        row[header.index("Label")] for sheet in book.worksheets[:3] for row in cells(sheet)[1:]
    ]
    assert labels == ["4", "3", "2", "1", "0"]
    assert [cells(sheet)[0] for sheet in book.worksheets[:3]] == [header] * 3
    assert cells(book["Information"])[0] == ["Rows", 5]


def test_a_sheet_ends_before_the_archive_needs_an_extension(monkeypatch):
    monkeypatch.setattr(as_xlsx, "SHEET_BYTES", 1)
    monkeypatch.setattr(as_xlsx, "PIECE", 1)
    batch = make_batch()
    make_upload(batch=batch)
    make_upload(batch=batch)

    assert workbook().sheetnames == ["History", "History 2", "Information"]


def test_parts_leave_while_rows_are_read(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(reading, "FIRST", 1)
    monkeypatch.setattr(reading, "PAGE", 1)
    batch = make_batch()
    for _number in range(3):
        make_upload(batch=batch)
    file = exports.xlsx_parts(exports.history(Upload.objects.all()))

    with django_assert_num_queries(0):
        assert next(file).startswith(b"PK")
    with django_assert_num_queries(6):  # four pages, the last of them empty; a person, a connector
        assert b"".join(file)


def test_a_file_that_breaks_off_does_not_open(monkeypatch):
    monkeypatch.setattr(reading, "FIRST", 1)
    batch = make_batch()
    make_upload(batch=batch)
    make_upload(batch=batch)
    file = exports.xlsx_parts(exports.history(Upload.objects.all()))
    sent = [next(file)]
    monkeypatch.setattr(reading, "_fetched", _broken)

    with pytest.raises(ConnectionError):
        sent += file

    with pytest.raises(zipfile.BadZipFile):
        openpyxl.load_workbook(io.BytesIO(b"".join(sent)))


def _broken(_rows):
    raise ConnectionError
