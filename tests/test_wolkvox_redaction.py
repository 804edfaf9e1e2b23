"""Nothing of a token is left in a text, however the vendor has written it."""

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from media_assets.wolkvox import answers, errors
from media_assets.wolkvox.redaction import PART, SECURE, holds, redact
from tests.security.encodings import forms_of

TOKEN = "7b226964223a31" + "9f0c4be17ad52836" * 2 + "c35d0e"
OTHER = "0918a7b6c5d4e3f2" * 3 + "a5f0"
FORMS = forms_of(TOKEN)


@pytest.mark.parametrize("name", FORMS)
def test_a_token_is_taken_out_in_every_encoding(name):
    written = FORMS[name].decode("latin-1")
    assert redact(f"for <{written}>.", token=TOKEN) == f"for <{SECURE}>."
    assert holds(f"for <{written}>.", token=TOKEN)


@pytest.mark.parametrize("name", [name for name in FORMS if not name.endswith(" 12")])
def test_a_part_of_a_token_is_taken_out_in_every_encoding(name):
    # sixteen digits from the middle; of decoded ones, which are half as many bytes, more
    length = 32 if name in {"hex-decoded", "base64url"} else 16
    written = forms_of(TOKEN[14 : 14 + length])[name].decode("latin-1")
    redacted = redact(f"for <{written}>.", token=TOKEN)
    assert SECURE in redacted
    assert written[1:-1] not in redacted
    assert len(redacted) < len("for <>.") + len(SECURE) + 4


def test_every_part_of_twelve_is_taken_out_and_shorter_ones_are_words():
    for at in range(len(TOKEN) - PART + 1):
        assert redact(f"x {TOKEN[at : at + PART]} y", token=TOKEN) == f"x {SECURE} y"
    word = TOKEN[: PART - 1]
    assert redact(f"x {word} y", token=TOKEN) == f"x {word} y"


@pytest.mark.parametrize(
    "written",
    [
        quote(quote("".join(f"&#{ord(letter)};" for letter in TOKEN))),
        json.dumps("".join(f"\\u{ord(letter):04x}" for letter in TOKEN)),
        "".join(f"%{ord(letter):02X}" for letter in TOKEN[::-1]),
        "".join(f"\\x{ord(letter):02x}" for letter in TOKEN),
        "".join(f"&#{ord(letter)}" for letter in TOKEN),
        "\r\n".join(TOKEN[at : at + 8] for at in range(0, len(TOKEN), 8)),
        ":".join(TOKEN[at : at + 2] for at in range(0, len(TOKEN), 2)),
        " ".join(TOKEN),
        "-".join(f"{ord(letter):02x}" for letter in TOKEN),
        TOKEN[:30] + TOKEN[10:],
        TOKEN + TOKEN.upper(),
    ],
)
def test_encodings_upon_encodings_and_pieces_are_one_mark(written):
    redacted = redact(f"for {written} at wolkvox", token=TOKEN)
    assert redacted.replace('"', "") == f"for {SECURE} at wolkvox"


def test_what_is_around_it_stays_as_it_was():
    text = f"Fehler &amp; 100%25 «é» {TOKEN} \\n İstanbul &#64; c:\\x"
    assert redact(text, token=TOKEN) == text.replace(TOKEN, SECURE)


def test_another_operations_token_goes_too_because_it_is_a_long_run_of_hex():
    for written in (OTHER, OTHER.upper(), "".join(f"%{ord(letter):02x}" for letter in OTHER)):
        assert redact(f"not {written}!", token=TOKEN) == f"not {SECURE}!"


@pytest.mark.parametrize(
    "text",
    [
        "Media uploaded successfully",
        "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)",
        "4::aW1hZ2UvcG5n:ARZVv4zu-_Hg:e:1900000000:6346:100089:ARa1ZDhw",
        "https://storage.googleapis.com/wvox-0042/promo%20julio.jpg?x=1&amp;y=2",
        "7b226964223 11 digits; 6a204bd89f3c8348afd5c77c717a097a is the digest of a file",
    ],
)
def test_ordinary_text_stays(text):
    assert redact(text, token=TOKEN) == text
    assert not holds(text, token=TOKEN)


hex_tokens = st.from_regex(r"[0-9a-f]{52}", fullmatch=True)


@examples(deadline=None, database=None, max_examples=200)
@given(
    token=hex_tokens,
    encoding=st.sampled_from(sorted(FORMS)),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
def test_no_token_survives_in_any_text(token, encoding, before, after):
    written = forms_of(token)[encoding].decode("latin-1")
    redacted = redact(f"{before}{written}{after}", token=token)
    assert SECURE in redacted
    assert written.lower() not in redacted.lower()


@examples(deadline=None, database=None)
@given(token=st.from_regex(r"[!-~]{1,512}", fullmatch=True), before=st.text(), after=st.text())
def test_any_token_that_a_header_can_carry_is_taken_out(token, before, after):
    if token.lower() in SECURE:
        return
    redacted = redact(f"{before}{token}{after}", token=token)
    assert token.lower() not in redacted.replace(SECURE, "\0").lower()


@pytest.mark.parametrize("name", FORMS)
def test_no_answer_brings_a_token_into_an_error(name):
    written = FORMS[name].decode("latin-1")
    for body in (
        json.dumps({"code": written, "error": written, "msg": written, "data": [written]}),
        json.dumps({"code": "400", "error": {"x": written}, "msg": "", "data": written}),
        f"<html>{written}</html>",
    ):
        with pytest.raises(errors.WolkvoxError) as raised:
            answers.read_answer(400, headers={}, body=body.encode(), token=TOKEN)
        said = f"{raised.value} {vars(raised.value)}".lower()
        assert written.lower() not in said
        assert json.dumps(written)[1:-1].lower() not in said


@pytest.mark.parametrize("name", FORMS)
def test_a_handle_that_holds_a_token_is_none(name):
    handle = f"4::aW1hZ2UvcG5n:{FORMS[name].decode('latin-1')}:e:1900000000"
    body = json.dumps({"code": "200", "error": None, "msg": "", "data": {"handle": handle}})
    answer = answers.read_answer(200, headers={}, body=body.encode(), token=TOKEN)
    with pytest.raises(errors.Unclear) as raised:
        answers.read_handle(answer, TOKEN)
    assert raised.value.reason == "no handle"


def test_the_longest_answer_is_read_soon():
    body = json.dumps({"code": "400", "msg": "%2561&#92;u0061" * 17_000}).encode()
    began = time.perf_counter()
    with pytest.raises(errors.Refused):
        answers.read_answer(400, headers={}, body=body, token="a1" * 256)
    assert time.perf_counter() - began < 20  # some 10 ms, as long as the work grows with the length
