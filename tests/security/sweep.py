"""Reading everything that the product writes, shows and leaves behind, kind by kind."""

import contextlib
import io
import logging
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test import Client
from django.utils.log import AdminEmailHandler
from pytest_django.fixtures import Settings

from media_assets import crypto, roles
from media_assets.admin import vendor
from media_assets.delivery import claim_next
from media_assets.models import AuditEvent, Operation, Status
from media_assets.wolkvox.sandbox.faults import FAULTS
from tests.admin_pages import OPERATIONS, address, form
from tests.factories import make_upload
from tests.faults.delivering import run_worker, skip_waits
from tests.security import children
from tests.security.artefacts import ZIPPED, Artefacts
from tests.security.breaking import PLACES, break_at
from tests.security.crawling import addresses, parameters_of
from tests.security.echoes import echoes
from tests.security.logs import Log
from tests.security.world import EVERYBODY, MISTYPED, World

READERS = [roles.MARKETING, roles.SUPERVISOR, "Owner"]
ADMINS = [roles.CONNECTOR_ADMIN, "Owner"]
WAITING = timedelta(seconds=1)


@dataclass
class Sweep:
    """`everybody` and `faults` are all there are, unless a test wants fewer.

    environment: of the processes besides what they need.
    """

    world: World
    artefacts: Artefacts
    settings: Settings
    monkeypatch: pytest.MonkeyPatch
    log: Log
    everybody: Sequence[str] = tuple(EVERYBODY)
    faults: Sequence[str] = (*FAULTS, *echoes())
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, step: str) -> None:
        logging.getLogger().handlers = [self.log]  # and nobody else, who would keep it all
        STEPS[step](self)

    def look(
        self, kind: str, client: Client, url: str, data: Any = None, *, follow: bool = False
    ) -> None:
        """Get or post, and add what came back with its headers and cookies."""
        response = client.get(url) if data is None else client.post(url, data)
        streamed = getattr(response, "streaming_content", None)
        body = response.content if streamed is None else b"".join(streamed)
        response.close()
        if not body.startswith(ZIPPED):
            head = f"{response.status_code} {dict(response.headers)} {response.cookies.output()}\n"
            body = head.encode() + body
        self.artefacts.add(kind, url, body)
        if follow and "Location" in response.headers:
            self.look(kind, client, response.headers["Location"])


def pages(sweep: Sweep) -> None:
    """Every address as everybody, read and written to; what is written is taken back."""
    for who in sweep.everybody:
        for url in addresses(parameters_of()):
            sweep.look("page", sweep.world.visitor(who), url)
            with transaction.atomic():
                typed = (
                    form(server="42", new_token=MISTYPED, name="x") if "/operation/" in url else {}
                )
                sweep.look("page", sweep.world.visitor(who), url, typed)
                transaction.set_rollback(True)


def faults(sweep: Sweep) -> None:
    """Uploads, and the admin's own calls, through whatever wolkvox may answer."""
    world, operation = sweep.world, sweep.world.operations[0]
    sweep.settings.DELIVERY_DEADLINE = WAITING
    with sweep.monkeypatch.context() as patch:
        patch.setattr(vendor, "DEADLINE", WAITING.total_seconds())
        for name, fault in echoes().items():
            patch.setitem(FAULTS, name, fault)
        for name in sweep.faults:
            world.box.faults.clear()
            world.box.faults.set(name)
            upload = make_upload(world.connectors[0], world.people[READERS[0]], Status.QUEUED)
            run_worker()
            for who in READERS:
                sweep.look("page after a fault", world.visitor(who), upload.get_absolute_url())
            _look_again(operation)
            for tool in ("test", "import"):
                client = world.visitor(roles.CONNECTOR_ADMIN)
                url = address(operation, tool)
                sweep.look("tool at a fault", client, url, {}, follow=True)
            _look_again(operation)
    make_upload(world.connectors[-1], world.people[READERS[0]], Status.QUEUED)
    run_worker()  # the token that breaks a header
    world.box.faults.clear()


def _look_again(operation: Operation) -> None:
    skip_waits()
    Operation.objects.filter(pk=operation.pk).resume()


def wrong_key(sweep: Sweep) -> None:
    before, operation = sweep.settings.TOKEN_KEYS, sweep.world.operations[0]
    make_upload(sweep.world.connectors[0], sweep.world.people[READERS[0]], Status.QUEUED)
    for keys in ([crypto.generate_key()], ["damaged"], []):
        sweep.settings.TOKEN_KEYS = keys
        run_worker()
        for who in ADMINS:
            client = sweep.world.visitor(who)
            for url in ("/", "/history/", OPERATIONS, address(operation)):
                sweep.look("page under a wrong key", client, url)
            for tool in ("test", "import"):
                url = address(operation, tool)
                sweep.look("page under a wrong key", client, url, {}, follow=True)
            typed = form(operation, new_token=MISTYPED)
            sweep.look("page under a wrong key", client, address(operation), typed)
        _look_again(operation)
    sweep.settings.TOKEN_KEYS = before


def error_pages(sweep: Sweep) -> None:
    """With DEBUG and without, and the mails that are sent of them."""
    sweep.settings.ADMINS = [("Olga", "olga@example.org")]
    handler, logger = AdminEmailHandler(include_html=True), logging.getLogger("django.request")
    logger.addHandler(handler)
    for debug in (True, False):
        sweep.settings.DEBUG = debug
        for number, place in enumerate(PLACES):
            with sweep.monkeypatch.context() as patch:
                break_at(patch, place, said=f"at {MISTYPED}")
                client = sweep.world.visitor(roles.CONNECTOR_ADMIN)
                client.raise_request_exception = False
                typed = form(name=f"Broken {debug} {number}", new_token=MISTYPED)
                response = client.post(f"{OPERATIONS}add/", typed)
            assert response.status_code == 500
            sweep.artefacts.add("error page", f"{place} {debug}", response.content)
    sweep.settings.DEBUG = False
    logger.removeHandler(handler)
    for number, message in enumerate(mail.outbox):
        sweep.artefacts.add("error mail", str(number), message.message().as_string())
        assert isinstance(message, mail.EmailMultiAlternatives)
        for content, _type in message.alternatives:
            sweep.artefacts.add("error mail", f"{number} in HTML", str(content))
    mail.outbox.clear()


def exports(sweep: Sweep) -> None:
    client = sweep.world.visitor(roles.SUPERVISOR)
    for name in ("history", "audit"):
        for ending in ("csv", "xlsx"):
            for query in ("", "?machine=1"):
                sweep.look("export", client, f"/{name}/export.{ending}{query}")


def dumps(sweep: Sweep) -> None:
    for format in ("json", "xml", "jsonl"):
        out = io.StringIO()
        call_command("dumpdata", format=format, stdout=out)
        sweep.artefacts.add("dumpdata", format, out.getvalue())


def database(sweep: Sweep) -> None:
    """Every table, and all of it as a dump has it; on SQLite the file itself with its journal."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT * FROM {name}")
            rows = "\n".join(repr(row) for row in cursor.fetchall())
            sweep.artefacts.add("table", table, rows)
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {name} TO STDOUT") as copied:
                    sweep.artefacts.add("database", table, b"".join(map(bytes, copied)))
    if connection.vendor == "sqlite":
        lines = "\n".join(connection.connection.iterdump())
        sweep.artefacts.add("database", "iterdump", lines)
        for ending in ("", "-wal"):
            path = Path(f"{connection.settings_dict['NAME']}{ending}")
            sweep.artefacts.add("database", path.name, path.read_bytes())


def sessions(sweep: Sweep) -> None:
    for session in Session.objects.all():
        sweep.artefacts.add("session", "decoded", repr(session.get_decoded()))


def recorded(sweep: Sweep) -> None:
    for entry in LogEntry.objects.all():
        said = f"{entry} {entry.get_change_message()} {entry.object_repr}"
        sweep.artefacts.add("admin log", str(entry.pk), said)
    for event in AuditEvent.objects.all():
        sweep.artefacts.add("audit event", str(event.pk), f"{event} {vars(event)}")


COMMANDS: dict[str, list[list[str]]] = {
    "deliver": [["--until-idle"], ["--help"]],
    "invite": [["new@example.org", "--role", "owner", "--origin", "https://media.example.org"]],
    "purge_history": [["--older-than", "1d", "--dry-run"]],
    "refresh_figures": [[], ["--all"]],
    "rotate_tokens": [["--check"], []],
    "seed_demo": [
        ["--state", "{folder}/sandbox.json"],
        ["--state", "{folder}/sandbox.json", "--new-passwords"],
    ],
    "verify_audit": [[]],
    "wolkvox_sandbox": [
        ["--state", "{folder}/sandbox.json", "--port", "-1"],
        ["--host", "0.0.0.0"],
    ],
    "check": [["--database", "default"]],
    "showmigrations": [[]],
    "inspectdb": [[]],
}


def commands(sweep: Sweep) -> None:
    """What each of the product's commands prints; a new one has to be added to COMMANDS."""
    ours = {name for name, app in get_commands().items() if app == "media_assets"}
    assert ours <= set(COMMANDS), "the output of each command has to be swept"
    sweep.settings.DEMO = True  # or one of them would only say that it does nothing
    with tempfile.TemporaryDirectory() as folder:
        for name, runs in COMMANDS.items():
            for run in runs:
                arguments = [argument.replace("{folder}", folder) for argument in run]
                sweep.artefacts.add("command", f"{name} {run}", _said_by(name, *arguments))
    sweep.settings.DEMO = False


def _said_by(name: str, *arguments: str) -> str:
    out, told = io.StringIO(), ""
    with contextlib.redirect_stdout(out):  # --help goes there
        try:
            call_command(name, *arguments, stdout=out, stderr=out)
        except (CommandError, SystemExit) as error:
            told = str(error)
    return out.getvalue() + told


def objects(sweep: Sweep) -> None:
    """What a shell, a debugger or a careless log line would show of them."""
    for model in apps.get_app_config("media_assets").get_models():
        for row in model._default_manager.all()[:20]:
            row = model._default_manager.get(pk=row.pk)
            shown = f"{row!r} {row} {vars(row)} {model_to_dict(row)}"
            sweep.artefacts.add("object", f"{model.__name__} {row.pk}", shown)
            sweep.artefacts.add("pickle", f"{model.__name__} {row.pk}", pickle.dumps(row))
    make_upload(sweep.world.connectors[0], status=Status.QUEUED)
    operation = Operation.objects.get(pk=sweep.world.operations[0].pk)
    _look_again(operation)
    claim = claim_next(operation.token_fingerprint)
    assert claim is not None
    sweep.artefacts.add("object", "claim", f"{claim!r} {claim.client!r} {claim.upload!r}")


def caches(sweep: Sweep) -> None:
    url = sweep.world.box.storage_url("promo-julio.jpg")
    sweep.look("page", sweep.world.visitor(roles.MARKETING), f"/uploads/new/probe/?url={url}")
    for key, value in list(getattr(cache, "_cache", {}).items()):
        sweep.artefacts.add("cache", key, value)


def processes(sweep: Sweep) -> None:
    children.read(sweep.world, sweep.artefacts, environment=sweep.environment)


def logs(sweep: Sweep) -> None:
    """All that was logged up to here, some hundred lines at a time."""
    lines = sweep.log.lines
    for first in range(0, len(lines), 500):
        sweep.artefacts.add("log", f"from line {first}", "\n".join(lines[first : first + 500]))


STEPS: dict[str, Callable[[Sweep], None]] = {
    "pages": pages,
    "faults": faults,
    "wrong key": wrong_key,
    "error pages": error_pages,
    "exports": exports,
    "processes": processes,
    "objects": objects,
    "commands": commands,
    "dumps": dumps,
    "sessions": sessions,
    "recorded": recorded,
    "caches": caches,
    "database": database,
    "logs": logs,
}
