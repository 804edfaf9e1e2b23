"""`manage.py purge_history`: remove finished uploads that are older than they have to be kept."""

import getpass
import os
import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from media_assets import figures, retention

AGE = re.compile(r"([0-9]{1,5})d", re.ASCII)


class Command(BaseCommand):
    help = (
        "Remove finished uploads from the history, with their attempts and the batches that are "
        "empty then. Audit events stay. May be killed anywhere and started again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            metavar="DAYS",
            help="such as 400d; HISTORY_KEEP_DAYS if it is not given",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many would be removed"
        )
        parser.add_argument("--by", metavar="USERNAME", help="who has decided on it")

    def handle(self, *args: Any, **options: Any) -> None:
        days = _days(options["older_than"])
        before = timezone.now() - timedelta(days=days)
        by = _person(options["by"])
        if options["dry_run"]:
            self._say("Would remove", retention.preview(before), days=days)
            return
        try:
            removed = retention.purge(before, by=by, account=_account(), recount=_recount)
        except retention.TakenOver:
            raise CommandError(
                "Another run of purge_history was started meanwhile and goes on with it."
            ) from None
        self._say("Removed", removed, days=days)

    def _say(self, verb: str, counts: retention.Counts, *, days: int) -> None:
        self.stdout.write(
            f"{verb} {counts.uploads} uploads that were finished more than {days} days ago, "
            f"with {counts.attempts} attempts, and {counts.batches} batches."
        )


def _recount(until: datetime) -> None:
    figures.recount_until(timezone.localdate(until, timezone.get_default_timezone()))


def _days(text: str | None) -> int:
    if text is None:
        days = settings.HISTORY_KEEP_DAYS
        if days < 1:
            raise CommandError("Say --older-than, such as 400d, or set HISTORY_KEEP_DAYS.")
        return int(days)
    match = AGE.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise CommandError("--older-than takes a number of days, such as 400d.")
    return int(match[1])


def _person(username: str | None) -> User | None:
    if username is None:
        return None
    person = User.objects.filter(username=username).first()
    if person is None:
        raise CommandError(f"There is nobody called {username}.")
    return person


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this number
        return str(os.getuid())
