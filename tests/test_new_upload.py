"""/uploads/new/: what people paste, what they are told, and that nothing typed is lost."""

import html
import io
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_assets import preflight
from media_assets.models import AuditEvent, Batch, Status, Upload
from media_assets.views import new_upload
from tests.factories import make_batch, make_connector, make_operation, make_upload, team

STORAGE = "https://storage.googleapis.com/wvox-0042/"
PAGE = "/uploads/new/"
CHECK = "/uploads/new/check/"
PROBE = "/uploads/new/probe/"


@pytest.fixture(autouse=True)
def probes(monkeypatch):
    """What Storage would say, by URL; nobody asks the real one from a test."""
    found: dict[str, preflight.Probe] = {}
    asked: list[str] = []

    def probe_many(urls, *, seconds):
        return {file_url.url: found[file_url.url] for file_url in urls if file_url.url in found}

    def probe(file_url):
        asked.append(file_url.url)
        return found[file_url.url]

    monkeypatch.setattr(preflight, "probe_many", probe_many)
    monkeypatch.setattr(preflight, "probe", probe)
    monkeypatch.setattr(preflight, "cached_probe", lambda _file_url: None)
    found["asked"] = asked  # type: ignore[assignment]
    return found


@pytest.fixture
def connector(db):
    return make_connector(make_operation(token="a" * 52, name="Tienda Andina"), name="Ventas")


@pytest.fixture
def marta(client_for, marketing, connector):
    return client_for(marketing)


def form(connector, urls, **values):
    return {"connector": str(connector.code), "urls": urls, "key": str(uuid.uuid4()), **values}


def text_of(response):
    return html.unescape(response.content.decode())


def typed_in(response):
    """What the field for addresses holds, as a browser would send it back."""
    field = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", response.content.decode(), re.DOTALL)
    assert field
    return html.unescape(field[1])


def seen_in(response):
    """What the button to send says that its reader has seen."""
    found = re.search(r'<button id="send"[^>]* value="([^"]*)"', response.content.decode())
    assert found
    return found[1]


def csv_file(content, name="files.csv"):
    file = io.BytesIO(content)
    file.name = name
    return file


def test_the_form_offers_only_my_connectors_under_their_operation(marta, connector):
    make_connector(make_operation(name="Elsewhere"), groups=[team("Brazil")], name="Not mine")

    page = text_of(marta.get(PAGE))

    assert '<optgroup label="Tienda Andina">' in page
    assert str(connector) in page
    assert "Elsewhere" not in page
    assert "Not mine" not in page


def test_an_operation_that_cannot_send_says_so_in_the_list(marta):
    make_connector(make_operation(name="New shop"))

    page = marta.get(PAGE, headers={"accept-language": "en"})

    assert '<optgroup label="New shop – no token yet">' in text_of(page)


@pytest.mark.parametrize("who", ["supervisor", "connector_admin"])
@pytest.mark.parametrize(
    ("method", "address"),
    [("get", PAGE), ("post", PAGE), ("post", CHECK), ("get", CHECK), ("get", PROBE)],
)
def test_who_only_reads_or_administers_finds_no_form(request, client_for, who, method, address):
    marta = client_for(request.getfixturevalue(who))
    assert getattr(marta, method)(address).status_code == 404


@pytest.mark.parametrize("address", [PAGE, CHECK, PROBE])
def test_nobody_is_let_in_without_signing_in(client, db, address):
    assert client.get(address).headers["location"].startswith(reverse("login"))


def test_somebody_without_connectors_is_told_whom_to_ask(client_for, stranger):
    page = client_for(stranger).get(PAGE, headers={"accept-language": "en"})
    assert "No connector is assigned to you" in text_of(page)
    assert "<textarea" not in text_of(page)


def test_the_check_is_only_for_posting_and_the_probe_only_for_getting(marta):
    assert marta.get(CHECK).status_code == 405
    assert marta.post(PROBE).status_code == 405
    assert marta.put(PAGE).status_code == 405


def test_the_connector_used_last_is_chosen_again(marta, connector, marketing):
    other = make_connector()
    make_batch(other, marketing)
    page = marta.get(PAGE).content.decode()
    assert f'<option value="{other.code}" selected>' in page


def test_a_link_can_bring_an_address_and_a_connector(marta, connector):
    make_connector()
    page = marta.get(PAGE, {"url": STORAGE + "a.jpg", "connector": connector.code})
    assert typed_in(page) == STORAGE + "a.jpg"
    assert f'<option value="{connector.code}" selected>' in page.content.decode()


def test_a_batch_brings_its_left_out_lines_back(marta, connector, marketing):
    left_out = [{"line": 2, "text": "http://a.co/b.jpg", "label": "Uno", "problem": "…"}]
    batch = make_batch(connector, marketing, left_out=left_out, campaign="Julio")
    page = marta.get(PAGE, {"batch": batch.code})
    assert typed_in(page) == "http://a.co/b.jpg\tUno"
    assert 'value="Julio"' in page.content.decode()


@pytest.mark.parametrize("code", ["nonsense", "6a50cbbf-662a-4e44-9ab3-6e37431b44d4", "\0"])
def test_a_batch_that_is_not_there_brings_nothing(marta, code):
    assert typed_in(marta.get(PAGE, {"batch": code})) == ""


def test_a_batch_of_others_brings_nothing(marta, connector, stranger):
    theirs = make_connector(groups=[team("Brazil")])
    left_out = [{"line": 1, "text": "secret", "problem": "…"}]
    batch = make_batch(theirs, stranger, left_out=left_out)
    assert typed_in(marta.get(PAGE, {"batch": batch.code})) == ""


def test_good_addresses_become_a_batch_and_its_page_follows(marta, connector, marketing):
    values = form(connector, f"{STORAGE}a.jpg\tUno\n{STORAGE}b.pdf", label="Dos", campaign="Julio")

    response = marta.post(PAGE, values, REMOTE_ADDR="192.0.2.7")

    batch = Batch.objects.get()
    assert (response.status_code, response.headers["location"]) == (303, batch.get_absolute_url())
    assert (batch.submitted_by, batch.connector, batch.campaign) == (marketing, connector, "Julio")
    assert [upload.label for upload in batch.uploads.order_by("id")] == ["Uno", "Dos"]
    assert AuditEvent.objects.get(action="batch.submitted").address == "192.0.2.7"


def test_sending_the_form_twice_makes_one_batch(marta, connector):
    values = form(connector, STORAGE + "a.jpg")
    first, second = marta.post(PAGE, values), marta.post(PAGE, values)
    assert first.headers["location"] == second.headers["location"]
    assert (Batch.objects.count(), Upload.objects.count()) == (1, 1)


def test_sending_the_form_again_after_the_handle_is_there_leads_to_its_batch(
    marta, connector, monkeypatch
):
    values = form(connector, STORAGE + "a.jpg")
    first = marta.post(PAGE, values)
    Upload.objects.update(status=Status.READY, handle="4::handle", handle_expires_at=None)
    monkeypatch.setattr(preflight, "probe_many", None)  # nor does Storage have to be asked again

    second = marta.post(PAGE, values)

    assert (second.status_code, second.headers["location"]) == (303, first.headers["location"])
    assert (Batch.objects.count(), Upload.objects.count()) == (1, 1)


def test_sending_a_file_again_leads_to_its_batch_too(marta, connector):
    content = f"url,label\n{STORAGE}a.jpg,Uno\n".encode()
    values = form(connector, STORAGE + "z.jpg")
    first = marta.post(PAGE, values | {"csv_file": csv_file(content)})
    Upload.objects.update(status=Status.READY, handle="4::handle", handle_expires_at=None)

    second = marta.post(PAGE, values | {"csv_file": csv_file(content)})

    assert second.headers["location"] == first.headers["location"]


def test_what_another_person_has_sent_with_the_same_key_is_not_led_to(
    marta, connector, client_for, owner
):
    values = form(connector, STORAGE + "a.jpg")
    values["again"] = "on"
    theirs = client_for(owner).post(PAGE, values)
    assert marta.post(PAGE, values).headers["location"] != theirs.headers["location"]


def test_bad_lines_bring_the_page_back_with_everything_and_nothing_is_sent(marta, connector):
    typed = f"{STORAGE}a.jpg\tUno\nhttp://a.co/b.jpg\n\n{STORAGE}c.exe\n{STORAGE}a.jpg"
    values = form(connector, typed, label="Mi etiqueta", campaign="Julio")

    response = marta.post(PAGE, values, headers={"accept-language": "en"})
    page = text_of(response)

    assert response.status_code == 200
    assert typed_in(response) == typed
    for kept in ("Mi etiqueta", "Julio", values["key"], f'value="{connector.code}" selected'):
        assert kept in page
    assert "The address has to begin with https://" in page
    assert "A sample cannot be “exe”" in page
    assert "The same address stands in line 1 already." in page
    assert "Send the 1 that is fine" in page
    assert not Batch.objects.exists()


def test_who_has_seen_the_bad_lines_may_leave_them_out(marta, connector):
    values = form(connector, f"{STORAGE}a.jpg\nhttp://a.co/b.jpg")
    seen = seen_in(marta.post(PAGE, values))

    marta.post(PAGE, values | {"leave_out": seen})

    batch = Batch.objects.get()
    assert [upload.file_name for upload in batch.uploads.all()] == ["a.jpg"]
    assert [line["text"] for line in batch.left_out] == ["http://a.co/b.jpg"]


@pytest.mark.parametrize("ended", ["\r\n", "\n"])
def test_what_the_check_has_shown_may_be_left_out_however_lines_end(marta, connector, ended):
    values = form(connector, f"{STORAGE}a.jpg\nhttp://a.co/b.jpg")
    checked = marta.post(CHECK, values).content.decode()
    seen = re.search(r'data-leave-out="([^"]+)"', checked)
    assert seen

    urls = values["urls"].replace("\n", ended)
    assert marta.post(PAGE, values | {"urls": urls, "leave_out": seen[1]}).status_code == 303


def test_lines_that_nobody_has_seen_are_not_left_out(marta, connector):
    values = form(connector, f"{STORAGE}a.jpg\nhttp://a.co/b.jpg")
    values["leave_out"] = seen_in(marta.post(PAGE, values))

    for more in ({"urls": values["urls"] + "\nhttp://a.co/c.jpg"}, {"leave_out": "1"}):
        response = marta.post(PAGE, values | more)
        assert response.status_code == 200
        assert typed_in(response) == (values | more)["urls"]
    assert not Batch.objects.exists()


def test_a_handle_that_another_connector_has_is_to_be_seen_before_it_is_left_out(marta, connector):
    other = make_connector()
    make_upload(other, file_url=STORAGE + "a.jpg")
    values = form(connector, f"{STORAGE}a.jpg\n{STORAGE}b.jpg\nnonsense")
    values["leave_out"] = seen_in(marta.post(PAGE, values))

    assert marta.post(PAGE, values | {"connector": str(other.code)}).status_code == 200
    assert marta.post(PAGE, values).status_code == 303


def test_what_storage_says_late_is_to_be_seen_before_it_is_left_out(marta, connector, probes):
    values = form(connector, f"{STORAGE}a.jpg\n{STORAGE}b.jpg\nnonsense")
    values["leave_out"] = seen_in(marta.post(PAGE, values))
    probes[STORAGE + "b.jpg"] = preflight.Probe("IMAGE", http_status=403, problem="restricted")

    again = marta.post(PAGE, values)

    assert again.status_code == 200
    assert marta.post(PAGE, values | {"leave_out": seen_in(again)}).status_code == 303


def test_a_live_handle_is_offered_instead_and_sent_again_only_on_request(marta, connector):
    live = make_upload(connector, file_url=STORAGE + "a.jpg")
    values = form(connector, f"{STORAGE}a.jpg\n{STORAGE}b.jpg")

    page = marta.post(PAGE, values)

    assert live.get_absolute_url() in text_of(page)
    assert 'name="again"' in text_of(page)
    assert not Upload.objects.exclude(pk=live.pk).exists()
    marta.post(PAGE, values | {"again": "on"})
    sent = Upload.objects.exclude(pk=live.pk).order_by("id")
    assert [upload.file_name for upload in sent] == ["a.jpg", "b.jpg"]


def test_live_handles_are_left_alone_when_the_rest_is_sent(marta, connector):
    live = make_upload(connector, file_url=STORAGE + "a.jpg")
    values = form(connector, f"{STORAGE}a.jpg\n{STORAGE}b.jpg")
    marta.post(PAGE, values | {"leave_out": seen_in(marta.post(PAGE, values))})
    assert [u.file_name for u in Upload.objects.exclude(pk=live.pk)] == ["b.jpg"]


def test_a_live_handle_of_another_connector_is_not_offered(marta, connector):
    make_upload(make_connector(), file_url=STORAGE + "a.jpg")
    assert marta.post(PAGE, form(connector, STORAGE + "a.jpg")).status_code == 303


@pytest.mark.parametrize(
    ("urls", "sentence"),
    [
        ("", "Paste at least one address, or choose a CSV file."),
        (" \n\n", "Paste at least one address, or choose a CSV file."),
        ("nonsense", "Nothing would be sent: every line needs attention."),
    ],
)
def test_nothing_to_send_is_said(marta, connector, urls, sentence):
    values = form(connector, urls)
    values["leave_out"] = seen_in(marta.post(PAGE, values))
    assert sentence in text_of(marta.post(PAGE, values, headers={"accept-language": "en"}))


def test_only_live_handles_is_nothing_to_send_either(marta, connector):
    make_upload(connector, file_url=STORAGE + "a.jpg")
    values = form(connector, STORAGE + "a.jpg")
    values["leave_out"] = seen_in(marta.post(PAGE, values))
    page = text_of(marta.post(PAGE, values, headers={"accept-language": "en"}))
    assert "use the handles that are there, or tick the box" in page


def test_another_groups_connector_is_refused_like_one_that_does_not_exist(marta, connector):
    foreign = make_connector(groups=[team("Brazil")])
    inactive = make_connector(is_active=False)
    values = form(connector, STORAGE + "a.jpg")
    codes = [str(foreign.code), str(inactive.code), str(uuid.uuid4()), "nonsense", "\0"]

    pages = [marta.post(PAGE, values | {"connector": code}) for code in codes]

    errors = [page.context["form"].errors.get_json_data() for page in pages]
    assert [page.status_code for page in pages] == [200] * 5
    assert all(error == errors[0] and list(error) == ["connector"] for error in errors)
    assert not Batch.objects.exists()


def test_more_lines_than_a_batch_takes_are_refused_with_both_numbers(marta, connector):
    typed = "\n".join(f"{STORAGE}{number}.jpg" for number in range(501))
    response = marta.post(PAGE, form(connector, typed), headers={"accept-language": "en"})
    assert "These are 501 lines, at most 500 can be sent at once." in text_of(response)
    assert typed_in(response) == typed


@pytest.mark.parametrize(
    "content",
    [
        f"url,label\n{STORAGE}a.jpg,Año nuevo\n{STORAGE}b.jpg,\n".encode(),
        f"url;label\r\n{STORAGE}a.jpg;Año nuevo\r\n{STORAGE}b.jpg;\r\n".encode("utf-8-sig"),
        f"url;label\r\n{STORAGE}a.jpg;Año nuevo\r\n{STORAGE}b.jpg;\r\n".encode("cp1252"),
        f"url\tlabel\n{STORAGE}a.jpg\tAño nuevo\n{STORAGE}b.jpg\t\n".encode(),
        f'"{STORAGE}a.jpg";"Año nuevo"\n"{STORAGE}b.jpg"\n'.encode(),
        f"{STORAGE}a.jpg,Año nuevo\n{STORAGE}b.jpg\n".encode(),
        f"url\tlabel\r\n{STORAGE}a.jpg\tAño nuevo\r\n{STORAGE}b.jpg\r\n".encode("utf-16"),
        f"{STORAGE}a.jpg\tAño nuevo\r\n{STORAGE}b.jpg\r\n".encode("utf-16"),
        f"dirección;nombre\n{STORAGE}a.jpg;Año nuevo\n{STORAGE}b.jpg;\n".encode(),
        f"Nome,Endereço\nAño nuevo,{STORAGE}a.jpg\n,{STORAGE}b.jpg\n".encode(),
        f"enlace,etiqueta\n{STORAGE}a.jpg,Año nuevo\n{STORAGE}b.jpg,\n".encode(),
    ],
)
def test_a_csv_file_is_read_whatever_program_wrote_it(marta, connector, content):
    marta.post(PAGE, form(connector, "", csv_file=csv_file(content)))
    sent = [(u.file_name, u.label) for u in Upload.objects.order_by("id")]
    assert sent == [("a.jpg", "Año nuevo"), ("b.jpg", "")]


@pytest.mark.parametrize("typed", [f"{STORAGE}z.jpg\tZ", f"url,label\r\n{STORAGE}z.jpg,Z\r\n"])
def test_rows_of_a_file_are_added_to_what_was_typed_and_stay_after_an_error(
    marta, connector, typed
):
    content = f"url,label\n{STORAGE}a.jpg,Uno\nnonsense,Dos\n".encode()
    values = form(connector, typed, csv_file=csv_file(content))

    response = marta.post(PAGE, values)

    assert typed_in(response) == f"{STORAGE}z.jpg\tZ\n{STORAGE}a.jpg\tUno\nnonsense\tDos"
    assert [line.number for line in response.context["checked"].bad] == [3]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"url,label\n\0", "This is not a CSV file."),
        ("url,label\n".encode("utf-16"), "The file is empty."),
        (b"", "The file is empty. Put one address per line"),
        (b"url;label\n\n", "The file is empty."),
        (b"adresse,nombre\nhttps://a.co/a.jpg,x\n", "none of them is called url (adresse,nombre)"),
        (b"\x89PNG\r\n\x1a\n\0\0", "This is not a CSV file."),
        (b"url,label\n\x81\x8d", "The characters of this file cannot be read."),
        (b"url,label\n" + b"x" * 1024 * 1024, "The file may have at most 1024 KB."),
        (b"url,label\nhttps://a.co/a\rb.jpg,x\n", "This is not a CSV file."),
    ],
)
def test_a_file_that_is_no_csv_is_refused_and_what_was_typed_stays(
    marta, connector, content, sentence
):
    values = form(connector, STORAGE + "z.jpg", csv_file=csv_file(content))
    response = marta.post(PAGE, values, headers={"accept-language": "en"})
    assert sentence in text_of(response)
    assert typed_in(response) == STORAGE + "z.jpg"
    assert not Batch.objects.exists()


def test_a_good_line_is_not_sent_without_the_file_that_could_not_be_read(marta, connector):
    values = form(connector, STORAGE + "z.jpg", csv_file=csv_file(b"\0"))
    english = {"accept-language": "en"}

    checked = text_of(marta.post(CHECK, values, headers=english | {"hx-trigger": "csv-field"}))
    assert "Nothing is sent while the CSV file has a problem:" in checked
    assert 'id="id_csv_file"' not in checked  # the chosen file stays, to be refused once more

    values["csv_file"] = csv_file(b"\0")
    sent = text_of(marta.post(PAGE, values, headers=english))
    assert "Nothing has been sent, because the CSV file had a problem" in sent
    assert not Batch.objects.exists()

    del values["csv_file"]
    removed = text_of(marta.post(CHECK, values, headers=english | {"hx-trigger": "csv-field"}))
    assert "CSV file has a problem" not in removed
    assert 'id="id_csv_file"' in removed


def test_what_is_under_way_is_shown_with_a_link_and_sent_again_only_on_request(marta, connector):
    earlier = make_upload(connector, status="queued", file_url=STORAGE + "a.jpg")
    values = form(connector, STORAGE + "a.jpg")

    page = text_of(marta.post(PAGE, values, headers={"accept-language": "en"}))

    assert "This file is already waiting:" in page
    assert earlier.get_absolute_url() in page
    assert Upload.objects.count() == 1
    values["leave_out"] = seen_in(marta.post(PAGE, values))
    again = text_of(marta.post(PAGE, values, headers={"accept-language": "en"}))
    assert "Nothing would be sent: these files are under way." in again
    assert marta.post(PAGE, values | {"again": "on"}).status_code == 303


def test_a_double_click_whose_requests_overlap_leads_to_the_one_batch(
    marta, connector, monkeypatch
):
    values = form(connector, STORAGE + "a.jpg")
    first = marta.post(PAGE, values)
    looks = iter([None])
    found = new_upload._sent_before
    monkeypatch.setattr(new_upload, "_sent_before", lambda *given: next(looks, found(*given)))

    second = marta.post(PAGE, values)

    assert second.headers["location"] == first.headers["location"]


def test_the_batch_names_the_form_that_was_sent_for_whoever_keeps_what_was_typed(marta, connector):
    values = form(connector, STORAGE + "a.jpg")
    assert marta.post(PAGE, values).cookies["sent"].value == values["key"]
    assert "sent" not in marta.post(PAGE, values | {"urls": "nonsense"}).cookies


def test_a_pasted_null_is_refused_with_a_sentence(marta, connector):
    lines = f"{STORAGE}a.jpg\n{STORAGE}\0.jpg"
    response = marta.post(PAGE, form(connector, lines), headers={"accept-language": "en"})

    assert response.status_code == 200
    assert "The address holds an invisible character." in response.content.decode()
    assert not Upload.objects.exists()


@given(typed=st.text(max_size=200))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_paste_breaks_the_page(marta, connector, typed):
    for start in ("", "url,label\n"):
        response = marta.post(PAGE, form(connector, start + typed))
        assert response.status_code == 200


def test_errors_are_tied_to_the_inputs_they_are_about(marta, connector):
    sent = {"urls": {}, "csv_file": {"csv_file": csv_file(b"url,label\n\0")}}
    for name, values in sent.items():
        page = marta.post(PAGE, form(connector, "", **values)).content.decode()
        control = re.search(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', page)
        assert control
        assert 'aria-invalid="true"' in control[0]
        assert f'aria-describedby="id_{name}_helptext id_{name}_error"' in control[0]
        assert f'id="id_{name}_helptext"' in page
        assert f'id="id_{name}_error"' in page


def test_too_many_lines_are_announced_while_somebody_types(marta, connector):
    typed = "\n".join(f"{STORAGE}{number}.jpg" for number in range(501))
    headers = {"hx-request": "true", "accept-language": "en"}
    page = marta.post(CHECK, form(connector, typed), headers=headers).content.decode()
    assert re.search(r'role="alert">(?:(?!</p>).)*These are 501 lines', page, re.DOTALL)


def test_hostile_lines_are_shown_as_text(marta, connector):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    for address in (PAGE, CHECK):
        response = marta.post(address, form(connector, f"{hostile}\t{hostile}", label=hostile))
        page = response.content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert html.escape(hostile) in page


def test_the_check_says_what_would_become_of_each_line_and_writes_nothing(
    marta, connector, probes, django_assert_max_num_queries
):
    live = make_upload(connector, file_url=STORAGE + "live.jpg")
    probes[STORAGE + "huge.mp4"] = preflight.Probe("VIDEO", size=99_000_000, problem="too_big")
    probes[STORAGE + "b.pdf"] = preflight.Probe(
        "DOCUMENT", reachable=True, size=2_000_000, found="PDF"
    )
    lines = ["a.jpg", "b.pdf", "live.jpg", "huge.mp4", "c.exe"]
    typed = "\n".join(STORAGE + name for name in lines) + "\nhttps://unknown.example/d.png"

    with django_assert_max_num_queries(12) as queries:
        response = marta.post(CHECK, form(connector, typed), headers={"accept-language": "en"})
    page = text_of(response)

    assert "2 need attention" in page
    assert "3 ready to send" in page
    assert "1 already has a handle" in page
    assert live.get_absolute_url() in page
    assert "PDF · 1.9" in page
    assert "a sample may have at most 16.0" in page
    assert "unknown.example is not known as wolkvox Storage" in page
    assert f'hx-get="{PROBE}?url=' in page
    assert 'data-send-label="Send the 3 that are fine' in page
    assert not [query for query in queries if not query["sql"].startswith("SELECT")]
    assert (Batch.objects.count(), AuditEvent.objects.count()) == (1, 0)  # the live one only


def test_the_check_works_before_a_connector_is_chosen(marta):
    response = marta.post(CHECK, {"urls": STORAGE + "a.jpg"})
    assert len(response.context["checked"].good) == 1


def test_a_file_chosen_for_the_check_lands_in_the_field(marta, connector):
    content = f"url,label\n{STORAGE}a.jpg,Uno\n".encode()
    values = form(connector, STORAGE + "z.jpg", csv_file=csv_file(content))
    response = marta.post(CHECK, values)
    assert typed_in(response) == f"{STORAGE}z.jpg\n{STORAGE}a.jpg\tUno"
    assert 'id="urls-field" class="field" hx-swap-oob="true"' in response.content.decode()


def test_500_lines_cost_as_many_queries_as_one(marta, connector, django_assert_max_num_queries):
    with CaptureQueriesContext(connection) as few:
        marta.post(CHECK, form(connector, STORAGE + "a.jpg"))
    typed = "\n".join(f"{STORAGE}{number}.jpg" for number in range(500))
    with django_assert_max_num_queries(len(few)):
        assert marta.post(CHECK, form(connector, typed)).status_code == 200


def test_500_addresses_are_saved_in_a_few_queries(marta, connector, django_assert_max_num_queries):
    typed = "\n".join(f"{STORAGE}{number}.jpg" for number in range(500))
    with django_assert_max_num_queries(40):  # one asks for the session
        assert marta.post(PAGE, form(connector, typed)).status_code == 303
    assert Upload.objects.filter(status=Status.QUEUED).count() == 500


def test_the_probe_tells_type_and_size_of_a_listed_file(marta, probes):
    url = STORAGE + "a.jpg"
    probes[url] = preflight.Probe("IMAGE", reachable=True, size=345_000, found="JPEG")
    page = text_of(marta.get(PROBE, {"url": url}))
    assert "JPEG · 336" in page
    assert probes["asked"] == [url]


def test_the_probe_tells_what_is_wrong_with_a_file(marta, probes):
    url = STORAGE + "a.jpg"
    probes[url] = preflight.Probe("IMAGE", http_status=403, problem="restricted")
    page = marta.get(PROBE, {"url": url}, headers={"accept-language": "en"})
    assert "The file is restricted. Make it public in wolkvox Storage" in text_of(page)


@pytest.mark.parametrize(
    "url", ["https://unknown.example/a.jpg", "https://169.254.169.254/a.jpg", "file:///x.jpg", ""]
)
def test_other_hosts_are_never_asked(marta, probes, url):
    assert marta.get(PROBE, {"url": url}).status_code == 200
    assert probes["asked"] == []
