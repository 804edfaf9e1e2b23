"""The addresses of exports: who may, what is recorded, and what is offered."""

import csv
import io
import json
from datetime import timedelta
from importlib import import_module

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from media_assets import selection
from media_assets.exports import reading
from media_assets.models import AuditEvent, Outcome, Status
from tests.factories import make_batch, make_upload, make_user

FILES = ["history_csv", "history_xlsx"]


def events():
    return AuditEvent.objects.filter(action="history.exported")


@pytest.fixture
def export(supervisor, client_for):
    """The rows that `supervisor` gets, read back; the header first and the count last."""
    client = client_for(supervisor)

    def rows(**params):
        response = client.get(reverse("history_csv"), params)
        assert response.status_code == 200
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))

    return rows


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("role", ["Marketing", "Connector admin", None])
def test_who_may_not_export_finds_nothing_at_the_address(role, file, db, client_for):
    assert client_for(make_user(role)).get(reverse(file)).status_code == 404
    assert not events().exists()


@pytest.mark.parametrize("file", FILES)
def test_who_is_not_signed_in_gets_no_file(file, db, client):
    assert client.get(reverse(file)).status_code == 302
    assert not events().exists()


@pytest.mark.parametrize("file", FILES)
def test_owners_export_too(file, owner, client_for):
    assert client_for(owner).get(reverse(file)).status_code == 200


def test_the_file_is_a_download_in_utf_8_with_a_mark(supervisor, client_for):
    response = client_for(supervisor).get(reverse("history_csv"))

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="history-')
    assert b"".join(response.streaming_content).startswith(b"\xef\xbb\xbf")


def test_people_read_words_between_a_header_and_the_count(export):
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


def test_the_filters_of_the_page_hold_for_the_file(export):
    make_upload(label="wanted", status=Status.FAILED)
    make_upload(label="other")

    header, *rows, last = export(state="failed", machine="1")

    assert [row[header.index("label")] for row in rows] == ["wanted"]
    assert last == ["#rows", "1"]


def test_a_search_holds_for_the_file(export):
    make_upload(label="Promoción de julio")
    make_upload(label="other")

    header, *rows, _last = export(q="PROMOCION")

    assert [row[header.index("Label")] for row in rows] == ["Promoción de julio"]


def test_a_short_search_says_in_the_file_that_it_is_cut(
    export, supervisor, client_for, monkeypatch
):
    monkeypatch.setattr(selection, "WALK", 2)
    for number in range(3):
        make_upload(label=f"zq {number}")

    *_rows, last = export(q="zq")
    *_rows, machine = export(q="zq", machine="1")
    workbook = client_for(supervisor).get(reverse("history_xlsx"), {"q": "zq"})

    assert last[:2] == ["Rows", "2"]
    assert "look at the newest uploads only" in last[2]
    assert machine == ["#rows", "2", "partial"]
    assert "look at the newest uploads only" in _facts(workbook, "Information")["Note"]
    assert all(event.data["partial"] for event in events())

    assert export(q="zafiro")[-1] == ["Rows", "0"]


def test_the_file_begins_at_the_databases_clock_which_stamps_uploads(export, monkeypatch):
    ahead = timezone.now() + timedelta(seconds=30)
    make_upload(created_at=ahead)
    module = import_module("media_assets.exports.history")  # the package names its function so
    monkeypatch.setattr(module, "now_in_database", lambda: ahead)

    assert export()[-1] == ["Rows", "1"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("machine", [False, True])
def test_every_export_is_recorded_before_a_row_leaves(kind, machine, supervisor, client_for):
    make_upload(status=Status.FAILED)
    params = {"state": "failed", "x": "y", **({"machine": "1"} if machine else {})}

    response = client_for(supervisor).get(reverse(f"history_{kind}"), params)

    event = events().get()
    assert event.actor_name == "sofia"
    assert event.data == {
        "filters": {"state": "failed"},
        "rows": 1,
        "kind": kind,
        "machine": machine,
    }
    assert len(b"".join(response.streaming_content)) > 100
    assert events().count() == 1


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("method", ["head", "post"])
def test_only_a_look_at_the_file_is_no_export(method, file, supervisor, client_for):
    client = client_for(supervisor)

    assert getattr(client, method)(reverse(file)).status_code == 405
    assert not events().exists()


@pytest.mark.parametrize("file", FILES)
def test_with_a_wrong_filter_it_leads_to_the_list_which_says_so(file, supervisor, client_for):
    client = client_for(supervisor)

    response = client.get(reverse(file), {"since": "yesterday", "q": "á"})

    page = client.get(response.headers["location"]).content.decode()
    assert response.status_code == 302
    assert "Enter a valid date." in page
    assert 'value="á"' in page
    assert not events().exists()


def test_the_details_of_audit_events_are_json_once(supervisor, client_for):
    AuditEvent.objects.record("history.exported", by=supervisor, rows=2, filters={"q": "ñ"})

    response = client_for(supervisor).get(reverse("audit_csv"), {"machine": "1"})

    text = b"".join(response.streaming_content).decode()
    header, *rows = csv.reader(io.StringIO(text))
    details = [json.loads(row[header.index("data")]) for row in rows[:-1]]
    assert {"rows": 2, "filters": {"q": "ñ"}} in details
    assert all(isinstance(each, dict) for each in details)


def test_the_record_holds_no_whole_handle(supervisor, client_for):
    handle = make_upload().handle

    client_for(supervisor).get(reverse("history_csv"), {"q": handle})

    assert handle not in str(events().get().data)


def test_a_workbook_tells_who_made_it_and_with_which_filters(supervisor, client_for):
    make_upload(status=Status.FAILED)
    params = {"state": "failed"}

    people = client_for(supervisor).get(reverse("history_xlsx"), params)
    machines = client_for(supervisor).get(reverse("history_xlsx"), {**params, "machine": "1"})

    told = _facts(people, "Information")
    assert told | {"Exported": ""} == {
        "Rows": 1,
        "Time zone": "America/Bogota",
        "Exported": "",
        "Exported by": "sofia",
        "State": "Failed",
    }
    assert told["Exported"].endswith("-05:00")
    told = _facts(machines, "information")
    assert told | {"exported_at": ""} == {
        "rows": 1,
        "exported_at": "",
        "exported_by": "sofia",
        "state": "failed",
    }
    assert told["exported_at"].endswith("Z")


def test_an_error_on_the_way_ends_the_connection_and_not_the_file(
    supervisor, client_for, monkeypatch
):
    batch = make_batch()
    make_upload(batch=batch)
    make_upload(batch=batch)
    monkeypatch.setattr(reading, "FIRST", 1)
    response = client_for(supervisor).get(reverse("history_csv"))
    file = iter(response.streaming_content)
    sent = [next(file), next(file)]

    monkeypatch.setattr(reading, "_fetched", _broken)

    with pytest.raises(ConnectionError):
        sent += file

    assert b"Rows" not in b"".join(sent)
    assert events().get().data["rows"] == 2


@pytest.mark.parametrize(
    ("language", "words"), [("es", "CSV para programas"), ("pt-br", "CSV para programas")]
)
def test_the_menu_is_in_the_readers_language(language, words, supervisor, client_for):
    client = client_for(supervisor)
    client.cookies["language"] = language

    assert words in client.get(reverse("history")).content.decode()


def test_four_files_are_offered_with_the_filters_of_the_page(supervisor, client_for):
    params = {"state": "failed", "after": "1.1"}
    html = client_for(supervisor).get(reverse("history"), params).content.decode()

    for file in FILES:
        assert f'href="{reverse(file)}?state=failed"' in html
        assert f'href="{reverse(file)}?state=failed&amp;machine=1"' in html


def test_without_filters_all_is_offered(supervisor, client_for):
    html = client_for(supervisor).get(reverse("history")).content.decode()

    for file in FILES:
        assert f'href="{reverse(file)}"' in html
        assert f'href="{reverse(file)}?machine=1"' in html


def test_marketing_is_offered_no_export(marketing, client_for):
    html = client_for(marketing).get(reverse("history")).content.decode()

    assert reverse("history_csv") not in html
    assert reverse("history_xlsx") not in html


def _facts(response, sheet):
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    return dict(book[sheet].iter_rows(values_only=True))


def _broken(_rows):
    raise ConnectionError
