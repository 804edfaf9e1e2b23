import contextlib
import datetime
import gzip
import json
import pickle
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_assets.wolkvox import answers, errors
from media_assets.wolkvox.answers import TokenInfo, Uploaded
from media_assets.wolkvox.redaction import redact

TOKEN = "7b226964223a31" + "c0ffee" * 6 + "9d"
HANDLE = "4::aW1hZ2UvcG5n:ARZVv4zu-_Hg:e:1900000000:6346:100089:ARa1ZDhw"

# The vendor's documented answer; its sample prints an empty handle.
DOCUMENTED: dict[str, Any] = {
    "code": "200",
    "error": None,
    "msg": "Media uploaded successfully",
    "data": {"0": "media_uploaded_successfully", "handle": ""},
}


def success(**changes):
    return {**DOCUMENTED, "data": {**DOCUMENTED["data"], "handle": HANDLE}, **changes}


def failed(code, *, error="FORBIDDEN", msg=""):
    return {"code": code, "error": error, "msg": msg, "data": []}


def read(body, *, status=200, headers=None, token=TOKEN):
    """What a call to upload_media makes of an answer, without a network."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = answers.read_answer(status, headers=headers or {}, body=content, token=token)
    return answers.read_handle(answer, token)


def test_the_documented_sample_has_an_empty_handle_and_is_therefore_unclear():
    with pytest.raises(errors.Unclear) as raised:
        read(DOCUMENTED)
    assert raised.value.http_status == 200
    assert raised.value.vendor_code == "200"
    assert raised.value.message == "Media uploaded successfully"


def test_the_documented_answer_with_a_handle_is_a_success():
    assert read(success()) == Uploaded(HANDLE, 200, "200", "Media uploaded successfully")


@pytest.mark.parametrize(
    "body",
    [
        success(code=200),
        success(error=""),
        {"code": "200", "data": {"handle": HANDLE}},
        b"\xef\xbb\xbf" + json.dumps(success()).encode(),
    ],
)
def test_variants_of_the_envelope_are_a_success(body):
    assert read(body).handle == HANDLE


@pytest.mark.parametrize(
    "handle",
    [
        f"{HANDLE}\n{HANDLE}",
        f"  {HANDLE}\t\r\n",
        "short",
        "á漢🙂\u2028\u202e\x7f",
        "x" * answers.MAX_HANDLE,
        "deadbeef" * 10,
    ],
)
def test_a_handle_is_kept_byte_for_byte(handle):
    assert read(success(data={"handle": handle})).handle == handle


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "",
        HANDLE,
        [HANDLE],
        {"handle": None},
        {"handle": ""},
        {"handle": " \n"},
        {"handle": 4},
        {"handle": [HANDLE]},
        {"handle": "https://scontent.whatsapp.net/v/x.png"},
        {"handle": " HTTP://x"},
        {"handle": "nul\0"},
        {"handle": "half \ud800"},
        {"handle": "x" * (answers.MAX_HANDLE + 1)},
        {"handle": "é" * (answers.MAX_HANDLE // 2 + 1)},
        {"handle": f"token={TOKEN.upper()}"},
    ],
)
def test_a_success_without_a_handle_that_can_be_kept_is_unclear(data):
    with pytest.raises(errors.Unclear):
        read(success(data=data))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Error</html>",
        b"[]",
        b'"200"',
        b"null",
        json.dumps(success()).encode()[:-1],
        json.dumps(success()).encode() + b"x",
        json.dumps(success()).encode("utf-16"),
        json.dumps(success(msg="é"), ensure_ascii=False).encode("latin-1"),
        json.dumps(success(msg=float("nan"))).encode(),
        json.dumps(success(msg=float("-inf"))).encode(),
        b'{"code": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        gzip.compress(json.dumps(success()).encode()),
        {"error": None, "data": {"handle": HANDLE}},
        success(code=None),
        success(code=True),
        success(code=["200"]),
        success(code="201"),
        success(error="BAD REQUEST"),
    ],
)
def test_what_is_neither_success_nor_a_definite_no_is_unclear(body):
    with pytest.raises(errors.Unclear):
        read(body)


SIMULTANEOUS = "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)"


@pytest.mark.parametrize(
    ("number", "msg", "kind"),
    [
        (400, "THE API YOU WANT TO CONSULT DOES NOT EXIST", errors.Refused),
        (400, "SOME PARAMETERS ARE REQUIRED", errors.Refused),
        (401, "PLEASE ENTER THE WOLKVOX-TOKEN", errors.TokenRefused),
        (403, "TOKEN LIMIT EXCEEDED", errors.QuotaUsedUp),
        (403, " token  Limit exceeded ", errors.QuotaUsedUp),
        (403, SIMULTANEOUS, errors.SimultaneousLimit),
        (403, SIMULTANEOUS.capitalize(), errors.SimultaneousLimit),
        (403, "PLEASE VALIDATE TOKEN", errors.TokenRefused),
        (403, "Please validate\ntoken", errors.TokenRefused),
        (403, "SERVER IN MAINTENANCE", errors.Busy),
        (403, "", errors.Busy),
        (404, "NO DATA", errors.Refused),
        (418, "", errors.Refused),
        (422, "", errors.Refused),
        (429, "", errors.Busy),
        (500, "", errors.Unclear),
        (502, "", errors.Unclear),
        (503, "", errors.Busy),
        (504, "", errors.Unclear),
        (302, "", errors.Refused),
        (201, "", errors.Unclear),
    ],
)
@pytest.mark.parametrize("where", ["both", "status", "code as text", "code as number"])
def test_status_and_code_are_classified_by_the_same_table(number, msg, kind, where):
    code = number if where == "code as number" else str(number)
    status = number if where in ("both", "status") else 200
    body = failed("200" if where == "status" else code, msg=msg)
    with pytest.raises(errors.WolkvoxError) as raised:
        read(body, status=status)
    assert type(raised.value) is kind
    assert raised.value.message in (msg.strip(), "FORBIDDEN")
    assert raised.value.http_status == status
    assert raised.value.vendor_code == str(body["code"])


def test_a_status_other_than_200_decides_against_a_body_that_claims_success():
    with pytest.raises(errors.Unclear):
        read(success(), status=500)
    with pytest.raises(errors.Refused):
        read(success(), status=400)
    with pytest.raises(errors.Busy):
        read(success(), status=403)


def test_the_wording_of_a_403_that_is_no_json_counts_too():
    with pytest.raises(errors.QuotaUsedUp):
        read(b"<h1>Token limit exceeded</h1>", status=403)


@pytest.mark.parametrize("code", ["131009", "100", "ERROR", "0", "-1", 600])
def test_any_other_code_is_a_definite_no(code):
    with pytest.raises(errors.Refused) as raised:
        read(failed(code, error="x", msg="Invalid media handle"))
    assert raised.value.message == "Invalid media handle"


def test_details_in_data_of_a_failure_are_kept_with_the_message():
    with pytest.raises(errors.Refused) as raised:
        read({"code": "400", "error": "E", "msg": "Not accepted", "data": {"why": "too big"}})
    assert raised.value.message == 'Not accepted\n{"why": "too big"}'


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("99999", 14_400.0),
        ("9" * 5000, 14_400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 14_400.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_seconds_up_to_four_hours(value, seconds):
    with pytest.raises(errors.Busy) as raised:
        read(b"", status=429, headers={"Retry-After": value})
    assert raised.value.retry_after == seconds


def test_retry_after_may_be_a_date():
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    assert errors.read_retry_after(format_datetime(at, usegmt=True)) == pytest.approx(90, abs=2)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [-+]?\w+"))
def test_any_retry_after_is_a_bounded_number_or_nothing(value):
    seconds = errors.read_retry_after(value)
    assert seconds is None or 0 <= seconds <= 14_400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters()),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(["200", 200, "400", "403", 429, "500"]) | json_values,
        "error": st.none() | json_values,
        "msg": json_values,
        "data": json_values | st.fixed_dictionaries({"handle": json_values}),
    },
)
statuses = st.sampled_from([200, 200, 301, 400, 401, 403, 404, 429, 500, 503]) | st.integers(
    100, 999
)


def check_any_answer(status, body):
    try:
        uploaded = read(body, status=status)
    except errors.WolkvoxError as error:
        error.message.encode()
        return
    assert status == 200
    assert uploaded.handle == json.loads(body)["data"]["handle"]


@given(statuses, st.binary() | st.text().map(str.encode))
def test_any_bytes_with_any_status_are_a_handle_or_one_of_our_errors(status, body):
    check_any_answer(status, body)


@given(statuses, json_values | envelopes)
def test_any_json_with_any_status_is_a_handle_or_one_of_our_errors(status, value):
    check_any_answer(status, json.dumps(value).encode())


@given(envelopes)
def test_any_envelope_yields_connectors_and_token_info_or_one_of_our_errors(value):
    with contextlib.suppress(errors.WolkvoxError):
        body = json.dumps(value).encode()
        answer = answers.read_answer(200, headers={}, body=body, token=TOKEN)
        assert isinstance(answers.read_connectors(answer, TOKEN), list)
        assert isinstance(answers.read_token_info(answer, TOKEN), TokenInfo)


# Secrets


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (f"bad token {TOKEN}!", TOKEN),
        (f"bad token {TOKEN.upper()}!", TOKEN),
        ("bad token Ab/C&d!", "aB/c&D"),
        ("bad token ab%2Fc%26d!", "ab/c&d"),
        ("bad token ab%2fc%26d!", "ab/c&d"),
        ("bad token ab/c%26d!", "ab/c&d"),
        ("bad token ab\\/c&d!", "ab/c&d"),
        ("bad token ab/c&amp;d!", "ab/c&d"),
        ('bad token a\\"b\\\\c!', 'a"b\\c'),
        ("bad token " + "".join(f"%{ord(c):02X}" for c in TOKEN) + "!", TOKEN),
        (f"bad token {'0123456789abcdefABCD' * 2}!", "another"),
        (f"bad token {TOKEN}{TOKEN}!".replace(TOKEN * 2, TOKEN), TOKEN[:20]),
    ],
)
def test_the_token_and_long_hex_runs_are_redacted(text, token):
    redacted = redact(text, token=token)
    assert redacted.startswith("bad token [secure]")
    assert redacted.endswith("!")
    assert token.lower() not in redacted.lower()


def test_ordinary_text_is_not_redacted():
    text = f"{'ab' * 19}f is 39 characters, [a-z]+ is no pattern"
    assert redact(text, token="[a-z]{3}") == text
    assert redact(text, token="") == text


@given(st.text(alphabet=st.characters(), max_size=600), st.text(max_size=40))
def test_redacting_never_fails(text, token):
    assert isinstance(redact(text, token=token), str)


@given(st.text(), st.text(), st.from_regex(r"[!-~]{16,512}", fullmatch=True), st.booleans())
def test_a_token_anywhere_in_a_failure_is_in_no_part_of_the_error(before, after, token, as_json):
    text = f"{before}{token}{after}"
    body = json.dumps(failed(token, error=text, msg=text)).encode() if as_json else text.encode()
    with pytest.raises(errors.WolkvoxError) as raised:
        read(body, status=400, token=token)
    assert token.lower() not in raised.value.message.lower()
    assert token.lower() not in raised.value.vendor_code.lower()
    assert token.lower() not in str(raised.value).lower()


def test_messages_are_short_and_have_no_control_characters_but_line_breaks():
    error = errors.Refused(message="a\tb\x00c\r\nd\x1b\x7f\x9b\ud800" + "x" * 2_000)
    assert error.message.startswith("a b c\nd")
    assert len(error.message) == 1_000
    error.message.encode()


def test_a_redacted_message_is_cut_after_redacting_not_before():
    with pytest.raises(errors.Refused) as raised:
        read(failed("400", msg="x" * 990 + TOKEN))
    assert raised.value.message == "x" * 990 + "[secure]"


def test_an_error_says_what_it_is_and_survives_pickling():
    error = errors.Busy(http_status=429, vendor_code="429", message="WAIT", retry_after=3.0)
    assert str(error) == "busy: HTTP 429, code 429, WAIT"
    assert str(errors.NotSent()) == "not_sent: no details"
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


def test_every_error_has_its_own_code():
    assert {
        kind.__name__: kind.code for kind in vars(errors).values() if hasattr(kind, "code")
    } == {
        "NotSent": "not_sent",
        "CertificateRefused": "certificate",
        "Busy": "busy",
        "SimultaneousLimit": "simultaneous",
        "QuotaUsedUp": "quota",
        "TokenRefused": "token",
        "Unclear": "unclear",
        "Refused": "refused",
    }
