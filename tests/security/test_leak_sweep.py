"""No token comes out: whatever the product shows, writes or leaves behind is read for it."""

import logging
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache

from media_assets import crypto, roles
from media_assets.models import AuditEvent, Connector, Operation, Upload
from tests.security.artefacts import Artefacts
from tests.security.crawling import NoValue, addresses, parameters_of
from tests.security.encodings import forms_of
from tests.security.logs import logging_everything
from tests.security.sweep import STEPS, Sweep
from tests.security.world import FIRST, MISTYPED, TOKENS, world

SMALLEST = 1_000  # artefacts
has_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux tells it")


@pytest.fixture
def sweep(transactional_db, settings, monkeypatch):
    """An installation, with everything logged from the first token on."""
    cache.clear()
    keys = [*settings.TOKEN_KEYS, settings.SECRET_KEY]
    with logging_everything() as log, world(settings) as made:
        yield Sweep(made, Artefacts(tokens=TOKENS, keys=keys), settings, monkeypatch, log)
    cache.clear()


@has_proc
def test_no_token_is_in_anything_that_comes_out(sweep, record_property):
    for step in STEPS:
        sweep.run(step)
    report = sweep.artefacts.report()
    record_property("leak sweep", report)
    logging.getLogger(__name__).info(report)
    print(report)  # noqa: T201  (pytest -rP shows it)
    assert sweep.artefacts.hits == []
    assert sweep.artefacts.read.total() >= SMALLEST, report


def in_a_page(sweep: Sweep, leak: str) -> None:
    Operation.objects.filter(server="0077").update(name=leak)


def in_a_header(sweep: Sweep, leak: str) -> None:
    def process_response(self: Any, request: Any, response: Any) -> Any:
        response.headers["X-Debug"] = leak
        return response

    sweep.monkeypatch.setattr(
        "django.middleware.common.CommonMiddleware.process_response", process_response
    )


def in_the_vendors_text(sweep: Sweep, leak: str) -> None:
    sweep.monkeypatch.setattr("media_assets.wolkvox.answers.redact", lambda text, *, token: text)


def in_a_sentence_about_keys(sweep: Sweep, leak: str) -> None:
    sweep.monkeypatch.setattr(crypto.KeyringError, "sentence", f"Not opened: {leak}")


def in_an_error(sweep: Sweep, leak: str) -> None:
    sweep.settings.DEFAULT_EXCEPTION_REPORTER = "django.views.debug.ExceptionReporter"


def in_a_label(sweep: Sweep, leak: str) -> None:
    Upload.objects.update(label=leak[:120])


def in_a_column(sweep: Sweep, leak: str) -> None:
    Connector.objects.filter(pk=sweep.world.connectors[0].pk).update(name=leak)


def in_the_admin_log(sweep: Sweep, leak: str) -> None:
    person = sweep.world.people["Owner"]
    LogEntry.objects.create(
        user=person, action_flag=CHANGE, object_repr="Tienda", change_message=leak
    )


def in_an_event(sweep: Sweep, leak: str) -> None:
    AuditEvent.objects.record("operation.token_set", by=None, on=None, token=leak)


def in_a_session(sweep: Sweep, leak: str) -> None:
    session = SessionStore(sweep.world.sessions[roles.MARKETING])
    session["token"] = leak
    session.save()


def in_a_commands_output(sweep: Sweep, leak: str) -> None:
    sweep.monkeypatch.setattr(
        "media_assets.management.commands.refresh_figures.Command.handle",
        lambda self, *args, **options: self.stdout.write(leak),
    )


def in_a_repr(sweep: Sweep, leak: str) -> None:
    sweep.monkeypatch.setattr(Operation, "__repr__", lambda self: f"<Operation {leak}>")


def in_a_pickle(sweep: Sweep, leak: str) -> None:
    state = Operation.__getstate__
    changed = {"leak": forms_of(FIRST)["hex-decoded"]}
    sweep.monkeypatch.setattr(Operation, "__getstate__", lambda self: state(self) | changed)


def in_the_cache(sweep: Sweep, leak: str) -> None:
    cache.set("token", leak)


def in_the_log(sweep: Sweep, leak: str) -> None:
    logging.getLogger("media_assets.delivery.worker").debug("sending %s", leak)


def in_an_argument_of_a_record(sweep: Sweep, leak: str) -> None:
    logging.getLogger("django.request").debug("sending %.3s", leak)


def in_the_environment(sweep: Sweep, leak: str) -> None:
    sweep.environment = {"WOLKVOX_TOKEN": leak}


def in_the_output_of_a_process(sweep: Sweep, leak: str) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "sitecustomize.py").write_text(f"print({leak!r}, flush=True)")  # runs first
    sweep.environment = {"PYTHONPATH": str(folder)}


def in_a_command_line(sweep: Sweep, leak: str) -> None:
    popen = subprocess.Popen

    def with_an_option(command: Any, **options: Any) -> Any:
        return popen([command[0], "-X", leak, *command[1:]], **options)

    sweep.monkeypatch.setattr(subprocess, "Popen", with_an_option)


Plant = Callable[[Sweep, str], None]
PLANTS: list[tuple[str, str, str, Plant]] = [
    ("page", "pages", "raw", in_a_page),
    ("page", "pages", "reversed", in_a_header),
    ("page after a fault", "faults", "upper", in_the_vendors_text),
    ("tool at a fault", "faults", "base64", in_the_vendors_text),
    ("page under a wrong key", "wrong key", "base64url", in_a_sentence_about_keys),
    ("error page", "error pages", "raw", in_an_error),
    ("error mail", "error pages", "raw", in_an_error),
    ("export", "exports", "hex", in_a_label),
    ("dumpdata", "dumps", "base64 after one byte", in_a_column),
    ("table", "database", "base64 after two bytes", in_a_column),
    ("database", "database", "double URL", in_the_admin_log),
    ("admin log", "recorded", "HTML", in_the_admin_log),
    ("audit event", "recorded", "HTML in hex", in_an_event),
    ("session", "sessions", "URL", in_a_session),
    ("command", "commands", "last 12", in_a_commands_output),
    ("object", "objects", "first 12", in_a_repr),
    ("pickle", "objects", "hex-decoded", in_a_pickle),
    ("cache", "caches", "JSON", in_the_cache),
    ("log", "logs", "URL", in_the_log),
    ("log", "logs", "raw", in_an_argument_of_a_record),
    ("environ", "processes", "raw", in_the_environment),
    ("cmdline", "processes", "base64", in_a_command_line),
    ("output of a process", "processes", "hex", in_the_output_of_a_process),
]


@has_proc
@pytest.mark.parametrize(("kind", "step", "encoding", "plant"), PLANTS)
def test_a_leak_is_found_wherever_it_is(sweep, kind, step, encoding, plant):
    few = replace(sweep, everybody=["Owner"], faults=["msg-token", "echo-success-base64"])
    secret = MISTYPED if plant is in_an_error else FIRST
    plant(few, forms_of(secret)[encoding].decode("latin-1"))
    few.run(step)
    found = {(hit.kind, hit.encoding) for hit in few.artefacts.hits}
    assert (kind, encoding) in found


@has_proc
def test_each_kind_of_artefact_has_had_a_leak_planted(sweep):
    few = replace(sweep, everybody=["anonymous"], faults=["401"])
    for step in STEPS:
        few.run(step)
    assert set(few.artefacts.read) == {kind for kind, *_ in PLANTS}


def test_an_address_without_values_for_its_parameters_is_an_error(sweep):
    parameters = {**parameters_of(), "saved-views/": {}}
    with pytest.raises(NoValue, match="saved-views"):
        addresses(parameters)
