"""Three machines on one cable: network namespaces, each with an address of its own."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.conf import settings

from tests.crashes.left_out import left_out

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Network:
    """A bridge on this machine, and the namespaces that are plugged into it."""

    name: str
    address: str  # of this machine, on the bridge
    machines: Sequence[str]

    @property
    def range(self) -> str:
        return f"{self.address}/24"

    def command_in(self, machine: str) -> list[str]:
        """What a command is preceded by, so that it runs on that machine."""
        return ["ip", "netns", "exec", machine]

    def unplug(self, machine: str) -> None:
        """Cut the cable: nothing arrives any more, and nobody is told."""
        _ip("link", "set", f"{machine}p", "down")

    def plug_in(self, machine: str) -> None:
        _ip("link", "set", f"{machine}p", "up")


@contextmanager
def network_of(count: int) -> Iterator[Network]:
    """A bridge with so many namespaces; all of it is taken away again, also after a failure."""
    _look_for_what_is_needed()
    part = os.getpid() % 250 + 1
    name, address = f"wx{os.getpid()}-{next(_numbers)}", f"10.213.{part}.1"
    machines = [f"{name}{letter}" for letter in "abcdefgh"[:count]]
    with ExitStack() as undo:
        _ip("link", "add", name, "type", "bridge")
        undo.callback(_ip, "link", "delete", name)
        _ip("address", "add", f"{address}/24", "dev", name)
        _ip("link", "set", name, "up")
        for place, machine in enumerate(machines, start=2):
            _ip("netns", "add", machine)
            undo.callback(_ip, "netns", "delete", machine)
            inside = ("-n", machine)
            _ip("link", "add", f"{machine}p", "type", "veth", "peer", "eth0", "netns", machine)
            # a namespace may live on for minutes, until the kernel gives up what it cannot send
            undo.callback(_ip, "link", "delete", f"{machine}p")
            _ip("link", "set", f"{machine}p", "master", name, "up")
            _ip(*inside, "address", "add", f"10.213.{part}.{place}/24", "dev", "eth0")
            _ip(*inside, "link", "set", "eth0", "up")
            _ip(*inside, "link", "set", "lo", "up")
        yield Network(name=name, address=address, machines=machines)


@contextmanager
def sandbox_on_every(network: Network, *, port: int) -> Iterator[None]:
    """Lets 127.0.0.1:`port` of each machine lead to 127.0.0.1:`port` here.

    The sandbox serves loopback addresses only, and a token goes to no other one.
    """
    with ExitStack() as relays:
        # port 0 would have to be told to the others; the bridge's address is nobody else's
        relays.enter_context(_relay([], network.address, port, "127.0.0.1", port))
        for machine in network.machines:
            prefix = network.command_in(machine)
            relays.enter_context(_relay(prefix, "127.0.0.1", port, network.address, port))
        yield


@contextmanager
def _relay(prefix: Sequence[str], *addresses: str | int) -> Iterator[None]:
    command = [*prefix, sys.executable, "-m", "tests.crashes.relay", *map(str, addresses)]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE) as relay:
        try:
            assert relay.stdout is not None
            assert relay.stdout.readline() == b"listening\n", command
            yield
        finally:
            relay.kill()


def _look_for_what_is_needed() -> None:
    if not shutil.which("ip"):
        left_out("the program ip is missing: apt-get install iproute2.")
    if os.geteuid() != 0:
        left_out("only root can make network namespaces: run the tests as root.")
    probe = f"wx{os.getpid()}"
    done = subprocess.run(
        ["ip", "netns", "add", probe], capture_output=True, text=True, check=False
    )
    if done.returncode:
        left_out(
            f"no network namespace can be made ({done.stderr.strip()}): allow CAP_NET_ADMIN "
            "and CAP_SYS_ADMIN."
        )
    _ip("netns", "delete", probe)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
