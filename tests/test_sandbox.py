"""The sandbox keeps to wolkvox's documents, and breaks only when asked to."""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from media_assets.wolkvox.sandbox import Sandbox, state
from media_assets.wolkvox.sandbox.faults import FAULTS
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent
TOKEN = "7f" * 26
OTHER_TOKEN = "3a" * 26
WHATSAPP = "1266"
WEB_CHAT = "1268"
LINE = re.compile(
    r"4:(?P<name>[A-Za-z0-9+/=]*):(?P<mime>[A-Za-z0-9+/=]+):[\w-]{100,120}:e:(?P<expires>\d{10})"
    r":\d{15}:\d{15}:[\w-]{19}"
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(operations={"0042": TOKEN, "0077": OTHER_TOKEN}) as running:
        yield running


def fetch(
    box: Sandbox,
    path: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    sent = {"Content-Type": "application/json"} if body is not None else {}
    with closing(http.client.HTTPConnection("127.0.0.1", box.port, timeout=PATIENCE)) as connection:
        encoded = None if body is None else json.dumps(body)
        connection.request(method, path, encoded, {**sent, **(headers or {})})
        with connection.getresponse() as answer:
            return answer.status, answer.headers, answer.read()


def call(
    box: Sandbox,
    api: str,
    *,
    body: Any = None,
    method: str = "POST",
    module: str = "whatsapp.php",
    server: str = "0042",
    token: str | None = TOKEN,
) -> tuple[int, Any]:
    headers = {} if token is None else {"wolkvox-token": token}
    path = f"/wv{server}/api/v2/{module}?api={api}"
    status, _, answer = fetch(box, path, method=method, body=body, headers=headers)
    return status, json.loads(answer)


def upload(box: Sandbox, name: str = "promo-julio.jpg", **options: Any) -> tuple[int, Any]:
    body = {"connector_id": WHATSAPP, "file_url": box.storage_url(name)}
    return call(box, "upload_media", body=body, **options)


def information(box: Sandbox, api: str) -> tuple[int, Any]:
    return call(box, api, method="GET", module="information.php")


def raw_upload(box: Sandbox, name: str) -> socket.socket:
    """A connection on which an upload of `name` has been sent and nothing been read."""
    body = json.dumps({"connector_id": WHATSAPP, "file_url": box.storage_url(name)}).encode()
    head = (
        "POST /wv0042/api/v2/whatsapp.php?api=upload_media HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"wolkvox-token: {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", box.port), timeout=PATIENCE)
    connection.sendall(head.encode() + body)
    return connection


def read_all(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def template(handle: Any, **changes: Any) -> dict[str, Any]:
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": handle}}
    return {
        "connector_id": WHATSAPP,
        "name": "lanzamiento_julio",
        "language": "es_CO",
        "category": "MARKETING",
        "components": [header, {"type": "BODY", "text": "Hola, ya llegó la nueva línea."}],
        **changes,
    }


def new_handle(box: Sandbox, name: str = "promo-julio.jpg") -> str:
    handle = upload(box, name)[1]["data"]["handle"]
    assert isinstance(handle, str)
    return handle


def test_an_upload_answers_as_documented(box):
    status, answer = upload(box)
    handle = answer["data"].pop("handle")
    assert status == 200
    assert answer == {
        "code": "200",
        "error": None,
        "msg": "Media uploaded successfully",
        "data": {"0": "media_uploaded_successfully"},
    }
    assert handle.startswith("4:")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_vendors_curl_example_runs_unchanged_but_for_its_values(box):
    file_url = box.storage_url("lanzamiento.jpg")
    answer = subprocess.run(
        [
            *("curl", "--silent", "--location", "--globoff"),
            f"{box.origin}/wv0042/api/v2/whatsapp.php?api=upload_media",
            *("--header", f"wolkvox-token: {TOKEN}"),
            *("--header", "Content-Type: application/json"),
            "--data",
            f'{{\n"connector_id": "{WHATSAPP}",\n"file_url": "{file_url}"\n}}',
        ],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    ).stdout
    assert json.loads(answer)["data"]["handle"].startswith("4:")


def test_the_base_url_is_a_pattern_for_the_server(box):
    assert box.base_url == f"http://127.0.0.1:{box.port}/wv{{server}}/api/v2/"


def test_an_unknown_api_answers_400(box):
    status, answer = call(box, "upload_medio", body={})
    assert (status, str(answer["code"]), answer["error"]) == (400, "400", "BAD REQUEST")
    assert answer["msg"] == "THE API YOU WANT TO CONSULT DOES NOT EXIST"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        {"connector_id": "", "file_url": ""},
        {"connector_id": WHATSAPP},
        {"connector_id": 1266, "file_url": "https://a.example/x.jpg"},
    ],
)
def test_missing_parameters_answer_400(box, body):
    status, answer = call(box, "upload_media", body=body)
    assert (status, answer["msg"]) == (400, "SOME PARAMETERS ARE REQUIRED")


def test_the_wrong_method_answers_405(box):
    assert call(box, "upload_media", method="GET")[0] == 405
    assert call(box, "list_templates", body={"connector_id": WHATSAPP})[0] == 405


@pytest.mark.parametrize("connector_id", ["9999", WEB_CHAT])
def test_a_connector_that_is_unknown_or_no_whatsapp_line_is_refused(box, connector_id):
    body = {"connector_id": connector_id, "file_url": box.storage_url("promo-julio.jpg")}
    assert call(box, "upload_media", body=body)[0] == 400


@pytest.mark.parametrize("name", ["restringido.jpg", "no-existe.jpg"])
def test_a_restricted_or_missing_file_is_refused(box, name):
    status, answer = upload(box, name)
    assert (status, answer["error"]) == (400, "BAD REQUEST")


def test_a_public_url_elsewhere_is_accepted_but_only_over_https(box):
    body = {"connector_id": WHATSAPP, "file_url": "https://storage.example/wvox-0042/a.mp4"}
    assert call(box, "upload_media", body=body)[0] == 200
    body["file_url"] = "http://storage.example/wvox-0042/a.mp4"
    assert call(box, "upload_media", body=body)[0] == 400


def test_code_is_text_in_some_answers_and_a_number_in_others(box):
    assert upload(box)[1]["code"] == "200"
    assert information(box, "connectors")[1]["code"] == 200


def test_each_operation_has_two_whatsapp_lines_a_web_chat_and_facebook(box):
    connectors = information(box, "connectors")[1]["data"]
    assert [item["channel"] for item in connectors] == [
        "whatsapp",
        "whatsapp",
        "chat-web",
        "facebook",
    ]
    assert set(connectors[0]) == {"connector_id", "rp_id", "name", "channel"}
    assert connectors[0]["connector_id"] == WHATSAPP
    assert box.operations["0077"].connectors[0]["connector_id"] != WHATSAPP


def test_services_says_what_is_licensed(box):
    assert information(box, "services")[1]["data"]["wolkvox_storage"] == "true"


def test_token_info_costs_one_use_itself(box):
    box.operations["0042"].daily_limit = 10
    upload(box)
    data = information(box, "token_info")[1]["data"]
    assert (data["token_limit"], data["token_use_today"]) == ("10", "2")
    assert data["available_consumption_options"] == "8"


@pytest.mark.parametrize(
    ("api", "category"),
    [("create_template", "MARKETING"), ("create_utility_template", "UTILITY")],
)
def test_a_template_with_an_issued_handle_is_pending(box, api, category):
    body = template(new_handle(box, "multiline.jpg"), category=category)
    status, answer = call(box, api, body=body)
    assert status == 200
    assert answer["data"]["template_id"]
    assert (answer["data"]["name"], answer["data"]["status"]) == ("lanzamiento_julio", "PENDING")


@pytest.mark.parametrize(
    "header_handle",
    ["", None, "https://storage.example/a.jpg", "4::aW1hZ2UvcG5n:ARx:e:1681237341:1:2:ARa", 4],
)
def test_what_is_no_issued_handle_is_refused(box, header_handle):
    assert call(box, "create_template", body=template(header_handle))[0] == 400


def test_a_list_of_one_handle_is_refused_with_a_sentence(box):
    status, answer = call(box, "create_template", body=template([new_handle(box)]))
    assert status == 400
    assert "plain string" in answer["msg"]


def test_a_handle_of_another_operation_or_a_changed_one_is_refused(box):
    handle = new_handle(box)
    other = template(handle, connector_id=box.operations["0077"].connectors[0]["connector_id"])
    status, _ = call(box, "create_template", body=other, server="0077", token=OTHER_TOKEN)
    assert status == 400
    assert call(box, "create_template", body=template(handle[:-1]))[0] == 400
    assert call(box, "create_template", body=template(handle.lower()))[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Lanzamiento"},
        {"name": "con espacio"},
        {"language": "español"},
        {"category": "UTILITY"},
        {"components": []},
        {"components": "BODY"},
        {"components": [{"type": "FOOTER", "text": "Responde BAJA"}]},
        {"components": [{"type": "BODY", "text": ""}]},
        {"components": [{"type": "OTRO"}]},
    ],
)
def test_a_malformed_template_is_refused(box, changes):
    assert call(box, "create_template", body=template(new_handle(box), **changes))[0] == 400


def test_a_template_name_is_unique_in_the_operation(box):
    body = template(new_handle(box))
    assert call(box, "create_template", body=body)[0] == 200
    assert call(box, "create_template", body=body)[0] == 400


def test_templates_are_listed_by_a_get_with_a_body_and_show_urls(box):
    call(box, "create_template", body=template(new_handle(box)))
    status, answer = call(box, "list_templates", method="GET", body={"connector_id": WHATSAPP})
    (listed,) = answer["data"]["meta_templates"]
    assert status == 200
    assert set(listed) >= {"name", "language", "status", "category", "components", "id"}
    (url,) = listed["components"][0]["example"]["header_handle"]
    assert url.startswith("https://")


def test_a_missing_token_answers_401(box):
    status, answer = upload(box, token=None)
    assert (status, answer["error"]) == (401, "UNAUTHORIZED")
    assert answer["msg"] == "PLEASE ENTER THE WOLKVOX-TOKEN"


def test_a_wrong_token_or_that_of_another_operation_answers_403(box):
    for token in ("0" * 52, OTHER_TOKEN):
        status, answer = upload(box, token=token)
        assert (status, answer["msg"]) == (403, "PLEASE VALIDATE TOKEN")


def test_the_third_simultaneous_call_answers_403(box):
    box.latency = 0.4
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: upload(box), range(3)))
    refused = [answer for status, answer in answers if status == 403]
    assert [status for status, _ in answers].count(200) == 2
    assert [answer["msg"] for answer in refused] == [
        "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)"
    ]
    assert box.ledger.max_in_flight(TOKEN) == 3


def test_one_call_after_the_other_is_never_seen_as_two(box):
    for _ in range(50):
        upload(box)
    assert box.ledger.max_in_flight(TOKEN) == 1


def test_the_daily_limit_answers_403(box):
    box.operations["0042"].daily_limit = 1
    assert upload(box)[0] == 200
    status, answer = upload(box)
    assert (status, answer["msg"]) == (403, "TOKEN LIMIT EXCEEDED")


def test_a_token_can_be_changed_while_running(box):
    box.operations["0042"].token = "ab" * 26
    assert upload(box)[0] == 403
    assert upload(box, token="ab" * 26)[0] == 200


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("promo-julio.jpg", "image/jpeg"),
        ("banner-tienda.png", "image/png"),
        ("demo-producto.mp4", "video/mp4"),
        ("catalogo-2026.pdf", "application/pdf"),
    ],
)
def test_a_handle_has_nine_fields_and_four_days(box, name, mime_type):
    handle = new_handle(box, name)
    fields = LINE.fullmatch(handle)
    assert fields is not None
    assert 191 <= len(handle) <= 236
    assert handle.count(":") == 8
    assert base64.b64decode(fields["mime"]).decode() == mime_type
    assert int(fields["expires"]) - time.time() == pytest.approx(345_600, abs=5)
    assert fields["name"] == ""


def test_a_handle_can_have_three_lines(box):
    lines = new_handle(box, "multiline.jpg").split("\n")
    assert len(set(lines)) == 3
    assert all(LINE.fullmatch(line) and 191 <= len(line) <= 236 for line in lines)


def test_a_handle_can_carry_the_files_name(box):
    handle = new_handle(box, "con-nombre.pdf")
    fields = LINE.fullmatch(handle)
    assert fields is not None
    assert base64.b64decode(fields["name"]) == b"con-nombre.pdf"
    assert len(handle) <= 236


def test_two_uploads_of_one_file_make_two_handles(box):
    assert new_handle(box) != new_handle(box)


def test_the_lifetime_of_handles_is_an_option():
    with Sandbox(operations={"0042": TOKEN}, handle_lifetime=60) as box:
        assert int(new_handle(box).split(":")[5]) - time.time() == pytest.approx(60, abs=5)


def path_of(name: str) -> str:
    return f"/storage/wvox-0042/{name}"


@pytest.mark.parametrize(
    ("name", "content_type", "magic"),
    [
        ("promo-julio.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("lanzamiento.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("banner-tienda.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("demo-producto.mp4", "video/mp4", b"ftyp"),
        ("catalogo-2026.pdf", "application/pdf", b"%PDF-"),
        ("muestra-001.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("muestra-500.pdf", "application/pdf", b"%PDF-"),
        ("campa%C3%B1a/foto%20de%20la%20tienda.png", "image/png", b"\x89PNG"),
        ("fault-429-2x-foto.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("disfrazado.jpg", "image/jpeg", b"\x89PNG"),
        ("disfrazado-html.jpg", "image/jpeg", b"<!doctype html>"),
    ],
)
def test_samples_are_served_as_what_they_are(box, name, content_type, magic):
    status, headers, body = fetch(box, path_of(name))
    assert status == 200
    assert headers["Content-Type"] == content_type
    assert int(headers["Content-Length"]) == len(body)
    assert magic in body[:16]


def test_a_storage_url_is_percent_encoded_and_belongs_to_the_first_operation(box):
    encoded = f"{box.origin}/storage/wvox-0042/foto%20de%20la%20tienda.jpg"
    assert box.storage_url("foto de la tienda.jpg") == encoded
    assert "/wvox-0077/" in box.storage_url("a.jpg", server="0077")


@pytest.mark.parametrize(
    ("name", "status"),
    [("restringido.jpg", 403), ("nada.jpg", 404), ("muestra-501.jpg", 404), ("../a.jpg", 404)],
)
def test_files_that_are_not_public_or_not_there(box, name, status):
    assert fetch(box, path_of(name))[0] == status


def test_the_storage_of_an_unknown_operation_does_not_exist(box):
    assert fetch(box, "/storage/wvox-9999/promo-julio.jpg")[0] == 404


@pytest.mark.parametrize(
    ("asked", "span"), [("bytes=0-9", (0, 10)), ("bytes=5-", (5, None)), ("bytes=-7", (-7, None))]
)
def test_a_range_of_a_file_answers_206(box, asked, span):
    whole = fetch(box, path_of("promo-julio.jpg"))[2]
    status, headers, part = fetch(box, path_of("promo-julio.jpg"), headers={"Range": asked})
    assert (status, part) == (206, whole[slice(*span)])
    assert headers["Content-Range"].endswith(f"/{len(whole)}")
    assert headers["Accept-Ranges"] == "bytes"


def test_a_range_beyond_the_file_answers_416(box):
    status, headers, _ = fetch(
        box, path_of("promo-julio.jpg"), headers={"Range": "bytes=99999999-"}
    )
    assert status == 416
    assert headers["Content-Range"].startswith("bytes */")


def test_head_tells_the_size_without_the_bytes(box):
    status, headers, body = fetch(box, path_of("demasiado-grande.jpg"), method="HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(6 * 1024 * 1024)


def test_the_file_that_is_too_big_really_is(box):
    _, _, body = fetch(box, path_of("demasiado-grande.jpg"))
    assert len(body) == 6 * 1024 * 1024
    assert body.startswith(b"\xff\xd8\xff")


def test_a_test_can_put_its_own_file(box):
    box.storage.add("propio.jpg", body=b"\xff\xd8\xff", size=10)
    box.storage.add("oculto.jpg", body=b"", public=False)
    assert fetch(box, path_of("propio.jpg"))[2] == b"\xff\xd8\xff" + bytes(7)
    assert upload(box, "propio.jpg")[0] == 200
    assert upload(box, "oculto.jpg")[0] == 400


def test_without_samples_the_storage_is_empty():
    with Sandbox(operations={"0042": TOKEN}, samples=False) as box:
        assert fetch(box, path_of("promo-julio.jpg"))[0] == 404


def test_pictures_may_be_embedded_and_nothing_is_shared_by_cors(box):
    _, headers, _ = fetch(box, path_of("promo-julio.jpg"), headers={"Origin": "https://a.example"})
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    for path in (path_of("promo-julio.jpg"), "/", "/ledger", "/faults"):
        assert not [name for name in fetch(box, path)[1] if "access-control" in name.lower()]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("redirect-301", 301),
        ("redirect-302", 302),
        ("redirect-303", 303),
        ("redirect-307", 307),
        ("redirect-308", 308),
        ("html-200", 200),
        ("html-502", 502),
        ("json-500", 500),
        ("503-retry-after", 503),
        ("429", 429),
        ("403-simultaneous", 403),
        ("403-daily", 403),
        ("403-token", 403),
        ("403-maintenance", 403),
        ("403-unknown", 403),
        ("401", 401),
        ("400", 400),
        ("404", 404),
        ("code-400", 200),
        ("handle-empty", 200),
        ("handle-missing", 200),
        ("handle-null", 200),
        ("handle-number", 200),
        ("handle-url", 200),
        ("handle-20k", 200),
        ("data-list", 200),
        ("data-empty-list", 200),
        ("data-null", 200),
        ("not-json", 200),
        ("bom", 200),
        ("nan", 200),
        ("deep", 200),
        ("msg-token", 400),
        ("msg-script", 400),
        ("msg-lines", 400),
        ("msg-1mb", 400),
        ("same-handle", 200),
        ("empty", 200),
        ("many-headers", 200),
    ],
)
def test_a_files_name_chooses_the_fault(box, name, status):
    answer = read_all_closing(raw_upload(box, f"fault-{name}.jpg"))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert box.ledger.calls[-1].outcome == name


def read_all_closing(connection: socket.socket) -> bytes:
    """What is sent on a kept-open connection; our side says first that nothing else will come."""
    connection.shutdown(socket.SHUT_WR)
    return read_all(connection)


def test_every_fault_has_a_sentence_and_is_listed(box):
    listed = json.loads(fetch(box, "/faults")[2])["faults"]
    assert set(listed) == set(FAULTS)
    assert all(listed.values())


@pytest.mark.parametrize("name", ["reset-before", "reset-after"])
def test_a_reset_is_seen_as_a_reset(box, name):
    box.faults.set(name, times=1)
    with raw_upload(box, "promo-julio.jpg") as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert (box.ledger.calls[-1].file_url is None) == (name == "reset-before")
    assert upload(box)[0] == 200


def test_no_answer_lasts_until_the_client_gives_up(box):
    with raw_upload(box, "fault-no-answer.jpg") as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    wait_until(lambda: box.ledger.in_flight(TOKEN) == 0)


def test_slow_answers_after_so_many_seconds(box):
    started = time.monotonic()
    assert upload(box, "fault-slow-0.2.jpg")[0] == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("name", ["drip-headers", "drip-body"])
def test_a_drip_comes_byte_by_byte(box, name):
    with raw_upload(box, f"fault-{name}.jpg") as connection:
        time.sleep(0.8)
        received = connection.recv(65_536)
    body = received.partition(b"\r\n\r\n")[2]
    assert len(body if name == "drip-body" else received) in (1, 2)
    assert received.startswith(b"H")


def test_a_truncated_answer_is_shorter_than_it_says(box):
    with pytest.raises(http.client.IncompleteRead):
        upload(box, "fault-truncated.jpg")


@pytest.mark.parametrize("name", ["endless", "huge"])
def test_an_endless_or_huge_body_goes_on_while_it_is_read(box, name):
    received = 0
    with raw_upload(box, f"fault-{name}.jpg") as connection:
        while received < 1_000_000:
            received += len(connection.recv(65_536))
    wait_until(lambda: box.ledger.in_flight(TOKEN) == 0)


def test_a_gzip_bomb_is_small_on_the_way_and_big_when_opened(box):
    with raw_upload(box, "fault-gzip-bomb.jpg") as connection:
        received = connection.recv(65_536)
        while len(received) < 20_000:
            received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(zlib.decompressobj(wbits=31).decompress(body)) > 500 * len(body)


def test_a_redirect_points_to_another_host(box):
    box.faults.redirect_to = "http://127.0.0.2:9/x"
    answer = read_all_closing(raw_upload(box, "fault-redirect-307.jpg"))
    assert b"\r\nLocation: http://127.0.0.2:9/x\r\n" in answer


def test_the_message_can_repeat_the_token(box):
    assert TOKEN in upload(box, "fault-msg-token.jpg")[1]["msg"]


def test_the_same_handle_comes_for_two_files(box):
    first = upload(box, "fault-same-handle-a.jpg")[1]["data"]["handle"]
    assert upload(box, "fault-same-handle-b.png")[1]["data"]["handle"] == first


def test_a_fault_can_end_after_a_number_of_calls_for_one_url(box):
    assert [upload(box, "fault-429-2x-foto.jpg")[0] for _ in range(4)] == [429, 429, 200, 200]
    assert upload(box, "fault-429-2x-otra.jpg")[0] == 429


def test_a_misspelt_fault_says_so(box):
    status, answer = upload(box, "fault-429x.jpg")
    assert status == 400
    assert "fault-429x.jpg" in answer["msg"]
    with pytest.raises(ValueError, match="No fault is called 'nada'"):
        box.faults.set("nada")


def test_a_fault_can_be_set_for_an_api_and_a_server(box):
    box.faults.set("429", api="connectors")
    assert upload(box)[0] == 200
    assert information(box, "connectors")[0] == 429
    box.faults.clear()
    box.faults.set("slow-0.1", times=1, server="0077")
    upload(box)
    assert box.ledger.calls[-1].fault is None


def test_a_fault_can_be_set_for_the_storage(box):
    box.faults.set("redirect-302", api="storage", times=1)
    assert fetch(box, path_of("promo-julio.jpg"))[0] == 302
    assert fetch(box, path_of("promo-julio.jpg"))[0] == 200


def test_faults_are_set_and_cleared_over_http(box):
    status, _, _ = fetch(box, "/faults", method="POST", body={"fault": "json-500", "times": None})
    assert (status, upload(box)[0]) == (200, 500)
    assert fetch(box, "/faults", method="DELETE")[0] == 200
    assert upload(box)[0] == 200
    assert fetch(box, "/faults", method="POST", body={"fault": "nada"})[0] == 400


def test_a_refused_token_stays_refused_whatever_fault_is_set(box):
    box.faults.set("html-200")
    assert upload(box, token="0" * 52)[0] == 403


def test_the_ledger_tells_what_arrived(box):
    upload(box)
    (entry,) = box.ledger.calls
    assert (entry.api, entry.server, entry.connector_id) == ("upload_media", "0042", WHATSAPP)
    assert entry.file_url == box.storage_url("promo-julio.jpg")
    assert (entry.http_status, entry.fault, entry.outcome) == (200, None, "200")
    assert entry.ended is not None
    assert entry.ended >= entry.arrived
    assert entry.ended_at == pytest.approx(time.time(), abs=5)


def test_the_ledger_masks_tokens_everywhere(box):
    upload(box)
    upload(box, token="0" * 52)
    text = fetch(box, "/ledger")[2].decode()
    for token in (TOKEN, OTHER_TOKEN, "0" * 52):
        assert token not in text + repr(box.ledger.calls)
        assert token[-4:] not in [entry.token[-4:] for entry in box.ledger.calls]
    shown = json.loads(text)
    assert shown["max_in_flight"][shown["tokens"]["0042"]] == 1
    assert shown["counts"] == {"200": 1, "403": 1}


def test_the_ledger_forgets_when_asked(box):
    upload(box)
    box.ledger.clear()
    assert box.ledger.calls == []
    assert box.ledger.max_in_flight(TOKEN) == 0


@pytest.mark.parametrize("phase", ["connected", "received", "half-answered", "answered"])
def test_a_call_can_be_held_at_each_phase(box, phase):
    box.hold(phase)
    with raw_upload(box, "promo-julio.jpg") as connection:
        held = box.wait_for(phase)
        assert (held.ended is None) == (phase != "answered")
        assert (held.file_url is None) == (phase == "connected")
        box.release(phase)
        connection.shutdown(socket.SHUT_WR)
        assert b"media_uploaded_successfully" in read_all(connection)


def test_half_an_answer_is_half_of_it(box):
    box.hold("half-answered")
    with raw_upload(box, "promo-julio.jpg") as connection:
        box.wait_for("half-answered")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_a_held_call_keeps_its_slot_after_its_client_is_gone(box):
    box.hold("received")
    raw_upload(box, "promo-julio.jpg").close()
    box.wait_for("received")
    assert box.ledger.in_flight(TOKEN) == 1
    box.release("received")
    wait_until(lambda: box.ledger.in_flight(TOKEN) == 0)


def test_waiting_for_a_call_that_does_not_come_times_out(box):
    box.hold("received")
    with pytest.raises(TimeoutError):
        box.wait_for("received", timeout=0.05)
    with pytest.raises(ValueError, match="half-answered"):
        box.hold("later")


def test_phases_are_set_over_http(box):
    assert fetch(box, "/phases", method="POST", body={"hold": "received"})[0] == 200
    with raw_upload(box, "promo-julio.jpg"):
        box.wait_for("received")
        assert json.loads(fetch(box, "/phases")[2])["received"] == {"held": True, "waiting": 1}
        assert fetch(box, "/phases", method="POST", body={"release": "received"})[0] == 200
    assert fetch(box, "/phases", method="POST", body={"hold": "later"})[0] == 400


def test_the_first_page_labels_itself_and_lists_what_to_copy(box):
    status, headers, body = fetch(box, "/")
    page = body.decode()
    assert status == 200
    assert "SANDBOX — imitation of wolkvox" in page
    for text in (TOKEN, "0077", WHATSAPP, box.storage_url("promo-julio.jpg"), "fault-429.jpg"):
        assert text in page
    assert "<script" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_page_with_tokens_answers_to_this_machines_names_only(box):
    assert fetch(box, "/", headers={"Host": f"localhost:{box.port}"})[0] == 200
    for host in ("evil.example", "127.0.0.1.evil.example", f"evil.example:{box.port}"):
        assert fetch(box, "/", headers={"Host": host})[0] == 403


def test_a_form_of_another_site_cannot_set_faults(box):
    plain = {"Content-Type": "text/plain"}
    status, _, _ = fetch(box, "/faults", method="POST", body={"fault": "429"}, headers=plain)
    assert status == 400
    assert upload(box)[0] == 200


def test_what_is_no_http_is_refused(box):
    with socket.create_connection(("127.0.0.1", box.port), timeout=PATIENCE) as connection:
        connection.sendall(b"nada\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", ""])
def test_only_loopback_is_served(host):
    with pytest.raises(ValueError, match="this machine only"):
        Sandbox(host=host)


def test_stopping_leaves_no_thread_and_ends_held_calls():
    before = set(threading.enumerate())
    box = Sandbox(operations={"0042": TOKEN})
    box.start()
    box.hold("received")
    held = raw_upload(box, "promo-julio.jpg")
    box.wait_for("received")
    idle = socket.create_connection(("127.0.0.1", box.port))
    box.stop()
    assert set(threading.enumerate()) == before
    assert read_all(held) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", box.port), timeout=1)


def test_stopping_ends_calls_that_break_slowly():
    before = set(threading.enumerate())
    with Sandbox(operations={"0042": TOKEN}) as box:
        slow = [raw_upload(box, f"fault-{name}.jpg") for name in ("slow-30", "no-answer")]
        wait_until(lambda: box.ledger.in_flight(TOKEN) == 2)
    assert set(threading.enumerate()) == before
    for connection in slow:
        connection.close()


def test_a_sandbox_can_come_back_on_its_port(box):
    handle = new_handle(box)
    port = box.port
    box.stop()
    with Sandbox(port=port, operations={"0042": TOKEN}) as again:
        assert again.port == port
        assert call(again, "create_template", body=template(handle))[0] == 200


def test_the_state_file_keeps_tokens_and_is_private(tmp_path):
    path = tmp_path / "deep" / "sandbox.json"
    tokens = state.load_or_create(path)
    assert set(tokens) == {"0042", "0077", "0099"}
    assert all(re.fullmatch(r"[0-9a-f]{52}", token) for token in tokens.values())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert state.load_or_create(path) == tokens
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"operations": {}}', '{"operations": {"x": "y"}}']
)
def test_a_foreign_state_file_is_named_and_left_alone(tmp_path, text):
    path = tmp_path / "sandbox.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is no state file"):
        state.load_or_create(path)
    assert path.read_text() == text


COMMAND = """
import sys, django
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure()
django.setup()
from django.core import management
from media_assets.management.commands.wolkvox_sandbox import Command
management.get_commands.cache_clear()
Command().run_from_argv(["manage.py", "wolkvox_sandbox", *sys.argv[1:]])
"""


def started_command(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    state_file = str(tmp_path / "sandbox.json")
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--state", state_file, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_and_ends_well(tmp_path, number):
    with started_command(tmp_path, "--port", "0", "--latency", "0") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        tokens = json.loads((tmp_path / "sandbox.json").read_text())["operations"]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            headers = {"wolkvox-token": tokens["0077"]}
            connection.request("GET", "/wv0077/api/v2/information.php?api=services", None, headers)
            assert connection.getresponse().read().startswith(b'{"code": 200')
            process.send_signal(number)
            assert process.wait(timeout=PATIENCE) == 0


def test_the_command_refuses_a_public_host_and_a_taken_port(tmp_path, box):
    for arguments, sentence in (
        (("--host", "0.0.0.0"), "this machine only"),
        (("--port", str(box.port)), f"Port {box.port} is taken"),
    ):
        with started_command(tmp_path, *arguments) as process:
            _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert sentence in error
        assert "Traceback" not in error
