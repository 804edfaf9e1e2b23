"""The worker: sends what waits to wolkvox, until it is told to stop."""

import logging
import os
import signal
from types import FrameType
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError

from media_assets import figures
from media_assets.delivery import Worker

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Deliver waiting uploads to wolkvox. Run as many of these as you like. SIGTERM or Ctrl-C "
        "finishes the calls in flight; a second one cuts them off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, help="calls in flight at most")
        parser.add_argument(
            "--until-idle", action="store_true", help="stop when nothing is due or in flight"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._say_what_is_not_protected()
        worker = Worker(threads=options["threads"])

        def stop(_number: int, _frame: FrameType | None) -> None:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: os._exit(1))
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        if options["until_idle"]:
            worker.run(until_idle=True)
            return
        keeper = figures.Keeper()
        keeper.start()
        try:
            worker.run()
        finally:
            keeper.stop()

    def _say_what_is_not_protected(self) -> None:
        """A worker that starts while the database is away waits for it."""
        try:
            self.check(tags=[Tags.database], databases=["default"])
        except (OperationalError, InterfaceError) as error:
            kind = type(error).__name__
            logger.warning("what protects the audit list could not be looked at: %s", kind)
