"""`manage.py wolkvox_sandbox`: our imitation of wolkvox, for this machine only."""

import errno
import signal
import ssl
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from media_assets.wolkvox.sandbox import Sandbox, network, state


@contextmanager
def _silent(port: int) -> Iterator[int]:
    with network.silent(port) as listener:
        yield listener.port


# Each takes a port, lets no call through to it, and says which one it is.
BROKEN: dict[str, Callable[[int], AbstractContextManager[int]]] = {
    "refusing": network.refusing,
    "silent": _silent,
    "dropping": network.dropping,
}


class Command(BaseCommand):
    help = (
        "Serve the SANDBOX, an imitation of wolkvox, on a loopback address until interrupted. "
        "Faults of its answers are chosen by a file's name or over /faults while it runs; faults "
        "of the way to it with --network and --certificate, for the whole of it. Only DNS cannot "
        "fail here: the sandbox is reached by its address."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--latency", type=float, default=0.3, help="seconds for each call")
        parser.add_argument(
            "--state", default="var/sandbox.json", help="file with operations and their tokens"
        )
        parser.add_argument(
            "--certificate",
            metavar="PEM",
            help="speak https with this certificate: one that has expired, that nobody trusts or "
            "that is for another host shows what the product makes of it",
        )
        parser.add_argument(
            "--key", metavar="PEM", help="the certificate's key, unless it is in the same file"
        )
        parser.add_argument(
            "--network",
            choices=sorted(BROKEN),
            help="no sandbox, only its port: it refuses connections; takes them and stays silent, "
            "so that TLS handshakes hang and calls are never answered; or drops every SYN",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        with _started(options) as where:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            self.stdout.write(f"SANDBOX: {where}")
            self.stdout.flush()
            stop.wait()


@contextmanager
def _started(options: dict[str, Any]) -> Iterator[str]:
    """Serve, and tell where."""
    with ExitStack() as opened:
        try:
            where = _start(options, opened)
        except (ValueError, OverflowError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                taken = f"Port {options['port']} is taken; choose another with --port."
                raise CommandError(taken) from None
            raise CommandError(f"The sandbox cannot start: {error}.") from None
        yield where


def _start(options: dict[str, Any], opened: ExitStack) -> str:
    broken = options["network"]
    if broken:
        port = opened.enter_context(BROKEN[broken](options["port"]))
        return f"127.0.0.1:{port} ({broken})"
    box = Sandbox(
        host=options["host"],
        port=options["port"],
        latency=options["latency"],
        operations=state.load_or_create(options["state"]),
        tls=_tls(options["certificate"], key=options["key"]),
    )
    return opened.enter_context(box).origin


def _tls(certificate: str | None, *, key: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
