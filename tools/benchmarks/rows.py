"""People, connectors and uploads for benchmarks, made by the product's own functions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from media_assets import roles, submission
from media_assets.models import Batch, Connector, Operation, Upload
from media_assets.wolkvox.sandbox.operations import FIRST_CONNECTOR_ID
from tools.benchmarks.programs import Sandbox, wait_until


def make_person() -> User:
    person = User.objects.create(username="bench")
    person.groups.set(Group.objects.filter(name=roles.MARKETING))
    return person


def make_connectors(sandbox: Sandbox) -> list[Connector]:
    """One connector for each operation of the sandbox; each token allows one call at once."""
    connectors = []
    for position, (server, token) in enumerate(sandbox.tokens.items()):
        operation = Operation(name=f"Bench {server}", server=server)
        operation.set_token(token)
        connector = Connector.objects.create(
            operation=operation, name="Bench", connector_id=str(FIRST_CONNECTOR_ID + 100 * position)
        )
        connector.groups.set(Group.objects.filter(name=roles.MARKETING))
        connectors.append(connector)
    return connectors


def file_urls(connector: Connector, *, files: int, folder: str) -> list[str]:
    """Addresses of different files in the sandbox's Storage, 500 in a folder at most."""
    storage = f"{settings.STORAGE_HOSTS[0]}{connector.operation.server}/{folder}"
    return [f"{storage}/muestra-{number:03}.jpg" for number in range(1, files + 1)]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What was submitted in one commit, and when that was done.

    `at` is by the database's clock, `monotonic` in seconds of the clock that all processes of
    this machine share.
    """

    batches: list[Batch]
    files: int
    at: datetime
    monotonic: float

    def seconds_until_ready(self, *, floor: float) -> float:
        """Wait for the last handle; from the commit to the moment by which it was recorded.

        `floor`: seconds that no worker can be faster than; nothing is asked for most of them.
        RuntimeError when it takes much longer, or when a file has no handle.
        """
        uploads = Upload.objects.filter(batch__in=self.batches)
        time.sleep(0.8 * floor)
        wait_until(lambda: not uploads.unfinished().exists(), seconds=60 + 3 * floor, every=0.1)
        if uploads.ready().count() != self.files:
            raise RuntimeError("not every file has a handle")
        last: datetime = uploads.aggregate(last=Max("finished_at"))["last"]
        return (last - self.at).total_seconds()


def submit(connectors: Sequence[Connector], *, files: int, folder: str, by: User) -> Sent:
    """Queue so many files, as many on each connector, in one commit."""
    each = files // len(connectors)
    checked = [
        (one, submission.check("\n".join(file_urls(one, files=each, folder=folder)), connector=one))
        for one in connectors
    ]
    with transaction.atomic():
        batches = [
            submission.submit(lines, connector=one, by=by, key=uuid4()) for one, lines in checked
        ]
    return Sent(
        batches=batches,
        files=each * len(connectors),
        monotonic=time.monotonic(),
        at=_now_in_database(),
    )


def _now_in_database() -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchall()[0][0]
    return moment
