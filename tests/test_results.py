"""How calls ended, in words that fit what happened and what can be done."""

import errno
import ssl

import pytest
from django.utils import translation

from media_assets import results
from media_assets.models import Outcome, Upload
from media_assets.wolkvox.errors import storable
from tests.factories import make_batch, make_connector, make_upload

pytestmark = pytest.mark.django_db
PAGE = "<!doctype html><title>502 Bad Gateway</title><p>nginx</p>"


def ended(outcome, *, status="failed", http_status=None, reason="", message="", **values):
    upload = make_upload(
        make_connector(), status=status, last_outcome=outcome, vendor_message=message, **values
    )
    upload.attempts.create(
        number=upload.attempt_count,
        started_at=upload.created_at,
        outcome=outcome,
        http_status=http_status,
        reason=reason,
        message=message,
    )
    return upload


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        ({"outcome": Outcome.REFUSED, "http_status": 302}, "redirect (HTTP 302)"),
        ({"outcome": Outcome.UNCLEAR, "http_status": 200, "reason": "no handle"}, "without a"),
        (
            {"outcome": Outcome.UNCLEAR, "http_status": 502, "message": PAGE},
            "an HTML page instead of an answer (HTTP 502)",
        ),
        ({"outcome": Outcome.BUSY, "http_status": 503, "message": PAGE}, "HTML page"),
        ({"outcome": Outcome.UNCLEAR}, "No clear answer"),
        ({"outcome": Outcome.REFUSED, "http_status": 400}, "wolkvox refused the file"),
    ],
)
def test_what_happened_is_said(upload, sentence):
    shown = ended(**upload)
    assert sentence in results.result_of(shown)
    assert sentence in results.result_of_attempt(shown.attempts.get())
    annotated = Upload.objects.with_last_answer().get(pk=shown.pk)
    assert results.result_of(annotated) == results.result_of(shown)


def test_a_page_of_markup_stands_only_with_its_attempt(marketing, client_for):
    upload = ended(Outcome.UNCLEAR, http_status=502, message=PAGE)
    marta = client_for(marketing)
    addresses = ("/", "/history/", upload.batch.get_absolute_url())
    for address in addresses:
        page = marta.get(address).content.decode()
        assert "an HTML page instead of an answer (HTTP 502)" in page
        assert "&lt;!doctype" not in page
    assert marta.get(upload.get_absolute_url()).content.decode().count("&lt;!doctype") == 1


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in {"running", "ready"}])
def test_nobody_is_told_to_retry_without_the_button_for_it(outcome):
    waiting, failed = ended(outcome, status="queued", attempt_count=1), ended(outcome)
    assert "etry" not in results.advice_of(waiting, may_retry=True)
    assert "etry" not in results.advice_of(failed, may_retry=False)
    assert "etry" in results.advice_of(failed, may_retry=True)
    assert "again by itself" not in results.advice_of(failed, may_retry=True)


def test_a_redirect_is_no_reason_to_read_an_answer():
    advice = results.advice_of(ended(Outcome.REFUSED, http_status=301), may_retry=True)
    assert "server number" in advice
    assert "Read what" not in advice


def test_lists_ask_for_the_last_answers_in_one_query(django_assert_num_queries):
    batch = make_batch()
    for _ in range(3):
        make_upload(batch=batch, status="failed", last_outcome=Outcome.UNCLEAR)
    with django_assert_num_queries(1):
        for upload in batch.uploads.with_last_answer():
            results.result_of(upload)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        OSError(errno.ECONNABORTED, ""),
        OSError(errno.ECONNREFUSED, ""),
        ssl.SSLError(),
        ssl.SSLEOFError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_connection_may_end_with_has_a_sentence(error):
    assert results.reason_in_words(type(error).__name__).endswith(".")


def test_our_own_technical_words_are_translated_and_others_stay():
    assert results.reason_in_words("deadline") == "The call took too long and was given up."
    assert results.reason_in_words("SomethingElse") == "SomethingElse"
    with translation.override("es"):
        assert results.reason_in_words("deadline") == "La petición tardó demasiado y se abandonó."


def test_marks_of_direction_show_in_no_text_of_others():
    assert storable("a\u202egpj.exe") == "a gpj.exe"
    assert make_upload(file_url="https://a.co/x%E2%80%AEgpj.pdf").file_name == "xgpj.pdf"


def test_one_label_on_several_files_is_told_apart(marketing, client_for):
    batch = make_batch(make_connector(), marketing)
    for name in ("one", "two"):
        make_upload(batch=batch, label="Promo", file_url=f"https://a.co/{name}.jpg")
    for address in ("/", "/handles/"):
        page = client_for(marketing).get(address).content.decode()
        for name in ("one", "two"):
            assert f'<p class="row-meta">{name}.jpg</p>' in page
            assert f'<span class="visually-hidden"> Promo · {name}.jpg</span>' in page


def test_english_times_are_the_same_everywhere(marketing, client_for):
    upload = make_upload(make_connector(), marketing)
    for address in ("/history/", upload.batch.get_absolute_url(), upload.get_absolute_url()):
        page = client_for(marketing).get(address).content.decode()
        assert "a.m." not in page
        assert "p.m." not in page
