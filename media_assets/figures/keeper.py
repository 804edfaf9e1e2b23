"""What keeps the summary up to date beside a worker, on a connection of its own."""

import logging
import threading
from datetime import timedelta

from django.db import InterfaceError, InternalError, OperationalError, connection

from media_assets.figures.refreshing import refresh

logger = logging.getLogger(__name__)

FIRST = timedelta(seconds=5)  # a worker that starts has more urgent things to do
EVERY = timedelta(seconds=30)
AT_ONCE = timedelta(seconds=2)  # then it looks whether it should end
PATIENCE = timedelta(seconds=5)


class Keeper(threading.Thread):
    """Refreshes until it is told to stop; several beside several workers do no harm."""

    def __init__(self) -> None:
        super().__init__(name="figures", daemon=True)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Returns when it has ended, or waits in vain for the database: nothing is lost then."""
        self._stopping.set()
        self.join(PATIENCE.total_seconds())

    def run(self) -> None:
        wait = FIRST
        while not self._stopping.wait(wait.total_seconds()):
            wait = EVERY if _refreshed() else AT_ONCE
        connection.close()


def _refreshed() -> bool:
    """Whether nothing more is to be done just now."""
    try:
        return refresh(seconds=AT_ONCE.total_seconds(), unless_within=EVERY / 2)
    except (OperationalError, InterfaceError, InternalError) as error:
        logger.warning("figures are not brought up to date: %s", type(error).__name__)
        connection.close()
        return True
