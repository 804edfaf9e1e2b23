"""What is not fit for others to reach does not start, and says why and what to do."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings as configured
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client

from media_assets import crypto, safe_start
from media_assets.models import AuditEvent
from wolkvox_admin import serving

REAL = "https://wv{server}.wolkvox.com/api/v2/"
SANDBOX = "http://127.0.0.1:9000/wv{server}/api/v2/"
GOOD_SECRET = "Zb7-qK2xW9_fLr4TnYc8VgHm3JdPs6EuAaQ1iXo5RwUkBtNzMlCv0"
PROGRAMS = {
    "check": ["manage.py", "check", "--deploy"],
    "worker": ["manage.py", "deliver", "--until-idle"],
    "web": ["-c", "import wolkvox_admin.wsgi"],
}


@pytest.fixture(autouse=True)
def production(settings):
    settings.WOLKVOX_BASE_URL, settings.SANDBOX, settings.DEMO = REAL, False, False
    settings.SECRET_KEY = GOOD_SECRET
    settings.ALLOWED_HOSTS = ["media.example.org"]
    return settings


def found(**options):
    """What our checks say, by their ids."""
    issues = run_checks(**options)
    return {
        name.removeprefix("media_assets."): issue
        for issue in issues
        if (name := issue.id or "").startswith("media_assets.")
    }


def test_a_production_as_it_should_be_is_met_with_silence():
    assert found() == {}


@pytest.mark.parametrize(
    ("code", "name", "values"),
    [
        ("E030", "SECRET_KEY", ["short", "x" * 80, "django-insecure-" + GOOD_SECRET]),
        ("E030", "SECRET_KEY", ["<50 random characters>" + GOOD_SECRET, GOOD_SECRET[:49]]),
        ("E030", "SECRET_KEY", ["change-me" + GOOD_SECRET, "your-secret-key" + GOOD_SECRET]),
        ("E031", "DEBUG", [True]),
        ("E032", "ALLOWED_HOSTS", [[], ["*"], ["media.example.org", "*"], [""], ["."], [" * "]]),
        ("E032", "ALLOWED_HOSTS", [["https://media.example.org"], ["a.example.org:443"], ["a/b"]]),
        ("E033", "WOLKVOX_BASE_URL", [SANDBOX, "http://localhost:8001/wv{server}/api/v2/"]),
        ("E036", "TRUSTED_PROXIES", [0, -1]),
    ],
)
def test_a_setting_that_others_must_not_meet_is_named_with_what_to_do(settings, code, name, values):
    for value in values:
        setattr(settings, name, value)
        (issue,) = found().values()
        assert issue.id == f"media_assets.{code}"
        assert issue.is_serious()
        assert name in issue.msg
        assert issue.hint
        assert GOOD_SECRET not in str(issue)


def test_a_demonstration_may_have_all_of_it(settings):
    settings.DEMO = settings.DEBUG = settings.SANDBOX = True
    settings.SECRET_KEY = "short"
    settings.WOLKVOX_BASE_URL = SANDBOX
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "demo.localhost"]
    assert found() == {}


@pytest.mark.parametrize("name", ["*", "demo.example.org", ".example.org", "192.168.1.7", "[::]"])
def test_a_demonstration_has_no_public_name(settings, name):
    settings.DEMO = settings.SANDBOX = True
    settings.WOLKVOX_BASE_URL = SANDBOX
    settings.ALLOWED_HOSTS = ["127.0.0.1", name]
    (issue,) = found().values()
    assert issue.id == "media_assets.E035"
    assert name in issue.msg


def test_the_database_of_a_demonstration_is_recognised_for_ever(db, settings, monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert "E034" not in found(include_deployment_checks=True)

    AuditEvent.objects.record(safe_start.FILLED, by=None)

    assert found(include_deployment_checks=True)["E034"].is_serious()
    assert found(databases=["default"])["E034"].hint
    assert "E034" not in found()  # a check that asks the database has to be told so
    settings.DEMO = True
    assert "E034" not in found(databases=["default"])


def test_a_database_that_is_away_does_not_keep_the_web_from_starting(db, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(AuditEvent.objects, "filter", away)
    assert "E034" not in found(databases=["default"])


def test_all_that_is_wrong_is_said_at_once(db, settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["*"]
    with pytest.raises(ImproperlyConfigured) as caught:
        safe_start.require()
    assert "media_assets.E031" in str(caught.value)
    assert "media_assets.E032" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is short"),
        ({"TOKEN_KEYS": ""}, "TOKEN_KEYS is not set"),
        ({"TOKEN_KEYS": "no-key"}, "TOKEN_KEYS"),
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS allows every name"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"WOLKVOX_BASE_URL": SANDBOX}, "WOLKVOX_BASE_URL is not the real service"),
        ({"DEMO": "true"}, "WOLKVOX_BASE_URL is the real service"),
        ({"SESSION_IDLE": "half an hour"}, "SESSION_IDLE cannot be read"),
    ],
    ids=str,
)
def test_neither_check_nor_worker_nor_web_starts(wrong, words, tmp_path):
    said = _started(wrong, tmp_path)
    for program, (code, text) in said.items():
        assert code != 0, (program, text)
        assert words in text, (program, text)


def test_all_three_start_as_they_should(tmp_path):
    _run(["manage.py", "migrate", "-v0"], _environment({}, tmp_path))
    assert {name: code for name, (code, _text) in _started({}, tmp_path).items()} == {
        "check": 0,
        "worker": 0,
        "web": 0,
    }


def test_none_of_them_starts_on_the_database_of_a_demonstration(tmp_path):
    good = _environment({}, tmp_path)
    _run(["manage.py", "migrate", "-v0"], good)
    mark = "from media_assets.models import AuditEvent as e; e.objects.record('{}', by=None)"
    _run(["manage.py", "shell", "-c", mark.format(safe_start.FILLED)], good)
    for program, (code, text) in _started({}, tmp_path).items():
        assert code != 0, program
        assert "media_assets.E034" in text, program


def test_gunicorn_stops_and_says_why(tmp_path):
    arguments = ["-m", "gunicorn", "wolkvox_admin.wsgi", "--bind", "127.0.0.1:0"]
    done = _run([*arguments, "--no-control-socket"], _environment({"DEBUG": "1"}, tmp_path))
    assert done.returncode == 3
    assert "media_assets.E031" in done.stdout


@pytest.mark.parametrize("bind", ["0.0.0.0:0", "[::]:0", ":0"])
def test_gunicorn_shows_a_demonstration_to_nobody_else(bind, tmp_path):
    demo = {"DEMO": "true", "WOLKVOX_BASE_URL": SANDBOX, "ALLOWED_HOSTS": "127.0.0.1"}
    arguments = ["-m", "gunicorn", "wolkvox_admin.wsgi", "--bind", bind, "--no-control-socket"]
    started = time.monotonic()
    done = _run(arguments, _environment(demo, tmp_path))
    assert done.returncode == 1
    assert "listens on this machine only" in done.stdout
    assert time.monotonic() - started < 60


def test_a_demonstration_may_listen_on_loopback_and_production_anywhere(settings):
    public = SimpleNamespace(cfg=SimpleNamespace(address=[("0.0.0.0", 8000)]))
    here = [("127.0.0.1", 8000), ("::1", 8000), ("localhost", 8000), "/run/web.sock"]
    serving.on_starting(public)
    settings.DEMO = True
    serving.on_starting(SimpleNamespace(cfg=SimpleNamespace(address=here)))
    with pytest.raises(SystemExit):
        serving.on_starting(public)


@pytest.mark.parametrize("address", ["192.168.1.7", "203.0.113.9", "2001:db8::1"])
def test_a_demonstration_answers_nobody_from_elsewhere(address, settings, db):
    neighbour = Client(REMOTE_ADDR=address, headers={"accept-language": "en"})
    settings.ALLOWED_HOSTS = ["testserver"]
    assert neighbour.get("/account/sign-in/").status_code == 200

    settings.DEMO = True
    answer = neighbour.get("/account/sign-in/")
    assert answer.status_code == 403
    assert "own machine only" in answer.content.decode()
    for near in ("127.0.0.1", "::1", "::ffff:127.0.0.1", ""):
        assert Client(REMOTE_ADDR=near).get("/account/sign-in/").status_code == 200


def _environment(wrong, folder):
    good = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": GOOD_SECRET,
        "TOKEN_KEYS": crypto.generate_key(),
        "ALLOWED_HOSTS": "media.example.org",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "wolkvox_admin.settings",
    }
    return good | wrong


def _started(wrong, folder):
    environment = _environment(wrong, folder)
    done = {name: _run(program, environment) for name, program in PROGRAMS.items()}
    return {name: (one.returncode, one.stdout) for name, one in done.items()}


def _run(arguments, environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=configured.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
