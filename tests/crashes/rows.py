"""Rows for the tests of crashes."""

import itertools
from collections.abc import Sequence

from media_assets.models import BULK_LANE, Attempt, Connector, Upload
from tests.factories import make_batch, make_upload

# 18 bytes: as much of a file's name as the sandbox writes into the handle
_names = (f"con-nombre{number:04}.jpg" for number in itertools.count(1))


def queue_file(connector: Connector) -> Upload:
    """One file, whose handle will say for which file it is."""
    return queue_files(connector, count=1)[0]


def queue_files(connector: Connector, *, count: int) -> Sequence[Upload]:
    batch = make_batch(connector)
    storage = f"https://storage.googleapis.com/wvox-{connector.operation.server}"
    return [
        make_upload(
            batch=batch, status="queued", lane=BULK_LANE, file_url=f"{storage}/{next(_names)}"
        )
        for _ in range(count)
    ]


def outcomes_of(upload: Upload) -> list[str]:
    attempts = Attempt.objects.filter(upload=upload).order_by("number")
    return list(attempts.values_list("outcome", flat=True))
