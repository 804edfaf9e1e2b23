"""System checks: each mistake in the settings is named, with what to do about it."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

from media_assets import crypto
from media_assets.models import UploadText
from media_assets.search import search_for
from tests.factories import make_upload

REAL = "https://wv{server}.wolkvox.com/api/v2/"
SANDBOX = "http://127.0.0.1:9000/wv{server}/api/v2/"


@pytest.fixture(autouse=True)
def the_real_service(settings):
    settings.WOLKVOX_BASE_URL = REAL


def found():
    return [issue for issue in run_checks() if (issue.id or "").startswith("media_assets.")]


def test_good_settings_are_met_with_silence(settings):
    for base_url, demo in ((REAL, False), (SANDBOX, True)):
        settings.WOLKVOX_BASE_URL = base_url
        settings.DEMO = demo
        assert found() == []


@pytest.mark.parametrize("keys", [[], ["too-short"], ["A" * 42 + "!"]])
def test_keys_that_are_none(settings, keys):
    settings.TOKEN_KEYS = keys

    (issue,) = found()
    assert issue.id == "media_assets.E001"
    assert "TOKEN_KEYS" in issue.msg
    assert "--new-key" in issue.hint
    assert not [key for key in keys if key in str(issue)]


@pytest.mark.parametrize(
    "base_url",
    [
        "https://wv{server}.evil.test/api/v2/",
        "http://wv{server}.wolkvox.com/api/v2/",
        "http://10.0.0.5/wv{server}/",
        "http://127.0.0.1:9000/api/v2/",
        "",
    ],
)
def test_a_base_url_to_which_no_token_may_travel(settings, base_url):
    settings.WOLKVOX_BASE_URL = base_url

    (issue,) = found()
    assert issue.id == "media_assets.E002"
    assert "WOLKVOX_BASE_URL" in issue.msg
    assert issue.hint


@pytest.mark.parametrize("host", ["http://files.example.org", "a b", "http://127.0.0.1:9000/files"])
def test_storage_hosts_that_cannot_be_probed(settings, host):
    settings.STORAGE_HOSTS = ["storage.googleapis.com/wvox-", host]
    settings.SANDBOX = False

    (issue,) = found()
    assert issue.id == "media_assets.E003"
    assert issue.hint


def test_a_demonstration_on_the_real_service(settings):
    settings.DEMO = True
    settings.WOLKVOX_BASE_URL = REAL

    (issue,) = found()
    assert issue.id == "media_assets.E004"


def _check(*arguments, **environment):
    """`manage.py check` in a process of its own, with these settings only."""
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=configured.BASE_DIR,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_like_environment_passes_the_deployment_checks():
    check = _check(
        *("--deploy", "--fail-level", "WARNING"),
        SECRET_KEY="production-like-" + "k3y" * 20,
        TOKEN_KEYS=crypto.generate_key(),
        ALLOWED_HOSTS="media.example.org",
        DATABASE_URL="sqlite:////dev/null",
    )

    assert check.returncode == 0, check.stderr
    assert "no issues" in check.stdout


def test_a_missing_setting_is_a_sentence_and_no_traceback():
    check = _check()

    assert check.returncode == 1
    (line,) = check.stderr.splitlines()
    assert line.startswith("SECRET_KEY is not set. Put SECRET_KEY=")
    assert "Traceback" in _check("--traceback").stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DELIVERY_LEASE", timedelta(seconds=60)),
        ("DELIVERY_LEASE", timedelta(seconds=171)),
        ("DELIVERY_DEADLINE", timedelta(seconds=90)),
        ("DELIVERY_THREADS", 0),
    ],
)
def test_times_under_which_two_calls_could_be_made_at_once(settings, name, value):
    setattr(settings, name, value)

    (issue,) = found()
    assert issue.id == "media_assets.E005"
    assert "DELIVERY_LEASE" in issue.hint


@pytest.mark.parametrize(
    ("values", "number", "named"),
    [
        ({"REQUIRE_MFA": "yes"}, "E020", "REQUIRE_MFA"),
        ({"SESSION_IDLE": timedelta(seconds=5)}, "E021", "SESSION_IDLE"),
        ({"SESSION_IDLE": timedelta(days=2)}, "E021", "SESSION_ABSOLUTE"),
        ({"MAIL_IS_SET_UP": True, "DEFAULT_FROM_EMAIL": ""}, "E022", "MAIL_FROM"),
        ({"OIDC_CLIENT_ID": ""}, "E023", "OIDC_CLIENT_ID"),
        ({"OIDC_ROLES": {}}, "E023", "OIDC_ROLES"),
        ({"OIDC_ROLES": {"team": "king"}}, "E023", "king"),
        ({"OIDC_ISSUER": "http://id.example.org"}, "E023", "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "id.example.org"}, "E023", "OIDC_ISSUER"),
    ],
)
def test_mistakes_about_people_are_named(values, number, named, settings):
    for name, value in values.items():
        setattr(settings, name, value)

    (issue,) = found()
    assert issue.id == f"media_assets.{number}"
    assert named in issue.msg
    assert issue.hint


@pytest.mark.django_db
def test_a_lost_search_index_is_named_and_migrate_brings_it_back_with_all_rows(supervisor):
    def warnings():
        return [issue.id for issue in run_checks(tags=["database"], databases=["default"])]

    assert "media_assets.W007" not in warnings()
    with connection.cursor() as cursor:
        lost = (
            "TRIGGER upload_words_added" if connection.vendor == "sqlite" else "INDEX upload_words"
        )
        cursor.execute(f"DROP {lost}")
    upload = make_upload(label="zafiro")

    assert "media_assets.W007" in warnings()
    connection.check_constraints()  # PostgreSQL makes no index while checks of rows are pending
    call_command("migrate", verbosity=0)

    assert "media_assets.W007" not in warnings()
    assert list(search_for("zafiro", connectors=[]).few or ()) == [upload.pk]
    UploadText.objects.write([upload])  # what is not in SQLite's index cannot be taken out of it
