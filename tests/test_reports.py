"""Reports of errors: they say what broke and where, and nothing that somebody typed."""

import logging
import logging.config
import sys
import time
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.http import RawPostDataException
from django.test import Client, RequestFactory
from django.utils.log import AdminEmailHandler

from media_assets import reports
from media_assets.reports import Reporter, without_secrets
from tests.admin_pages import OPERATIONS, OTHER_TOKEN, TOKEN, address, form, sealed
from tests.security.breaking import PLACES, break_at

SECRET = "no hex, but a secret: correct/horse+battery"


@pytest.fixture
def web(connector_admin):
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    client.force_login(connector_admin)
    client.cookies["typed"] = SECRET.replace(" ", "-").replace(",", "").replace(":", "")
    return client


@pytest.fixture
def told(settings, caplog, monkeypatch):
    """All that is told of errors besides the answer: log lines, mails as text and as HTML."""
    settings.ADMINS = [("Olga", "olga@example.org")]
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("django.request")
    handler = AdminEmailHandler(include_html=True)
    logger.addHandler(handler)
    logs: Any = configured.LOGGING
    printed = logs["formatters"][logs["handlers"]["console"]["formatter"]]
    formatter = logging.config.DictConfigurator({}).configure_formatter(dict(printed))

    def everything():
        texts = [formatter.format(record) for record in caplog.records]
        for message in mail.outbox:
            assert isinstance(message, mail.EmailMultiAlternatives)
            texts += [
                message.subject,
                message.body,
                *(str(html) for html, _ in message.alternatives),
            ]
        return "\n".join(texts)

    yield everything
    logger.removeHandler(handler)


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_whatever_breaks_while_a_token_is_typed_shows_no_token(
    web, told, settings, monkeypatch, place, debug
):
    settings.DEBUG = debug
    break_at(monkeypatch, place, said=f"at {TOKEN} and {SECRET}")

    response = web.post(f"{OPERATIONS}add/?q={SECRET}", form(new_token=TOKEN, name=SECRET))

    page = response.content.decode()
    assert response.status_code == 500
    assert ("RuntimeError" in page) is debug
    everything = page + told()
    assert "something is broken at [secure] and [secure]" in told()
    assert len(mail.outbox) == 1
    for secret in (TOKEN, SECRET, "correct/horse", *configured.TOKEN_KEYS, configured.SECRET_KEY):
        assert secret not in everything


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("tool", ["test", "import"])
def test_a_call_that_breaks_shows_no_stored_token(
    web, told, settings, monkeypatch, db, tool, debug
):
    settings.DEBUG = debug
    operation = sealed(TOKEN, server="0042")

    def fail(self, *args, **kwargs):
        raise LookupError(f"token {self._token} is broken") from ValueError(self._token)

    monkeypatch.setattr("media_assets.wolkvox.client.Client._call", fail)
    response = web.post(address(operation, tool), {"typed": OTHER_TOKEN})

    assert response.status_code == 500
    everything = response.content.decode() + told()
    assert "token [secure] is broken" in everything
    assert TOKEN not in everything
    assert OTHER_TOKEN not in everything


def test_a_report_still_says_what_and_where(web, told, settings, monkeypatch):
    settings.DEBUG = True
    break_at(monkeypatch, "media_assets.admin.operations.OperationAdmin.save_model")

    page = web.post(f"{OPERATIONS}add/", form(new_token=TOKEN)).content.decode()

    for text in ("RuntimeError", "something is broken", "breaking.py", f"{OPERATIONS}add/"):
        assert text in page
        assert text in told()
    assert "new_token" in page
    assert "adrian" in page


def report_of(error, request=None):
    try:
        raise error
    except type(error):
        reporter = Reporter(request, *sys.exc_info())
        return reporter.get_traceback_html() + reporter.get_traceback_text()


def test_causes_notes_and_unreadable_bytes_are_cleaned_too():
    request = RequestFactory().post("/", {"password": SECRET})
    error = RuntimeError("outer")
    error.__cause__ = ValueError(f"inner {SECRET} {TOKEN}")
    error.add_note(f"note {SECRET}")
    told = report_of(error, request)
    assert "inner [secure] [secure]" in told
    assert "note [secure]" in told
    unreadable = UnicodeEncodeError("ascii", f"é{TOKEN}", 0, 1, "ordinal not in range(128)")
    assert TOKEN[:5] not in report_of(unreadable, request)


def test_an_address_with_a_token_is_not_repeated():
    request = RequestFactory().get(f"/admin/{TOKEN}/", {"next": SECRET, TOKEN: "x"})
    told = report_of(RuntimeError("broken"), request)
    assert "/admin/[secure]/" in told
    assert TOKEN not in told
    assert SECRET not in told


@pytest.mark.parametrize("error", [OSError("cut off"), RawPostDataException("read already")])
def test_a_form_that_cannot_be_read_is_reported_without_it(error, monkeypatch):
    request = RequestFactory().post("/", {"password": SECRET})
    monkeypatch.setattr(type(request), "POST", property(lambda self: (_ for _ in ()).throw(error)))
    assert reports._form_of(request) == {}
    assert "at [secure]" in without_secrets(f"at {TOKEN}", request=request)


def test_short_words_stay_readable():
    request = RequestFactory().post("/", {"server": "0042", "name": "Tienda", "list": "x" * 600})
    text = f"Tienda on 0042 is broken {'x' * 600}"
    assert without_secrets(text, request=request) == text


def test_many_fields_cost_little_and_the_secret_among_them_is_still_hidden():
    fields = {f"field-{number}": f"{number}-" + "x y" * 100 for number in range(200)}
    request = RequestFactory().post("/", fields | {"new_token": SECRET})
    text = f"{'a traceback of many lines, 100%25 ' * 400} {SECRET}"
    began = time.perf_counter()
    assert without_secrets(text, request=request).endswith("[secure]")
    assert time.perf_counter() - began < 5
