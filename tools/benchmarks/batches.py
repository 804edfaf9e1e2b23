"""A batch of 500 URLs: how long saving takes the person, and sending takes the worker."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import Max, Min
from django.test import Client
from django.urls import reverse

from media_assets import roles
from media_assets.models import Connector, Operation, Upload
from media_assets.wolkvox.sandbox import state
from tools.benchmarks import Figure, benchmark
from tools.environment import PYTHON, ROOT

FILES = 500
LATENCY = 0.2  # seconds for each call to the sandbox
SERVER = "0042"
START = 3.0  # seconds
FLOOR = FILES * LATENCY  # seconds: no worker is faster with one call at a time
NEARLY_FLOOR = 0.97


@benchmark(Figure(name="batch_500_save_ms", unit="ms", goal=1000), runs=5)
def batch_saved(runs: int) -> Iterator[tuple[float, ...]]:
    """From the click to the redirect, the look at the files in Storage included."""
    with _sandbox() as tokens:
        connector, client = _connector(tokens), _client()
        _submit(client, connector, folder="warm-up")
        for run in range(runs):
            started = time.perf_counter()
            _submit(client, connector, folder=f"run-{run}")
            yield (1000 * (time.perf_counter() - started),)


@benchmark(
    Figure(name="batch_500_delivered_s", unit="s", goal=FLOOR / NEARLY_FLOOR),
    Figure(name="delivery_efficiency_limit1", unit="", goal=NEARLY_FLOOR, at_least=True),
    runs=1,
)
def batch_delivered(runs: int) -> Iterator[tuple[float, ...]]:
    """From the rows being there to the last handle, by one worker that was waiting."""
    with _sandbox() as tokens:
        connector, client = _connector(tokens), _client()
        with _program("deliver"):
            for run in range(runs):
                _submit(client, connector, folder=f"run-{run}")
                seconds = _seconds_until_ready(f"/run-{run}/")
                yield seconds, FLOOR / seconds


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own where the settings expect it; its tokens by server."""
    port = urlsplit(settings.WOLKVOX_BASE_URL).port or 0
    with TemporaryDirectory() as folder:
        file = f"{folder}/sandbox.json"
        tokens = state.load_or_create(file)
        arguments = ("--port", str(port), "--latency", str(LATENCY), "--state", file)
        with _program("wolkvox_sandbox", *arguments):
            yield tokens


@contextmanager
def _program(*arguments: str) -> Iterator[None]:
    """A management command beside us; it has a moment to start, so that this is not measured."""
    with subprocess.Popen([PYTHON, "manage.py", *arguments], cwd=ROOT, stdout=DEVNULL) as program:
        try:
            time.sleep(START)
            yield
        finally:
            program.terminate()


def _connector(tokens: dict[str, str]) -> Connector:
    operation = Operation(name="Bench", server=SERVER)
    operation.set_token(tokens[SERVER])
    connector = Connector.objects.create(operation=operation, name="Bench", connector_id="1266")
    connector.groups.set(Group.objects.filter(name=roles.MARKETING))
    return connector


def _client() -> Client:
    person = User.objects.create(username="bench")
    person.groups.set(Group.objects.filter(name=roles.MARKETING))
    client = Client()
    client.force_login(person)
    return client


def _submit(client: Client, connector: Connector, *, folder: str) -> None:
    storage = f"{settings.STORAGE_HOSTS[0]}{SERVER}/{folder}"
    urls = [f"{storage}/muestra-{number:03}.jpg" for number in range(1, FILES + 1)]
    form = {"connector": connector.code, "urls": "\n".join(urls), "key": uuid4()}
    response = client.post(reverse("new_upload"), form)
    if response.status_code not in {302, 303}:
        raise RuntimeError(f"the form was not accepted: {response.status_code}")


def _seconds_until_ready(folder: str) -> float:
    uploads = Upload.objects.filter(file_url__contains=folder)
    deadline = time.monotonic() + 3 * FLOOR
    while uploads.unfinished().exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the batch was not delivered in three times the time it needs")
        time.sleep(0.25)
    if uploads.ready().count() != FILES:
        raise RuntimeError("not every file has a handle")
    span = uploads.aggregate(first=Min("created_at"), last=Max("finished_at"))
    seconds: float = (span["last"] - span["first"]).total_seconds()
    return seconds
