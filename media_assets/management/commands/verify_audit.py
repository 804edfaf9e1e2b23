"""`manage.py verify_audit`: whether any audit event was changed, removed or inserted."""

import re
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from media_assets.models import verification

FINGERPRINT = re.compile(r"[0-9]{1,18}:[0-9a-f]{64}", re.ASCII)


class Command(BaseCommand):
    help = (
        "Verify that the audit list is as it was written. Ends with 1 and names the first event "
        "that was changed, removed or inserted. Events that somebody who may write to the "
        "database has appended at the end, well-made, are not told from honest ones."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expect",
            default="",
            metavar="FINGERPRINT",
            help="the fingerprint that an earlier run has printed, kept where nobody who has "
            "access to the database can change it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=["default"])
        expected = options["expect"].strip()
        if expected and not FINGERPRINT.fullmatch(expected):
            raise CommandError("That is no fingerprint: it is a number, a colon and 64 hex digits.")
        try:
            verified = verification.verify(expected=expected)
        except verification.Broken as broken:
            raise CommandError(str(broken)) from None
        compared = (
            "They agree with the fingerprint."
            if expected
            else "Whether the last ones were cut off is told by --expect only."
        )
        self.stdout.write(
            f"{verified.count} events verified: none was changed, removed or inserted. {compared}"
        )
        self.stdout.write(f"Fingerprint: {verified.fingerprint}")
