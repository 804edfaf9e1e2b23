"""The product's processes at work: what the system tells everybody of them, and what they print."""

import http.client
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings

from media_assets import roles
from media_assets.models import Status
from tests.admin_pages import OPERATIONS, form
from tests.crashes.workers import SHORT, environment_for, workers_of
from tests.factories import make_upload
from tests.security.artefacts import Artefacts
from tests.security.world import MISTYPED, World
from tests.waiting import PATIENCE, wait_until

PROC = Path("/proc")
LOUD = {**SHORT, "LOG_LEVEL": "DEBUG"}


def read(world: World, artefacts: Artefacts, *, environment: Mapping[str, str]) -> None:
    """A worker that has a token open, and a web server to which one is sent."""
    with workers_of(world.box) as workers:
        world.box.hold("received")
        make_upload(world.connectors[0], world.people[roles.MARKETING], Status.QUEUED)
        worker = workers.start(settings={**LOUD, **environment})
        workers.wait_for("received")
        _read_process(artefacts, worker.process.pid)
        world.box.release("received")
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.said
        artefacts.add("output of a process", "worker", worker.said)
    with _web_server({**environment_for(world.box), **LOUD, **environment}) as (pid, port, output):
        _type_a_token(port, session=world.sessions[roles.CONNECTOR_ADMIN])
        for process in (pid, *_children_of(pid)):
            _read_process(artefacts, process)
    artefacts.add("output of a process", "web server", output.read_bytes())
    output.unlink()


def _read_process(artefacts: Artefacts, pid: int) -> None:
    for name in ("environ", "cmdline"):
        content = (PROC / str(pid) / name).read_bytes()
        artefacts.add(name, str(pid), content, keys_too=False)  # the keys come from there


def _children_of(pid: int) -> list[int]:
    listed = (PROC / str(pid) / "task" / str(pid) / "children").read_text()
    return [int(child) for child in listed.split()]


@contextmanager
def _web_server(environment: Mapping[str, str]) -> Iterator[tuple[int, int, Path]]:
    """Its process, its port, and the file with what it says."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile(delete=False) as output:
        server = subprocess.Popen(
            [*_gunicorn(port)],
            cwd=settings.BASE_DIR,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port)
            yield server.pid, port, Path(output.name)
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _gunicorn(port: int) -> Sequence[str]:
    where = f"127.0.0.1:{port}"
    loud = ["--log-level", "debug", "--access-logfile", "-"]
    return [sys.executable, "-m", "gunicorn", "wolkvox_admin.wsgi", "--bind", where, *loud]


def _wait_for(port: int) -> None:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(answers)


def _type_a_token(port: int, *, session: str) -> None:
    """Send the form with a mistake in it, as a browser does."""
    secret = "x" * 32
    typed = form(server="42", new_token=MISTYPED, csrfmiddlewaretoken=secret)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {
        "Cookie": f"sessionid={session}; csrftoken={secret}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", f"{OPERATIONS}add/", urlencode(typed), headers)
    response = connection.getresponse()
    page = response.read()
    connection.close()
    assert response.status == 200, page
    assert MISTYPED.encode() not in page
