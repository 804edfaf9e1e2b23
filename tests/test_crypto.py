"""Tokens are sealed: only the right key, on the right row, for the right host, opens them."""

import copy
import pickle
import string
import traceback
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from media_assets import crypto

TOKEN = "5f7b574b427c5f" + "3a" * 19
OPERATION = uuid.UUID("6f0b2a3e-0e2c-4f1c-9a55-0a9f4f3f7c11")
ORIGIN = "https://wv0042.wolkvox.com:443"
WHERE: dict[str, Any] = {"operation": OPERATION, "origin": ORIGIN}
OLD, NEW = crypto.generate_key(), crypto.generate_key()


@pytest.fixture(autouse=True)
def one_key(settings):
    settings.TOKEN_KEYS = [OLD]


def sealed() -> str:
    return crypto.seal(TOKEN, **WHERE)


def test_a_sealed_token_is_revealed_where_it_was_sealed():
    assert crypto.reveal(sealed(), **WHERE) == TOKEN


def test_a_sealed_token_names_its_version_and_key_and_nothing_of_the_token():
    version, key_id, body = sealed().split(".")
    assert (version, key_id) == ("v1", crypto.keyring().newest_id)
    assert crypto.key_id(sealed()) == key_id
    assert TOKEN not in body


def test_sealing_twice_gives_two_values():
    assert sealed() != sealed()


def test_another_key_opens_nothing(settings):
    value = sealed()
    settings.TOKEN_KEYS = [NEW]
    with pytest.raises(crypto.Unopenable, match=crypto.key_id(value)):
        crypto.reveal(value, **WHERE)


def test_another_key_under_the_same_id_opens_nothing(settings):
    settings.TOKEN_KEYS = [NEW]
    theirs = sealed()
    settings.TOKEN_KEYS = [OLD]
    renamed = theirs.replace(crypto.key_id(theirs), crypto.keyring().newest_id)
    with pytest.raises(crypto.Unopenable):
        crypto.reveal(renamed, **WHERE)


def test_a_change_of_any_character_is_noticed():
    value = sealed()
    for position, character in enumerate(value):
        for other in "AZaz09-_.":
            if other == character:
                continue
            changed = value[:position] + other + value[position + 1 :]
            with pytest.raises(crypto.Unopenable):
                crypto.reveal(changed, **WHERE)


def test_a_missing_or_added_character_is_noticed():
    value = sealed()
    for position in range(len(value)):
        for changed in (value[:position] + value[position + 1 :], value[:position]):
            with pytest.raises(crypto.Unopenable):
                crypto.reveal(changed, **WHERE)
    for added in ("A", "=", "\n", " "):
        with pytest.raises(crypto.Unopenable):
            crypto.reveal(value + added, **WHERE)


@pytest.mark.parametrize(
    "where",
    [
        {"operation": uuid.uuid4(), "origin": ORIGIN},
        {"operation": OPERATION, "origin": "https://wv0043.wolkvox.com:443"},
        {"operation": OPERATION, "origin": "https://wv0042.wolkvox.com"},
        {"operation": OPERATION, "origin": "http://wv0042.wolkvox.com:443"},
        {"operation": OPERATION, "origin": ""},
    ],
)
def test_a_value_copied_to_another_operation_or_origin_does_not_open(where):
    value = sealed()
    with pytest.raises(crypto.Unopenable):
        crypto.reveal(value, **where)


@pytest.mark.parametrize(
    "value",
    ["", ".", "v1", "v1..", "v1.00000000.", "v2.00000000." + "A" * 60, TOKEN, "v1.é.ñ", "\ud800"],
)
def test_what_is_no_sealed_value_is_an_error_and_never_a_token(value):
    with pytest.raises(crypto.Unopenable):
        crypto.reveal(value, **WHERE)
    with pytest.raises(crypto.Unopenable):
        crypto.key_id(value)


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(settings):
    before = sealed()
    settings.TOKEN_KEYS = [NEW, OLD]
    after = sealed()
    assert crypto.reveal(before, **WHERE) == crypto.reveal(after, **WHERE) == TOKEN
    assert crypto.keyring().ids == [crypto.key_id(after), crypto.key_id(before)]
    settings.TOKEN_KEYS = [NEW]
    assert crypto.reveal(after, **WHERE) == TOKEN


def test_the_same_token_is_recognised_while_keys_rotate(settings):
    [before] = crypto.fingerprints(TOKEN)
    settings.TOKEN_KEYS = [NEW, OLD]
    after, still = crypto.fingerprints(TOKEN)
    assert still == before
    settings.TOKEN_KEYS = [NEW]
    assert crypto.fingerprints(TOKEN) == [after]
    assert before not in crypto.fingerprints(TOKEN + "0")


def test_a_fingerprint_is_64_hex_digits_that_depend_on_key_and_token(settings):
    mark = crypto.fingerprints(TOKEN)[0]
    assert len(mark) == 64
    assert set(mark) <= set(string.hexdigits.lower())
    assert mark != crypto.fingerprints(TOKEN[:-1])[0]
    settings.TOKEN_KEYS = [NEW]
    assert mark != crypto.fingerprints(TOKEN)[0]


def test_a_key_listed_twice_counts_once(settings):
    settings.TOKEN_KEYS = [NEW, OLD, NEW + "=", f" {OLD}\n"]
    assert len(crypto.keyring().ids) == 2


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [""],
        ["short"],
        [OLD, "short"],
        [OLD + "A"],
        [OLD[:-1]],
        ["*" * 43],
        ["ñ" * 43],
        ["\ud800" * 43],
        [OLD[:20] + "\n" + OLD[20:]],
        ["/" * 43],
    ],
)
def test_a_missing_or_malformed_key_is_refused_by_the_setting_not_by_its_value(settings, keys):
    settings.TOKEN_KEYS = keys
    for call in (crypto.keyring, lambda: crypto.fingerprints(TOKEN), sealed):
        with pytest.raises(crypto.KeyringError, match="TOKEN_KEYS") as caught:
            call()
        for key in filter(None, keys):
            assert key not in str(caught.value)


def test_the_message_counts_keys_from_one(settings):
    settings.TOKEN_KEYS = [OLD, "short"]
    with pytest.raises(crypto.KeyringError, match="Key 2 of 2"):
        crypto.keyring()


def test_the_keyring_says_nothing_of_its_keys_and_is_neither_copied_nor_pickled():
    ring = crypto.keyring()
    said = repr(ring) + str(ring) + repr(vars(ring))
    assert ring.newest_id in said
    assert OLD not in said
    assert ring.keys[0].mac.hex() not in said
    assert repr(ring.keys[0].mac) not in said
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(ring)


@pytest.mark.parametrize(
    "call",
    [
        lambda token: crypto.seal(token, **WHERE),
        crypto.fingerprints,
    ],
)
def test_an_error_carries_neither_token_nor_key_in_any_frame_of_this_module(settings, call):
    settings.TOKEN_KEYS = [OLD, "short" + "x" * 30]
    with pytest.raises(crypto.KeyringError) as caught:
        call("".join(["canary", TOKEN]))
    assert_clean(caught.value, secrets=["canary", OLD, "shortx"])


def test_a_value_that_does_not_open_leaves_no_chained_exception():
    value = sealed()
    with pytest.raises(crypto.Unopenable) as caught:
        crypto.reveal(value, operation=uuid.uuid4(), origin=ORIGIN)
    assert_clean(caught.value, secrets=[TOKEN, OLD])


def assert_clean(error: BaseException, *, secrets: list[str]) -> None:
    assert error.__context__ is None
    assert error.__cause__ is None
    frames = [
        frame
        for frame, _line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"] == crypto.__name__
    ]
    assert frames
    said = repr(error) + repr(error.args) + repr([frame.f_locals for frame in frames])
    assert not [secret for secret in secrets if secret in said]


def test_people_are_told_what_to_do_next():
    for error in (crypto.KeyringError, crypto.Unopenable):
        assert "TOKEN_KEYS" in str(error.sentence)


def test_generated_keys_differ_and_are_accepted(settings):
    keys = [crypto.generate_key() for _ in range(5)]
    settings.TOKEN_KEYS = keys
    assert len(set(crypto.keyring().ids)) == 5


visible_ascii = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=300)


@examples(deadline=None, database=None)
@given(token=visible_ascii | st.text(st.characters()), operation=st.uuids(), origin=st.text())
@example(token="\ud800", operation=OPERATION, origin="\ud800")
def test_any_token_comes_back_as_it_was(token, operation, origin):
    value = crypto.seal(token, operation=operation, origin=origin)
    assert value.isascii()
    assert crypto.reveal(value, operation=operation, origin=origin) == token
    assert len(crypto.fingerprints(token)) == 1


@examples(deadline=None, database=None)
@given(value=st.text() | st.from_regex(crypto.SEALED, fullmatch=True))
def test_any_other_text_is_unopenable(value):
    with pytest.raises(crypto.Unopenable):
        crypto.reveal(value, **WHERE)
