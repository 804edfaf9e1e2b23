"""Audit events for seeded uploads, appended as the product itself does it."""

import random
from collections import defaultdict

from media_assets.management.seeding.history import Submitted
from media_assets.models import AuditEvent, Status, Upload

COPIED = 0.3  # of the handles
EVENTS_PER_UPLOAD = 1.35


class Teller:
    """Tells of the uploads from the `from_upload`-th on.

    They carry the moment of their writing, because the audit list takes no other.
    """

    def __init__(self, rng: random.Random, *, from_upload: int) -> None:
        self._rng = rng
        self._from = from_upload
        self.told = 0

    def tell(self, part: list[Submitted], *, before: int) -> None:
        """`before`: how many uploads were written before this part."""
        for one in part:
            before += len(one.uploads)
            if before > self._from:
                self._tell_of(one)

    def _tell_of(self, one: Submitted) -> None:
        batch, by = one.batch, one.batch.submitted_by
        AuditEvent.objects.record(
            "batch.submitted",
            by=by,
            on=batch,
            connector=str(batch.connector),
            uploads=len(one.uploads),
            left_out=0,
        )
        finished: dict[tuple[str, int, str], list[Upload]] = defaultdict(list)
        for upload in one.uploads:
            finished[upload.status, upload.attempt_count, upload.last_outcome].append(upload)
        for (status, attempt, outcome), uploads in finished.items():
            if status == Status.CANCELLED:
                AuditEvent.objects.record_each("upload.cancelled", by=by, on=uploads)
            elif status == Status.FAILED:
                AuditEvent.objects.record_each(
                    "upload.failed", by=None, on=uploads, attempt=attempt, because=outcome
                )
            else:
                AuditEvent.objects.record_each("upload.ready", by=None, on=uploads, attempt=attempt)
        copied = [
            upload
            for upload in one.uploads
            if upload.status == Status.READY and self._rng.random() < COPIED
        ]
        AuditEvent.objects.record_each("handle.copied", by=by, on=copied, snippet="handle")
        self.told += 1 + len(one.uploads) + len(copied)
