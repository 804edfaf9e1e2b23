"""Keys and stored tokens: each mistake is named by a check, with what to do about it."""

import os
import runpy
from io import StringIO

import pytest
from django.conf import settings as configured
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from media_assets import crypto
from media_assets.models import Operation
from tests.factories import make_operation

TOKEN = "57d1a9" * 8 + "f00d"
OLD, NEW = crypto.generate_key(), crypto.generate_key()
SETTINGS = str(configured.BASE_DIR / "wolkvox_admin" / "settings.py")


@pytest.fixture(autouse=True)
def _as_in_production(settings):
    settings.TOKEN_KEYS = [OLD]
    settings.WOLKVOX_BASE_URL = "https://wv{server}.wolkvox.com/api/v2/"


def found(prefix="media_assets."):
    messages = [
        *run_checks(),
        *run_checks(tags=[Tags.database], databases=["default"]),
    ]
    ours = [message for message in messages if (message.id or "").startswith(prefix)]
    for message in ours:
        assert message.hint
        said = f"{message.msg} {message.hint}"
        assert not [secret for secret in (TOKEN, OLD, NEW) if secret in said]
    return ours


def id_of(key, settings):
    before, settings.TOKEN_KEYS = settings.TOKEN_KEYS, [key]
    known = crypto.keyring().newest_id
    settings.TOKEN_KEYS = before
    return known


def test_what_is_right_is_met_with_silence(db, settings):
    make_operation(token=TOKEN)
    make_operation()
    settings.TOKEN_KEYS = [OLD, NEW]
    assert found() == []


@pytest.mark.parametrize("keys", [[NEW], [NEW, crypto.generate_key()]])
def test_a_key_that_was_taken_out_too_early_is_named(db, settings, keys):
    for number in range(7):
        make_operation(token=TOKEN, name=f"Tienda {number}")
    settings.TOKEN_KEYS = keys

    (message,) = found()
    assert message.id == "media_assets.W040"
    gone = id_of(OLD, settings)
    assert gone in message.msg
    assert f"Put the key {gone} back" in str(message.hint)
    assert "Tienda 0, Tienda 1, Tienda 2, Tienda 3, Tienda 4 and 2 more" in message.msg


def test_keys_that_have_changed_places_are_told(db, settings):
    settings.TOKEN_KEYS = [NEW, OLD]
    make_operation(token=TOKEN, name="Tienda")
    settings.TOKEN_KEYS = [OLD, NEW]

    (message,) = found()
    assert message.id == "media_assets.W041"
    assert id_of(NEW, settings) in message.msg
    assert "Tienda" in message.msg
    assert "put the newest first" in str(message.hint)

    call_command("rotate_tokens", stdout=StringIO())
    assert found() == []


@pytest.mark.parametrize("damage", ["rubbish", "v1.00000000.", "moved", "cut", "server", "address"])
def test_a_stored_value_that_does_not_open_is_told(db, settings, damage):
    operation = make_operation(token=TOKEN, name="Tienda", server="0042")
    other = make_operation(token=TOKEN, server="0077")
    rows = Operation.objects.filter(pk=operation.pk)
    if damage == "server":
        rows.update(server="@e.t")
    elif damage == "address":
        settings.WOLKVOX_BASE_URL = "http://127.0.0.1:10/wv{server}/api/v2/"
        other.clear_token()
    else:
        values = {"moved": other.sealed_token, "cut": operation.sealed_token[:-1]}
        rows.update(sealed_token=values.get(damage, damage))

    (message,) = found("media_assets.W")
    assert message.id == "media_assets.W042"
    assert "stored token of Tienda does not open" in message.msg


@pytest.mark.parametrize("keys", [[], ["damaged"]])
def test_without_a_usable_keyring_only_that_is_told(db, settings, keys):
    make_operation(token=TOKEN)
    settings.TOKEN_KEYS = keys
    assert [message.id for message in found()] == ["media_assets.E001"]


def test_the_key_of_cookies_is_none_for_tokens(settings):
    settings.SECRET_KEY = NEW + "="
    settings.TOKEN_KEYS = [OLD, NEW]
    (message,) = [one for one in run_checks() if one.id == "media_assets.E040"]
    assert "SECRET_KEY is one of TOKEN_KEYS" in message.msg
    assert message.hint


@pytest.mark.parametrize("setting", ["TOKEN_KEYS_FILE", "ENV_FILE"])
@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)]
)
def test_a_file_of_keys_that_everybody_may_read_is_told(settings, tmp_path, setting, mode, warned):
    path = tmp_path / "keys"
    path.write_text(f"{OLD}\n")
    path.chmod(mode)
    setattr(settings, setting, str(path))

    messages = [one for one in run_checks() if one.id == "media_assets.W043"]
    assert len(messages) == warned
    for message in messages:
        assert str(path) in message.msg
        assert f"chmod o= {path}" in str(message.hint)


@pytest.mark.parametrize("path", ["", "/nowhere/keys", os.devnull, "/"])
def test_what_is_no_file_is_no_open_file(settings, path):
    settings.TOKEN_KEYS_FILE = path
    assert not [one for one in run_checks() if one.id == "media_assets.W043"]


@pytest.fixture
def start(monkeypatch):
    """Read the settings anew, as a process that starts; gives TOKEN_KEYS."""

    def start(**environment):
        for name in ("TOKEN_KEYS", "TOKEN_KEYS_FILE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(SETTINGS)["TOKEN_KEYS"]

    return start


def test_keys_come_from_the_environment_then_from_the_file(start, tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"{NEW}\r\n\n  {OLD}  \n")
    path.chmod(0o600)
    assert start(TOKEN_KEYS_FILE=str(path)) == [NEW, OLD]
    assert start(TOKEN_KEYS=OLD, TOKEN_KEYS_FILE=str(path)) == [OLD, NEW, OLD]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "TOKEN_KEYS_FILE cannot be read (FileNotFoundError)"),
        (b"", "TOKEN_KEYS_FILE is empty"),
        (b" \n\n", "TOKEN_KEYS_FILE is empty"),
        ("clé".encode(), "TOKEN_KEYS_FILE cannot be read (UnicodeDecodeError)"),
        ("folder", "TOKEN_KEYS_FILE cannot be read (IsADirectoryError)"),
    ],
)
@pytest.mark.parametrize("besides", ["", OLD])
def test_a_named_file_without_keys_does_not_start(start, tmp_path, content, said, besides):
    path = tmp_path / "keys"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as refused:
        start(TOKEN_KEYS=besides, TOKEN_KEYS_FILE=str(path))
    assert said in str(refused.value)
    assert "one key a line" in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_that_may_not_be_read_does_not_start(start, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_text", refuse)  # the superuser may read everything
    with pytest.raises(ImproperlyConfigured, match=r"cannot be read \(PermissionError\)"):
        start(TOKEN_KEYS_FILE=str(tmp_path / "keys"))


def test_without_any_key_it_does_not_start_and_says_how_to_make_one(start):
    with pytest.raises(ImproperlyConfigured, match=r"TOKEN_KEYS is not set.*token_urlsafe"):
        start()
