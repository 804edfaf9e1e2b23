"""How a worker learns at once that something waits: by a notice, or by a cheap look."""

import logging
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from media_assets.models import WAKE_CHANNEL

logger = logging.getLogger(__name__)


class Waker(Protocol):
    interval: float

    def seen(self) -> None:
        """What is in the database now is about to be looked at."""

    def has_news(self) -> bool:
        """Whether somebody has written since `seen`."""


@contextmanager
def waker_for(connection: BaseDatabaseWrapper, wake: Callable[[], None]) -> Iterator[Waker]:
    """The best way this database has to tell of new uploads."""
    if connection.vendor != "postgresql":
        yield DataVersion(connection)
        return
    listener = Listener(connection, wake)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


class DataVersion:
    """SQLite: a counter that moves when another connection commits; reading it costs nothing.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """

    interval = 0.1

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._version: Any = None

    def seen(self) -> None:
        self._version = self._read()

    def has_news(self) -> bool:
        return bool(self._read() != self._version)

    def _read(self) -> Any:
        with self._connection.cursor() as cursor:
            return cursor.execute("PRAGMA data_version").fetchone()


class Listener:
    """PostgreSQL: LISTEN on a connection of its own, in a thread.

    While that connection is down, the worker's ordinary poll serves.
    """

    interval = 3600.0
    _retry_after = 1.0

    def __init__(self, connection: BaseDatabaseWrapper, wake: Callable[[], None]) -> None:
        self._connection = connection.copy()
        self._connection.inc_thread_sharing()
        self._wake = wake
        self._stopping = threading.Event()
        self._stop_here, self._stop_there = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._stop_there.close()
        self._thread.join()
        self._stop_here.close()

    def seen(self) -> None:
        return

    def has_news(self) -> bool:
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (OperationalError, InterfaceError) as error:
                logger.warning("listening was interrupted: %s", type(error).__name__)
                self._stopping.wait(self._retry_after)
            finally:
                self._connection.close()

    def _listen(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"LISTEN {WAKE_CHANNEL}")
        driver: Any = self._connection.connection
        with self._connection.wrap_database_errors:
            while not self._stopping.is_set():
                # also at the start: what came before the LISTEN was announced to nobody
                self._wake()
                select.select([driver.fileno(), self._stop_here], [], [])
                list(driver.notifies(timeout=0))
