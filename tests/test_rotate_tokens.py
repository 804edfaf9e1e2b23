"""`manage.py rotate_tokens`: new keys come, old ones go, and no token is lost or shown."""

import os
import subprocess
import sys

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.core.management import CommandError, call_command

from media_assets import crypto
from media_assets.models import Operation
from tests.factories import make_operation

TOKEN = "57d1a9" * 8 + "f00d"
OTHER_TOKEN = "c0ffee" * 8 + "beef"
OLD, NEW = crypto.generate_key(), crypto.generate_key()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _old_key(settings):
    settings.TOKEN_KEYS = [OLD]


@pytest.fixture
def run(capsys):
    """Run the command; what it printed, after a look that nothing secret is in it."""

    def run(*arguments):
        problem = ""
        try:
            call_command("rotate_tokens", *arguments)
        except CommandError as error:
            problem = str(error)
        captured = capsys.readouterr()
        text = captured.out + captured.err + problem
        for secret in (TOKEN, OTHER_TOKEN, OLD, NEW):
            assert secret not in text
        return text

    return run


def id_of(key, settings):
    before, settings.TOKEN_KEYS = settings.TOKEN_KEYS, [key]
    key_id = crypto.keyring().newest_id
    settings.TOKEN_KEYS = before
    return key_id


def test_a_new_key_is_printed_and_is_good(capsys, settings):
    call_command("rotate_tokens", "--new-key")
    key = capsys.readouterr().out.strip()

    settings.TOKEN_KEYS = [key]
    assert crypto.keyring().newest_id


def test_a_new_key_is_printed_also_while_the_old_ones_are_damaged():
    command = [sys.executable, "manage.py", "rotate_tokens", "--new-key"]
    environment = os.environ | {"TOKEN_KEYS": "damaged"}
    run = subprocess.run(
        command,
        cwd=configured.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(run.stdout.strip()) == 43


def test_every_token_comes_under_the_newest_key(run, settings):
    first, second = make_operation(token=TOKEN), make_operation(token=OTHER_TOKEN)
    without = make_operation()
    settings.TOKEN_KEYS = [NEW, OLD]

    text = run()

    assert "2 sealed again" in text
    assert "0 could not be opened" in text
    settings.TOKEN_KEYS = [NEW]
    for operation, token in ((first, TOKEN), (second, OTHER_TOKEN)):
        operation.refresh_from_db()
        assert operation.reveal_token() == token
        assert operation.token_fingerprint == crypto.fingerprints(token)[0]
    without.refresh_from_db()
    assert not without.has_token


def test_a_second_run_finds_nothing_to_do(run, settings):
    operation = make_operation(token=TOKEN)
    settings.TOKEN_KEYS = [NEW, OLD]
    run()
    operation.refresh_from_db()
    sealed = operation.sealed_token

    assert "0 sealed again" in run()

    operation.refresh_from_db()
    assert operation.sealed_token == sealed


def test_operations_that_share_a_token_share_it_before_and_after(run, settings):
    for _ in range(3):
        make_operation(token=TOKEN)
    settings.TOKEN_KEYS = [NEW, OLD]

    run()

    assert Operation.objects.sharing(crypto.fingerprints(TOKEN)[0]).count() == 3


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_killed_anywhere_it_loses_nothing_and_goes_on(run, settings, monkeypatch, stop_at):
    tokens = {}
    for token in (TOKEN, OTHER_TOKEN, TOKEN, OTHER_TOKEN):
        tokens[make_operation(token=token).pk] = token
    settings.TOKEN_KEYS = [NEW, OLD]
    seal, calls = crypto.seal, []

    def seal_until_killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        return seal(*args, **kwargs)

    monkeypatch.setattr(crypto, "seal", seal_until_killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(crypto, "seal", seal)

    for pk, token in tokens.items():
        operation = Operation.objects.get(pk=pk)
        assert operation.reveal_token() == token
        assert Operation.objects.sharing(operation.token_fingerprint).count() == 2
    run()
    settings.TOKEN_KEYS = [NEW]
    assert [Operation.objects.get(pk=pk).reveal_token() for pk in tokens] == list(tokens.values())


@pytest.mark.postgresql_only
def test_rows_are_locked_against_who_sets_a_token_meanwhile(
    run, settings, django_assert_max_num_queries
):
    make_operation(token=TOKEN)
    settings.TOKEN_KEYS = [NEW, OLD]
    with django_assert_max_num_queries(20) as captured:
        run()
    assert any("FOR NO KEY UPDATE" in query["sql"] for query in captured)


def test_a_second_factor_that_cannot_be_opened_is_counted_and_named_as_a_problem(run, owner):
    factor = Authenticator.objects.create(user=owner, type="totp", data={"secret": "damaged"})
    moved = crypto.seal_text("secret", purpose="another")  # under the newest key
    for sealed in (moved, "damaged", "v1.deadbeef." + "A" * 40):
        Authenticator.objects.filter(pk=factor.pk).update(data={"secret": sealed})
        for arguments in ([], ["--check"]):
            assert "second factors that could not be opened: 1" in run(*arguments)
    assert "Key deadbeef: needed by 1; NOT in TOKEN_KEYS" in run("--check")


def test_a_token_that_cannot_be_opened_is_named_and_the_others_are_done(run, settings):
    lost = make_operation(token=TOKEN, name="Tienda")
    settings.TOKEN_KEYS = [NEW]
    good = make_operation(token=OTHER_TOKEN)
    newest = crypto.generate_key()
    settings.TOKEN_KEYS = [newest, NEW]
    sealed = lost.sealed_token

    text = run()

    assert "1 sealed again" in text
    assert "could not be opened: Tienda" in text
    lost.refresh_from_db()
    good.refresh_from_db()
    assert lost.sealed_token == sealed
    assert good.reveal_token() == OTHER_TOKEN


def test_check_says_which_keys_are_needed_and_changes_nothing(run, settings):
    make_operation(token=TOKEN)
    make_operation(token=OTHER_TOKEN)
    settings.TOKEN_KEYS = [NEW, OLD]
    before = list(Operation.objects.values())

    text = run("--check")
    assert f"Key {id_of(OLD, settings)}: needed by 2\n" in text
    assert f"Key {id_of(NEW, settings)}: needed by 0 (newest)" in text
    assert list(Operation.objects.values()) == before

    run()
    text = run("--check")
    assert f"Key {id_of(OLD, settings)}: needed by 0; it may be removed from TOKEN_KEYS" in text
    assert f"Key {id_of(NEW, settings)}: needed by 2 (newest)" in text


def test_check_names_a_key_that_is_gone(run, settings):
    make_operation(token=TOKEN, name="Tienda")
    gone = id_of(OLD, settings)
    settings.TOKEN_KEYS = [NEW]

    text = run("--check")

    assert f"Key {gone}: needed by 1; NOT in TOKEN_KEYS" in text
    assert "could not be opened: Tienda" in text


def test_a_damaged_value_is_told(run):
    operation = make_operation(token=TOKEN, name="Tienda")
    for damage in ("rubbish", operation.sealed_token[:-4] + "AAAA"):
        Operation.objects.filter(pk=operation.pk).update(sealed_token=damage)

        for arguments in ((), ("--check",)):
            assert "could not be opened: Tienda" in run(*arguments)


def test_without_a_usable_key_one_sentence_and_failure(run, settings):
    settings.TOKEN_KEYS = ["damaged"]

    for arguments in ((), ("--check",)):
        assert "malformed" in run(*arguments)
