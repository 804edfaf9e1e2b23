"""Lines of the log: who, what, which request; nothing secret; and nobody can forge one."""

import io
import json
import logging
import re
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from gunicorn.config import Config

from media_assets import tracing
from media_assets.delivery import Worker
from media_assets.logs import JsonLines, ReadableLines
from media_assets.models import Status
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import make_connector, make_handle, make_operation, make_upload
from wolkvox_admin.serving import Log

TOKEN = "57d1a9" * 8 + "f00d"
HANDLE = make_handle()
FORGED = '{"time": "2026-01-01", "level": "INFO", "logger": "x", "message": "all is well"}'
PAYLOADS = [
    f"a\n{FORGED}",
    f"a\r\n{FORGED}\r\n",
    "a\n2026-01-01 00:00:00,000 INFO media_assets all is well",
    'a", "level": "CRITICAL", "x": "',
    "a\\",
    'a\\", "level": "CRITICAL", "x": "\\',
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\x9b31mred",
    "a\x0b\x0c\x1c\x1d\x1e\x85b",
    "a\u2028b\u2029c",
    "\u202egnp.exe\u202c",
    "a\x00b\x7fc\x08",
    "%s %d %(x)s {} {0}",
    "\ud800",
]


@contextmanager
def captured(formatter, *, logger=""):
    """What a logger writes, as lines that a terminal or a collector would see."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log = logging.getLogger(logger)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def said(formatter, message, *args, exc_info=None, **extra):
    record = logging.LogRecord("media_assets.x", 40, __file__, 1, message, args, exc_info)
    for name, value in extra.items():
        setattr(record, name, value)
    return formatter.format(record)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
@pytest.mark.parametrize("place", ["message", "argument", "fact"])
def test_a_payload_stays_within_its_own_json_line(payload, place):
    line = {
        "message": lambda: said(JsonLines(), payload),
        "argument": lambda: said(JsonLines(), "it is %s", payload),
        "fact": lambda: said(JsonLines(), "it", facts={"upload": payload}),
    }[place]()

    assert line.splitlines() == [line]
    assert line.isascii()
    assert line.isprintable() or "\x7f" in payload
    read = json.loads(line)
    assert (read["level"], read["logger"]) == ("ERROR", "media_assets.x")
    assert set(read) <= {"time", "level", "logger", "message", "upload"}


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
@pytest.mark.parametrize("place", ["message", "argument", "fact"])
def test_a_payload_stays_within_its_own_readable_line(payload, place):
    line = {
        "message": lambda: said(ReadableLines(), payload),
        "argument": lambda: said(ReadableLines(), "it is %s", payload),
        "fact": lambda: said(ReadableLines(), "it", facts={"upload": payload}),
    }[place]()

    assert line.splitlines() == [line]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR media_assets\.x ", line)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", line)


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines()])
def test_the_text_of_an_exception_cannot_begin_a_line(formatter):
    try:
        raise ValueError("a\n2026-01-01 00:00:00,000 INFO media_assets all is well\n" + FORGED)
    except ValueError as error:
        text = said(formatter, "it broke", exc_info=(type(error), error, error.__traceback__))

    first, *others = text.splitlines()
    assert "it broke" in first
    assert all(line.startswith("    ") for line in others)


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines()])
def test_queries_tokens_and_whole_handles_are_left_out(formatter):
    link = "/account/invitation/wnNcmjeDUMf0-made_up_secret_of_a_link/"
    address = f"https://storage.googleapis.com/wvox-1/a.jpg?X-Goog-Signature={TOKEN}&secret=1"
    try:
        raise ValueError(f"{address} {TOKEN} {HANDLE}")
    except ValueError as error:
        text = said(
            formatter,
            "GET %s %s '/search?q=private HTTP/1.1' %s %s",
            address,
            link,
            TOKEN.upper(),
            HANDLE,
            exc_info=(type(error), error, error.__traceback__),
            facts={"upload": f"{HANDLE} {TOKEN} {link} /x?y=private"},
        )

    assert "a.jpg?" in text
    for secret in (
        "wnNcm",
        "Goog",
        "private",
        "secret=1",
        TOKEN,
        TOKEN.upper(),
        HANDLE,
        HANDLE[20:],
    ):
        assert secret not in text


def test_a_message_that_does_not_fit_its_arguments_is_written_all_the_same():
    assert "it is %d ('a',)" in said(ReadableLines(), "it is %d", "a")


def test_a_very_long_message_is_cut_in_a_moment():
    assert len(said(JsonLines(), "/?" * 500_000 + "4::" * 100_000)) < 20_000


def test_a_request_has_an_id_which_is_in_its_answer_and_in_what_it_logs(marketing, client_for):
    upload = make_upload(make_connector())
    with captured(JsonLines(), logger="django.request") as stream:
        first = client_for(marketing).get(reverse("retry", args=[upload.code]))
        second = client_for(marketing).get("/nowhere/?q=private")

    one, two = (json.loads(line) for line in stream.getvalue().splitlines())
    assert re.fullmatch("[0-9a-f]{32}", one["request"])
    assert [one["request"], two["request"]] == [
        answer.headers["X-Request-ID"] for answer in (first, second)
    ]
    assert one["upload"] == str(upload.code)
    assert one["person"] == two["person"] == str(marketing.pk)
    assert "private" not in stream.getvalue()
    assert tracing.current() == {}


def test_the_pages_of_an_upload_and_a_batch_tell_their_operation(marketing):
    upload = make_upload(make_connector(), by=marketing)
    facts = {
        name: _facts_of(marketing, target.get_absolute_url())
        for name, target in (("upload", upload), ("batch", upload.batch))
    }
    for name, target in (("upload", upload), ("batch", upload.batch)):
        assert facts[name][name] == str(target.code)
        assert facts[name]["operation"] == str(upload.operation_id)


def test_a_page_of_the_administration_tells_its_operation(owner):
    operation = make_operation()
    address = f"/admin/media_assets/operation/{operation.pk}/change/"
    assert _facts_of(owner, address)["operation"] == str(operation.pk)
    forged = "/admin/media_assets/operation/1%0a%7b%7d/change/"
    assert "operation" not in _facts_of(owner, forged)


def _facts_of(person, address):
    client = Client()
    client.force_login(person)
    return client.get(address).wsgi_request.META[tracing.ENVIRON].facts()


@pytest.mark.parametrize("told", ["abc-123", "A.b_c", "f" * 64])
def test_the_id_of_our_own_proxy_is_kept(told, settings, client, db):
    settings.BEHIND_PROXY = True
    answer = client.get("/account/sign-in/", headers={"x-request-id": told})
    assert answer.headers["X-Request-ID"] == told


@pytest.mark.parametrize(
    "told", ["", "f" * 65, "a b", 'a"b', "-a", "a\u00e9", "<script>", "a;b", "a/b", "../a", "a\tb"]
)
def test_an_id_that_is_not_a_short_harmless_word_is_made_anew(told, settings, client, db):
    settings.BEHIND_PROXY = True
    answer = client.get("/account/sign-in/", headers={"x-request-id": told})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_without_a_proxy_a_visitor_chooses_no_id(client, db):
    answer = client.get("/account/sign-in/", headers={"x-request-id": "chosen"})
    assert answer.headers["X-Request-ID"] != "chosen"


def test_what_is_logged_while_an_answer_streams_belongs_to_its_request():
    seen = []

    def parts():
        for part in (b"a", b"b"):
            seen.append(tracing.current()["request"])
            yield part

    respond = tracing.trace_requests(lambda request: StreamingHttpResponse(parts()))
    answer = respond(RequestFactory().get("/"))
    assert isinstance(answer, StreamingHttpResponse)

    assert answer.getvalue() == b"ab"
    assert seen == [answer.headers["X-Request-ID"]] * 2
    assert tracing.current() == {}


def test_the_worker_logs_operation_upload_and_attempt(settings, db):
    with Sandbox(operations={"0042": TOKEN}) as box:
        settings.WOLKVOX_BASE_URL, settings.SANDBOX = box.base_url, True
        operation = make_operation(server="0042", token=TOKEN)
        connector = make_connector(operation, connector_id="1266")
        upload = make_upload(connector, status=Status.QUEUED)
        with captured(JsonLines(), logger="media_assets.delivery.worker") as stream:
            Worker(threads=2).run(until_idle=True)

    (line,) = (json.loads(line) for line in stream.getvalue().splitlines())
    assert line["message"] == f"upload {upload.code} attempt 1 ready"
    assert (line["operation"], line["upload"], line["attempt"]) == (
        str(operation.pk),
        str(upload.code),
        "1",
    )
    upload.refresh_from_db()
    assert upload.handle not in stream.getvalue()


def test_gunicorn_logs_each_request_in_the_same_form(settings, capsys):
    settings.LOG_FORMAT = "json"
    log = _gunicorn_log()
    request = RequestFactory().get('/a"\\\n/?q=private')
    tracing.trace_requests(lambda _: HttpResponse())(request)
    log.access(SimpleNamespace(status="404 Not Found", sent=7), None, request.META, SECOND)
    log.error("it stops\n%s", FORGED)

    out, err = capsys.readouterr()
    line = json.loads(out)
    assert line["message"].endswith(" 404")
    assert line["message"].startswith('GET /a"')
    assert line["logger"] == "gunicorn.access"
    assert re.fullmatch("[0-9a-f]{32}", line["request"])
    assert (line["milliseconds"], line["bytes"]) == (1000, 7)
    assert "private" not in out
    assert json.loads(err)["logger"] == "gunicorn.error"


SECOND = timedelta(seconds=1)


def _gunicorn_log():
    cfg = Config()
    cfg.set("accesslog", "-")
    return Log(cfg)
