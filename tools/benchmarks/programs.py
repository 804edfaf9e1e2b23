"""The programs that benchmarks measure, each in processes of its own as in production."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management import call_command

from media_assets.wolkvox.sandbox import state
from tools.children import Child, stop
from tools.environment import PYTHON

READY_WITHIN = 40.0  # seconds
GRACE = 20.0  # seconds a program has to end by itself
WORKER_START = 3.0  # seconds, for it has no sign that it waits


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The running sandbox: where it listens, and its tokens by server in their order."""

    origin: str
    tokens: dict[str, str]

    def ledger(self, *, latest: int = 0) -> Any:
        """What has arrived since `forget`; see `ledger.Ledger.as_json`."""
        return _answer("GET", f"{self.origin}/ledger?latest={latest}")

    def forget(self) -> None:
        _answer("DELETE", f"{self.origin}/ledger?latest=0")

    def hold(self, phase: str) -> None:
        _answer("POST", f"{self.origin}/phases", json={"hold": phase})

    def release(self, phase: str) -> None:
        _answer("POST", f"{self.origin}/phases", json={"release": phase})

    def held(self, phase: str) -> int:
        """How many calls wait at `phase`."""
        waiting: int = _answer("GET", f"{self.origin}/phases")[phase]["waiting"]
        return waiting

    def require(self, *, calls: int, at_once: int) -> None:
        """RuntimeError unless so many calls came, all answered 200, never more at once a token."""
        ledger = self.ledger()
        most = max(ledger["max_in_flight"].values(), default=0)
        if ledger["counts"] != {"200": calls} or most > at_once:
            raise RuntimeError(f"{ledger['counts']}, {most} at once, instead of {calls}, {at_once}")


@contextmanager
def sandbox(*, latency: float, operations: int = 1) -> Iterator[Sandbox]:
    """A sandbox where the settings expect it. Its operations are 0001, 0002, …"""
    port = urlsplit(settings.WOLKVOX_BASE_URL).port or 0
    origin = f"http://127.0.0.1:{port}"
    tokens = state.new_operations(f"{number:04}" for number in range(1, operations + 1))
    with TemporaryDirectory() as folder:
        file = Path(folder, "sandbox.json")
        file.write_text(json.dumps({"operations": tokens}))
        arguments = ("--port", str(port), "--latency", str(latency), "--state", str(file))
        with _running("sandbox", "manage.py", "wolkvox_sandbox", *arguments) as child:
            _wait_until_answers(child, f"{origin}/ledger?latest=0")
            yield Sandbox(origin=origin, tokens=tokens)


@contextmanager
def worker(name: str = "worker") -> Iterator[Child]:
    """`manage.py deliver` as it is started in production; it has had time to start."""
    with _running(name, "manage.py", "deliver") as child:
        time.sleep(WORKER_START)
        yield child


@contextmanager
def web() -> Iterator[tuple[str, Child]]:
    """The origin of the web, started as the README says, and its process."""
    call_command("collectstatic", interactive=False, verbosity=0)
    origin = f"http://127.0.0.1:{free_port()}"
    gunicorn = (
        *("-m", "gunicorn", "wolkvox_admin.wsgi", "--bind", urlsplit(origin).netloc),
        *("--workers", "2", "--threads", "8", "--log-level", "warning", "--no-control-socket"),
    )
    with _running("web", *gunicorn) as child:
        _wait_until_answers(child, f"{origin}/account/sign-in/")
        yield origin, child


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float) -> None:
    """Look until it is so; RuntimeError when it is not after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:.0f} s")
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(name: str, *arguments: str) -> Iterator[Child]:
    """A program of our Python, with the log it writes in production, in var/log/bench-….log."""
    environment = os.environ | {"LOG_LEVEL": "INFO", "PYTHONUNBUFFERED": "1"}
    child = Child(f"bench-{name}", command=[PYTHON, *arguments], environment=environment)
    try:
        yield child
        if child.ended:
            raise RuntimeError(f"the {name} has ended by itself: read {child.log}")
    finally:
        stop([child], grace=GRACE)


def _wait_until_answers(child: Child, url: str) -> None:
    def answers() -> bool:
        if child.ended:
            raise RuntimeError(f"the {child.name} has ended by itself: read {child.log}")
        try:
            return requests.get(url, timeout=10).status_code < 500
        except requests.ConnectionError:
            return False

    wait_until(answers, seconds=READY_WITHIN, every=0.1)


def _answer(method: str, url: str, **options: Any) -> Any:
    answer = requests.request(method, url, timeout=30, **options)
    answer.raise_for_status()
    return answer.json()
