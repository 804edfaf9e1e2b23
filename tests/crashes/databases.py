"""Databases that a test may stop, restart and fill: a PostgreSQL server of its own, a full disk."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from django.core.management import call_command
from django.db import connection

from tests.crashes.left_out import left_out

DEBIAN = Path("/usr/lib/postgresql")


@contextmanager
def at_database(**settings: Any) -> Iterator[None]:
    """Let the product, in this process, work on another database of the same kind, migrated."""
    usual = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(settings)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(usual)


class Cluster:
    """A PostgreSQL server of this test's own."""

    def __init__(self, folder: Path, *, addresses: Sequence[str], network: str = "") -> None:
        self._programs = _programs()
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = _free_port()
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        if network:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network} trust\n")
        settings = {
            "port": self.port,
            "listen_addresses": ",".join(addresses),
            "unix_socket_directories": folder,
            "max_connections": 40,
            "shared_buffers": "32MB",
        }
        with (self._data / "postgresql.conf").open("a") as written:
            written.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self._log), "start")

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        self._run("pg_ctl", "-w", "-l", str(self._log), "-m", mode, "restart")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, "-D", self._data, *arguments],
            cwd=self._data.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            **_as_owner(),
        )
        assert done.returncode == 0, f"{program} {arguments}: {done.stderr}"


@contextmanager
def cluster_running(*, addresses: Sequence[str] = (), network: str = "") -> Iterator[Cluster]:
    """A server that has started, and the product on a migrated database of it."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    try:
        if owner := _as_owner():
            shutil.chown(folder, owner["user"], owner["group"])
        cluster = Cluster(folder, addresses=["127.0.0.1", *addresses], network=network)
        cluster.start()
        try:
            where = {"HOST": "127.0.0.1", "PORT": cluster.port, "NAME": "postgres"}
            with at_database(**where, USER="postgres", PASSWORD=""):
                yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def small_disk(*, megabytes: int) -> Iterator[Path]:
    """A folder on a disk of this size."""
    if os.geteuid() != 0:
        left_out("only root can mount a small tmpfs: run the tests as root.")
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "small-disk", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            left_out(f"a tmpfs cannot be mounted ({done.stderr.strip()}): allow CAP_SYS_ADMIN.")
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        folder.rmdir()


def _programs() -> Path:
    """Where `initdb` and `pg_ctl` are."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    newest_first = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: -float(path.parts[-3]))
    if not newest_first:
        left_out("PostgreSQL's server programs are missing: apt-get install postgresql.")
    return newest_first[0].parent


def _as_owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as the user that its package has made."""
    if os.geteuid() != 0:
        return {}
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        left_out("there is no user postgres: apt-get install postgresql.")
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
