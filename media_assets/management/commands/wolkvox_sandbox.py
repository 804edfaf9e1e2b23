"""`manage.py wolkvox_sandbox`: our imitation of wolkvox, for this machine only."""

import errno
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from media_assets.wolkvox.sandbox import Sandbox, state


class Command(BaseCommand):
    help = "Serve the SANDBOX, an imitation of wolkvox, on a loopback address until interrupted."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--latency", type=float, default=0.3, help="seconds for each call")
        parser.add_argument(
            "--state", default="var/sandbox.json", help="file with operations and their tokens"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        with _started(options) as box:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            self.stdout.write(f"SANDBOX: {box.origin}")
            self.stdout.flush()
            stop.wait()


@contextmanager
def _started(options: dict[str, Any]) -> Iterator[Sandbox]:
    try:
        box = Sandbox(
            host=options["host"],
            port=options["port"],
            latency=options["latency"],
            operations=state.load_or_create(options["state"]),
        )
        box.start()
    except (ValueError, OverflowError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            taken = f"Port {options['port']} is taken; choose another with --port."
            raise CommandError(taken) from None
        raise CommandError(f"The sandbox cannot start: {error}.") from None
    try:
        yield box
    finally:
        box.stop()
