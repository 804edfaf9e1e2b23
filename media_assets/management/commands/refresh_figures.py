"""Brings the summary that figures are drawn from up to date, or makes it anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from media_assets import figures
from media_assets.models import DayFigures


class Command(BaseCommand):
    help = (
        "Bring the summary that figures are drawn from up to date. Workers do so by themselves; "
        "this is for rows that something else has written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="count every upload anew, not what has changed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            for day in figures.rebuild():
                if options["verbosity"] > 1:
                    self.stdout.write(f"{day:%Y-%m-%d}")
        else:
            while not figures.refresh():
                continue  # somebody else is at it too
        if options["verbosity"] > 0:
            self.stdout.write(f"{DayFigures.objects.count()} rows of figures.")
