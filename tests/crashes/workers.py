"""Workers as real processes: started, stopped at a point, killed, and asked what they said."""

import contextlib
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import OperationalError, connection

from media_assets.models import Upload
from media_assets.wolkvox.sandbox import Sandbox
from media_assets.wolkvox.sandbox.ledger import Call
from media_assets.wolkvox.sandbox.phases import Phase
from tests import waiting
from tests.waiting import PATIENCE

# As in production, only shorter: a call ends within its lease, and what is left is taken up soon.
SHORT = {
    "DELIVERY_START_WITHIN": "1.5",
    "DELIVERY_DEADLINE": "2",
    "DELIVERY_LEASE": "3.6",
    "DELIVERY_UNCLEAR": "3.6",
    "DELIVERY_POLL": "1",
    "DELIVERY_NOT_SENT_FIRST": "0.2",
    "DELIVERY_BUSY_FIRST": "0.2",
}


class WorkerProcess:
    """`manage.py deliver` in a process of its own."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        pause_at: str = "",
        clock: float = 0.0,
        arguments: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self._output = tempfile.TemporaryFile("w+b")  # noqa: SIM115  (closed by `close`)
        self._reached, announce = os.pipe()
        go, self._go = os.pipe()
        plan = {"point": pause_at, "announce": announce, "go": go, "clock": clock}
        program = [sys.executable, "manage.py"]
        if pause_at or clock:
            program = [sys.executable, "-m", "tests.crashes.pausing", json.dumps(plan)]
        self.process = subprocess.Popen(
            [*prefix, *program, "deliver", *arguments],
            cwd=settings.BASE_DIR,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            pass_fds=(announce, go),
        )
        os.close(announce)
        os.close(go)

    @property
    def said(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def wait_at_point(self) -> None:
        """Until it has reached its point; AssertionError with its output if it does not."""
        ready, _, _ = select.select([self._reached], [], [], PATIENCE)
        assert ready, f"the point was not reached; the worker said:\n{self.said}"
        assert os.read(self._reached, 1), f"the worker ended and said:\n{self.said}"

    def go_on(self) -> None:
        os.write(self._go, b"x")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGSTOP, and wait until every thread stands."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code; AssertionError with its output if it does not end."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end; it said:\n{self.said}") from None

    def close(self) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.kill()
        os.close(self._reached)
        os.close(self._go)
        self._output.close()


class Workers:
    """The workers of one test, on its database and its sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._started: list[WorkerProcess] = []

    def start(
        self, *, settings: Mapping[str, str] = SHORT, database: str = "", **options: Any
    ) -> WorkerProcess:
        """Start one; `options` are those of `WorkerProcess`."""
        environment = environment_for(self._box) | dict(settings)
        if database:
            environment["TEST_DATABASE_URL"] = database
        worker = WorkerProcess(**{"environment": environment, **options})
        self._started.append(worker)
        return worker

    def wait_for(self, phase: Phase, *, calls: int = 1) -> Call:
        """The sandbox's `wait_for`; AssertionError with what the workers said if it fails."""
        try:
            return self._box.wait_for(phase, timeout=PATIENCE, calls=calls)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.said()}") from None

    def finish(self) -> None:
        """Start one that does what is left, and end it in order."""
        last = self.start()
        self.wait_until_finished()
        last.send(signal.SIGTERM)
        assert last.wait() == 0, last.said

    def wait_until_finished(self) -> None:
        wait_until(all_finished, else_say=self.said)

    def said(self) -> str:
        return "\n".join(f"worker {w.process.pid}:\n{w.said}" for w in self._started)

    def close(self) -> None:
        for worker in self._started:
            worker.close()


@contextmanager
def workers_of(box: Sandbox) -> Iterator[Workers]:
    workers = Workers(box)
    try:
        yield workers
    finally:
        workers.close()


def environment_for(box: Sandbox) -> dict[str, str]:
    """What a process needs to work on this test's database and sandbox."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE_URL": database_url(),
        "WOLKVOX_BASE_URL": box.base_url,
        "LOG_LEVEL": "INFO",
        "DEMO": "true",  # the sandbox is for demonstrations only
    }


def database_url(**changed: Any) -> str:
    """The test's database as a URL."""
    database = connection.settings_dict | changed
    if connection.vendor != "postgresql":
        return f"sqlite:///{quote(str(database['NAME']))}"
    user, password = quote(database["USER"]), quote(database["PASSWORD"])
    who = f"{user}:{password}" if password else user
    return f"postgres://{who}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def wait_until(happened: Callable[[], bool], *, else_say: Callable[[], str] = str) -> None:
    """Look at the rows until something has happened; a database that is away is asked again."""

    def seen() -> bool:
        try:
            return happened()
        except OperationalError:
            connection.close()
            return False

    waiting.wait_until(seen, else_say=else_say)


def stop_between_transactions(worker: WorkerProcess) -> None:
    """SIGSTOP, at a moment at which this worker, the only one that runs, holds no lock."""

    def stood() -> bool:
        worker.stop()
        if _no_other_transaction():
            return True
        worker.send(signal.SIGCONT)
        return False

    wait_until(stood, else_say=lambda: worker.said)


def _no_other_transaction() -> bool:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE xact_start IS NOT NULL"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend')"
            )
            row = cursor.fetchone()
        return bool(row and row[0])
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as look:
        try:
            look.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        look.execute("ROLLBACK")
    return True


def all_finished() -> bool:
    return not Upload.objects.unfinished().exists()
