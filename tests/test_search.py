"""The search of the lists: any part of any text, and never a look at the whole table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from media_assets import search, selection
from media_assets.filters import HistoryFilters
from media_assets.models import Connector, Status, Upload, UploadText
from media_assets.search import index, search_for
from media_assets.selection import Count, Selection, Way
from tests.factories import make_batch, make_connector, make_operation, make_upload

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def found(supervisor):
    """The labels that a supervisor's search finds, newest first."""

    def labels(q, **params):
        chosen = filters(supervisor, q=q, **params).selection
        uploads = Upload.objects.in_bulk([key for _at, key in chosen.take(Way(100))])
        assert chosen.count.number == len(uploads)
        return [uploads[key].label for _at, key in chosen.take(Way(100))]

    return labels


def filters(user, **params):
    request = RequestFactory().get("/history/", params)
    request.user = user
    return HistoryFilters(request.GET, queryset=Upload.objects.all(), request=request)


def filters_of(typed):
    """A selection of everything that fits, without anybody's rights."""
    connectors = Connector.objects.select_related("operation")
    return Selection([Upload.objects.all()], search_for(typed, connectors=connectors))


def labels_of(chosen, limit):
    uploads = Upload.objects.in_bulk()
    return [uploads[key].label for _at, key in chosen.take(Way(limit))]


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """The SELECTs that are run meanwhile, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def record(execute, sql, params, many, context):
        if sql.lstrip().startswith(("SELECT", "WITH")):
            statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield statements


def assert_no_scan(sql, parameters):
    """By the plan of the database, no table of uploads or batches is read from end to end."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # as it would be with many rows
            cursor.execute(f"EXPLAIN {sql}", parameters)
            scans = [line for (line,) in cursor.fetchall() if re.search(SEQUENTIAL, line)]
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
            steps = [row[3] for row in cursor.fetchall()]
            scans = [step for step in steps if re.search(WHOLE_TABLE, step)]
    assert not scans, (sql, scans)


SEQUENTIAL = r"Seq Scan on media_assets_(upload|batch|handletext)"
# an index may be walked in the list's order: the walk ends after a number of rows
WHOLE_TABLE = r"^SCAN media_assets_\w+\b(?! USING (COVERING )?INDEX)"
ADDRESS = "https://storage.googleapis.com/wvox-demo/de otoño/Verano 100%25 verde.jpg"


@pytest.mark.parametrize(
    "typed",
    [
        *("verano", "VERANO", "otoño/ver", "otono", "OTOÑO", "oto%C3%B1o", "100% v", "verde.jpg"),
        *("https://storage.googleapis.com/wvox-demo/de%20oto", "googleapis.com/wvox-demo/de"),
        *("Catálogo", "catalogo", "CATÁLOGO", "catálogo de", "log", "julio", "lanzamiento jul"),
        *("ventas", "77123", "verano ventas julio", "acción", "accion"),
    ],
)
def test_any_part_of_a_text_is_found_in_any_case_and_without_accents(typed, found):
    operation = make_operation(name="Acción Comercial")
    connector = make_connector(operation, name="Ventas Norte", connector_id="77123")
    batch = make_batch(connector, campaign="Lanzamiento Julio")
    make_upload(batch=batch, label="Catálogo de niños", file_url=ADDRESS)
    make_upload(label="other")

    assert found(typed) == ["Catálogo de niños"]


SIGNED = f"{ADDRESS}?X-Credential=svc%2F20260101%2Fauto&d=50%25"


@pytest.mark.parametrize(
    "typed", ["svc%2F20260101", "verde.jpg?x-cred", "%2Fauto&d=50%25", SIGNED.replace(" ", "%20")]
)
def test_a_signed_address_is_found_by_any_part_of_its_query(typed, found):
    make_upload(label="signed", file_url=SIGNED.replace(" ", "%20"))
    make_upload(label="other")

    assert found(typed) == ["signed"]


@pytest.mark.parametrize("typed", ["50%descuento", "20%efectivo", "0%de", "50%descuento efectivo"])
def test_a_percent_sign_before_letters_is_no_code(typed, found):
    batch = make_batch(campaign="20%efectivo")
    make_upload(batch=batch, label="Promo 50%descuento")
    make_upload(label="other 50")

    assert found(typed) == ["Promo 50%descuento"]


def test_a_frequent_word_with_a_percent_sign_is_looked_up_as_well(monkeypatch):
    monkeypatch.setattr(search.terms, "FEW", 2)
    monkeypatch.setattr(selection, "WALK", 1)
    for number in range(4):
        make_upload(label=f"50%descuento {number}")

    assert labels_of(filters_of("50%descuento"), 3) == [f"50%descuento {n}" for n in (3, 2, 1)]


def test_no_word_is_left_out_in_silence(supervisor, client_for, found):
    make_upload(label="uno dos tres cuatro cinco seis siete ocho nueve")

    assert found("uno dos tres cuatro cinco seis siete ochenta") == []
    page = client_for(supervisor).get(
        "/history/", {"q": "uno dos tres cuatro cinco seis siete ocho nueve"}
    )
    assert "Search for at most 8 words at once" in page.content.decode()
    assert len(page.context["page"]) == 0


def test_words_beside_a_whole_handle_have_to_fit_too(found):
    upload = make_upload(label="wanted")

    assert found(f"{upload.handle} wanted") == ["wanted"]
    assert found(f"{upload.handle} nothingsuch") == []


def test_every_word_has_to_be_found_somewhere(found):
    connector = make_connector(name="Ventas")
    make_upload(connector, label="verano ventas")
    make_upload(connector, label="invierno")

    assert found("ventas invierno") == ["invierno"]
    assert found("ventas primavera") == []


def test_a_handle_is_found_whole_and_by_its_beginning_or_end(found):
    upload = make_upload(label="wanted")
    for _ in range(3):
        make_upload(label="other")
    parts = upload.handle.split(":")

    for typed in (
        upload.handle,
        upload.handle.lower(),
        upload.handle[:70],
        upload.handle[20:44],
        parts[-1],
        ":".join(parts[-3:]),
        f"{upload.handle} {make_upload(label='other').handle}",  # as browsers show two lines
        f"{upload.handle}{upload.handle}",
    ):
        assert found(typed) == ["wanted"], typed


def test_every_line_of_a_handle_is_found(found):
    first, second = make_upload(label="wanted").handle, make_upload(label="other").handle
    make_upload(label="both", handle=f"{first}\n{second[:30]}XYZ{second[33:]}-end0")

    assert found(f"{second[:30]}XYZ{second[33:]}-end0") == ["both"]
    assert found(f"{second[25:30]}XYZ{second[33:60]}") == ["both"]


@pytest.mark.parametrize("around", ['"{}"', '"{}",', "{}…"])
def test_a_handle_is_found_as_it_is_copied_from_json_or_from_a_list(found, around):
    upload = make_upload(label="wanted")
    make_upload(label="other")

    assert found(around.format(upload.handle)) == ["wanted"]
    assert found(around.format(upload.handle[:40])) == ["wanted"]


def test_a_connector_is_found_as_lists_show_it(found):
    connector = make_connector(name="WhatsApp Ventas", connector_id="1366")
    make_upload(connector, label="wanted")
    make_upload(label="other")

    assert found(str(connector)) == ["wanted"]
    assert found("(1366)") == ["wanted"]


def test_a_batch_and_an_upload_are_found_by_the_address_of_their_page(found):
    upload = make_upload(label="wanted")
    make_upload(label="other")

    for page in (upload, upload.batch):
        assert found(f"https://media.example.org{page.get_absolute_url()}") == ["wanted"]


def test_what_every_handle_begins_with_finds_no_handles(found):
    make_upload(label="any")

    assert found("4::") == []


def test_a_batch_is_found_by_its_code_or_a_part_of_it(found):
    batch = make_batch()
    make_upload(batch=batch, label="one")
    make_upload(label="other")
    code = str(batch.code)

    for typed in (code, code.upper(), batch.code.hex, code[:8], code[-12:], code[5:20]):
        assert found(typed) == ["one"], typed


def test_an_upload_is_found_by_its_code(found):
    upload = make_upload(label="wanted")
    make_upload(label="other")

    assert found(str(upload.code)) == ["wanted"]


@pytest.mark.parametrize("typed", ["%", "_", "%%%", "___", "*", '"', '""', "'", "\\", "a*", "???"])
def test_wildcards_stand_for_themselves(typed, found):
    make_upload(label="plain")
    marked = make_upload(label=f"marked {typed}")

    assert found(typed) == [marked.label]


def test_one_and_two_letters_find_too(found):
    make_upload(label="zq", file_url="https://storage.googleapis.com/wvox-demo/1.png")
    make_upload(label="x", file_url="https://storage.googleapis.com/wvox-demo/2.png")

    assert found("zq") == ["zq"]
    assert found("z") == ["zq"]


def test_short_words_look_at_the_newest_uploads_and_the_page_says_so(
    supervisor, client_for, monkeypatch
):
    monkeypatch.setattr(selection, "WALK", 3)
    for number in range(5):
        make_upload(label=f"q{number}", created_at=timezone.now() - number * HOUR)

    response = client_for(supervisor).get("/history/", {"q": "q4"})

    assert len(response.context["page"]) == 0
    assert "three letters or digits in a row" in response.content.decode()


@pytest.mark.parametrize("few", [100, 1])
def test_a_frequent_term_is_found_far_back_as_well(few, monkeypatch):
    """Whether those that match are few, or too many to be read and not among the newest."""
    monkeypatch.setattr(search.terms, "FEW", few)
    monkeypatch.setattr(selection, "WALK", 3)
    now = timezone.now()
    batch = make_batch()
    for number in range(4):
        make_upload(batch=batch, label=f"navidad {number}", created_at=now - (9 - number) * HOUR)
        make_upload(batch=batch, label=f"other {number}", created_at=now - number * HOUR)

    assert labels_of(filters_of("navidad"), 3) == ["navidad 3", "navidad 2", "navidad 1"]
    assert labels_of(filters_of("navidad"), 9)[-1] == "navidad 0"


@pytest.mark.parametrize("few", [100, 1])
@pytest.mark.parametrize("oldest_first", [False, True])
def test_every_way_to_search_gives_the_same_pages(few, oldest_first, monkeypatch):
    monkeypatch.setattr(search.terms, "FEW", few)
    now = timezone.now()
    connector = make_connector(name="Ventas")
    for number in range(9):
        same_instant = now - (number // 2) * HOUR
        make_upload(connector, label=f"zafiro {number}", created_at=same_instant)
        make_upload(label="other", created_at=same_instant)
    wanted = list(
        Upload.objects.filter(label__startswith="zafiro")
        .order_by(*Way(1, oldest_first=oldest_first).order)
        .values_list("created_at", "pk")
    )

    for typed in ("zafiro", "ventas", "zafiro ventas"):
        chosen = filters_of(typed)
        pages, beyond = [], None
        while page := chosen.take(Way(4, beyond=beyond, oldest_first=oldest_first)):
            pages += page
            beyond = page[-1]
        assert pages == wanted, typed


def test_the_search_goes_with_every_filter(found):
    connector = make_connector()
    make_upload(connector, label="zafiro failed", status=Status.FAILED)
    make_upload(connector, label="zafiro ready")
    make_upload(label="zafiro elsewhere", status=Status.FAILED)

    assert found("zafiro", state="failed", connector=connector.code) == ["zafiro failed"]


def test_marketing_finds_in_the_own_connectors_only(marketing, stranger):
    mine = make_upload(make_connector(name="Ventas Sur"), label="promo")
    foreign = make_upload(make_connector(name="Ventas Norte", groups=[]), label="promo")

    for typed in ("promo", "ventas", str(mine.batch.code), str(foreign.batch.code), foreign.handle):
        keys = [key for _at, key in filters(marketing, q=typed).selection.take(Way(10))]
        assert foreign.pk not in keys
        assert filters(stranger, q=typed).selection.take(Way(10)) == []


def test_what_is_counted_is_exact_up_to_a_cap(monkeypatch, supervisor):
    monkeypatch.setattr(selection, "COUNTED", 3)
    for _ in range(3):
        make_upload(label="promo")

    assert filters(supervisor, q="promo").selection.count == Count(3, is_exact=True)
    assert filters(supervisor).selection.count == Count(3, is_exact=True)

    make_upload(label="another")

    assert filters(supervisor).selection.count == Count(3, is_exact=False)


def test_the_texts_follow_the_upload_in_the_same_transaction(found):
    upload = make_upload(label="before")
    upload.label = "after"
    upload.save()
    UploadText.objects.write([upload])

    assert found("after") == ["after"]
    assert found("before") == []

    upload.delete()

    assert found("after") == []
    assert index.keys("upload_words", ["after"], limit=5) == []


@pytest.mark.parametrize("typed", ["navidad", "navidad ventas", "77123", "abc12345", "a"])
def test_a_search_scans_no_table(typed):
    connector = make_connector(name="Ventas", connector_id="77123")
    make_upload(connector, label="navidad")
    ready = Upload.objects.filter(status=Status.READY)
    way = Way(51, beyond=(timezone.now(), 10**9))
    connectors = list(Connector.objects.select_related("operation"))  # few, and read whole

    with recorded() as statements:
        searched = search_for(typed, connectors=connectors)
        Selection([ready], searched).take(way)
        selection._walk(way.along(ready)[:50], searched, limit=51)
        if (matches := searched.matches()) is not None:
            selection._sorted(ready, matches, searched, way)

    assert statements
    for sql, parameters in statements:
        assert_no_scan(sql, parameters)


def test_the_look_at_plans_notices_a_scan():
    with pytest.raises(AssertionError):
        assert_no_scan("SELECT id FROM media_assets_upload WHERE label LIKE '%%navidad%%'", [])


@pytest.mark.parametrize("typed", ["%00", "a%00b", "zq"])
def test_what_cannot_be_there_is_found_nowhere(typed, supervisor, client_for):
    make_upload(label="zq")

    response = client_for(supervisor).get("/history/", {"q": typed, "campaign": "no such campaign"})
    alone = client_for(supervisor).get("/history/", {"q": typed})

    assert len(response.context["page"]) == 0
    assert len(alone.context["page"]) == (1 if typed == "zq" else 0)


@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_of_a_search_over_several_parts_leave_nothing_out(oldest_first, monkeypatch):
    """What fits lies near in one part, and beyond the end of the walk in the other."""
    monkeypatch.setattr(search.terms, "FEW", 2)
    monkeypatch.setattr(selection, "WALK", 8)
    now = timezone.now()
    sparse, dense = make_connector(name="Ventas"), make_connector(name="Cobranza")
    for number in range(12):
        age = number * HOUR if not oldest_first else (40 - number) * HOUR
        make_upload(dense, label="zafiro" if number >= 6 else "other", created_at=now - age)
    for number in range(8):
        make_upload(sparse, label="zafiro", created_at=now - (20 + number) * HOUR)
    wanted = list(
        Upload.objects.filter(label="zafiro")
        .order_by(*Way(1, oldest_first=oldest_first).order)
        .values_list("created_at", "pk")
    )
    parts = [Upload.objects.filter(connector=each) for each in (sparse, dense)]

    chosen = Selection(parts, filters_of("zafiro").search)
    pages, beyond = [], None
    while page := chosen.take(Way(3, beyond=beyond, oldest_first=oldest_first)):
        pages += page
        beyond = page[-1]

    assert pages == wanted


@pytest.mark.parametrize("who", ["supervisor", "marketing"])
def test_a_short_search_means_the_same_uploads_in_the_list_and_for_all(request, who, monkeypatch):
    monkeypatch.setattr(selection, "WALK", 4)
    person = request.getfixturevalue(who)
    connectors = [make_connector(name=name) for name in ("Uno", "Dos")]
    for number in range(12):
        at = timezone.now() - number * HOUR
        make_upload(connectors[number % 2], label=f"zq {number}", created_at=at)

    chosen = filters(person, q="zq")

    listed = [key for _at, key in chosen.selection.take(Way(100))]
    assert set(chosen.rows.values_list("pk", flat=True)) == set(listed)
    assert len(listed) == 4
    assert chosen.selection.is_partial


def test_a_short_search_finds_the_newest_where_many_are_of_one_instant(supervisor, monkeypatch):
    monkeypatch.setattr(selection, "WALK", 3)
    now = timezone.now()
    for number in range(5):
        make_upload(label=f"zq {number}", created_at=now)

    chosen = filters(supervisor, q="zq")

    labels = [upload.label for upload in chosen.rows.newest_first()]
    assert labels == ["zq 4", "zq 3", "zq 2"]
    assert [key for _at, key in chosen.selection.take(Way(100))] == [
        upload.pk for upload in chosen.rows.newest_first()
    ]


def test_a_short_search_says_that_it_is_cut_only_where_it_is(supervisor, monkeypatch):
    monkeypatch.setattr(selection, "WALK", 2)
    connector = make_connector()
    for number in range(2):
        make_upload(connector, label=f"zq {number}")
    assert not filters(supervisor, q="zq").selection.is_partial

    make_upload(connector, label="zq 3")
    assert filters(supervisor, q="zq").selection.is_partial


def test_all_that_match_a_frequent_word_are_looked_up_and_not_compared(supervisor, monkeypatch):
    monkeypatch.setattr(search.terms, "FEW", 2)
    for number in range(6):
        make_upload(label=f"zafiro {'rubicelle' if number % 2 else 'topacio'}")
    rows = filters(supervisor, q="zafiro rubicelle").rows

    assert rows.count() == 3
    assert "upload_words" in str(rows.query) or connection.vendor == "postgresql"


def test_a_blank_campaign_is_no_filter(found):
    make_upload(label="without")
    make_upload(label="with", batch=make_batch(campaign="Julio"))

    assert set(found("", campaign=" ")) == {"without", "with"}
