"""Rows for the tests of crashes."""

import itertools
from collections.abc import Sequence

from django.utils import timezone

from media_assets.models import BULK_LANE, Attempt, Connector, Format, Outcome, Upload
from tests.factories import make_batch

# 18 bytes: as much of a file's name as the sandbox writes into the handle
_names = (f"con-nombre{number:04}.jpg" for number in itertools.count(1))


def queue_file(connector: Connector) -> Upload:
    """One file, whose handle will say for which file it is."""
    return queue_files(connector, count=1)[0]


def queue_files(connector: Connector, *, count: int) -> Sequence[Upload]:
    batch = make_batch(connector)
    storage = f"https://storage.googleapis.com/wvox-{connector.operation.server}"
    now = timezone.now()
    uploads = [
        Upload(
            batch=batch,
            connector=connector,
            operation=connector.operation,
            submitted_by=batch.submitted_by,
            file_url=f"{storage}/{next(_names)}",
            format=Format.IMAGE,
            lane=BULK_LANE,
            due_at=now,
        )
        for _ in range(count)
    ]
    return Upload.objects.bulk_create(uploads)


def outcomes_of(upload: Upload) -> list[str]:
    """How its calls ended, without those that a busy machine was too slow to begin."""
    attempts = Attempt.objects.filter(upload=upload).exclude(outcome=Outcome.NOT_SENT)
    return list(attempts.order_by("number").values_list("outcome", flat=True))
