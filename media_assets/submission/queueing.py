"""Submit, retry, renew and cancel: rows and audit event in one transaction.

What may give the workers something to do ends with a word to them.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from media_assets import limits
from media_assets.models import (
    BULK_LANE,
    QUICK_LANE,
    WAKE_CHANNEL,
    AuditEvent,
    Batch,
    Connector,
    Upload,
    UploadText,
    now_in_database,
)
from media_assets.submission.lines import Checked, Line

SMALL_BATCH = 5  # files; a larger batch goes through the bulk lane


class NothingToSend(ValueError):
    """Every line has a problem or already has a handle."""


def batch_key(form_key: uuid.UUID, *content: str) -> uuid.UUID:
    """The key of a batch: the form's one-time key together with what was typed.

    The same form sent twice gives the same key; edited and sent again, it gives another.
    """
    return uuid.uuid5(form_key, "\0".join(content))


def submit(
    checked: Checked,
    *,
    connector: Connector,
    by: User,
    key: uuid.UUID,
    label: str = "",
    campaign: str = "",
    again: bool = False,
    address: str | None = None,
) -> Batch:
    """Queue the good lines, and those that are live or under way if `again`, as one batch.

    Lines with a problem are kept with the batch as left out. A person's `key` that was used
    before gives the batch it made then. Raises `NothingToSend` and
    `limits.LimitReached`.
    """
    chosen = [
        (line, line.file_url)
        for line in checked.lines
        if line.file_url and not line.problem and (again or not line.is_there)
    ]
    if not chosen:
        raise NothingToSend
    sent = {line.number for line, _file_url in chosen}
    now = now_in_database()
    lane = BULK_LANE if len(chosen) > SMALL_BATCH else QUICK_LANE
    with transaction.atomic():
        batch, is_new = Batch.objects.get_or_create(
            form_key=key,
            submitted_by=by,
            defaults={
                "connector": connector,
                "campaign": campaign,
                "left_out": [_left_out(line) for line in checked.lines if line.number not in sent],
            },
        )
        if not is_new:
            return batch
        limits.count_submit(by, files=len(chosen))
        uploads = Upload.objects.bulk_create(
            _new_upload(
                batch,
                now=now,
                file_url=file_url.url,
                label=line.label or label,
                format=file_url.format,
                lane=lane,
                content_type=(line.probe.content_type if line.probe else "") or "",
                size=line.probe.size if line.probe else None,
            )
            for line, file_url in chosen
        )
        UploadText.objects.write(uploads)
        AuditEvent.objects.record(
            "batch.submitted",
            by=by,
            on=batch,
            address=address,
            connector=str(connector),
            uploads=len(chosen),
            left_out=len(batch.left_out),
        )
        wake_workers()
    return batch


def retry(upload: Upload, *, by: User, address: str | None = None) -> bool:
    """Queue a failed or cancelled upload again; False if it is neither any more."""
    with transaction.atomic():
        if not upload.set_queued_again(now_in_database()):
            return False
        AuditEvent.objects.record("upload.retried", by=by, on=upload, address=address)
        wake_workers()
    return True


def cancel(upload: Upload, *, by: User, address: str | None = None) -> bool:
    """Cancel an upload that waits; False if it does not wait any more."""
    with transaction.atomic():
        if not upload.set_cancelled(now_in_database()):
            return False
        AuditEvent.objects.record("upload.cancelled", by=by, on=upload, address=address)
    return True


def cancel_waiting(batch: Batch, *, by: User, address: str | None = None) -> int:
    """Cancel all that still waits of a batch, and return how many uploads that were."""
    with transaction.atomic():
        # locked in order, so that two people who do this at once do not lock each other out
        waiting = list(batch.uploads.queued().select_for_update(no_key=True).order_by("pk"))
        chosen = batch.uploads.filter(pk__in=[upload.pk for upload in waiting])
        cancelled = chosen.set_cancelled(now_in_database())
        if cancelled:
            AuditEvent.objects.record(
                "batch.cancelled", by=by, on=batch, address=address, uploads=cancelled
            )
            AuditEvent.objects.record_each(
                "upload.cancelled", by=by, on=waiting, address=address, batch=str(batch.code)
            )
    return cancelled


def renew(upload: Upload, *, by: User, address: str | None = None) -> Upload:
    """Queue the same file on the same connector for a fresh handle, and return the new upload.

    A renewal of this upload that has not finished yet is returned instead of another. Raises
    `limits.LimitReached`.
    """
    with transaction.atomic():
        locked = Upload.objects.select_for_update().get(pk=upload.pk)
        unfinished = locked.renewals.unfinished().first()
        if unfinished is not None:
            return unfinished
        limits.count_waiting(by, more=1)
        batch = batch_like(locked, by=by)
        batch.save()
        renewal = renewal_of(locked, batch=batch, now=now_in_database(), lane=QUICK_LANE)
        renewal.save()
        UploadText.objects.write([renewal])
        AuditEvent.objects.record(
            "upload.renewed", by=by, on=locked, address=address, renewal=str(renewal.code)
        )
        wake_workers()
    return renewal


def copied(upload: Upload, *, snippet: str, by: User, address: str | None = None) -> None:
    """Record that a person copied a handle, and in which form."""
    AuditEvent.objects.record("handle.copied", by=by, on=upload, address=address, snippet=snippet)


def batch_like(upload: Upload, *, by: User) -> Batch:
    """A new batch of `by` for the upload's connector and campaign, not saved."""
    return Batch(
        form_key=uuid.uuid4(),
        submitted_by=by,
        connector=upload.connector,
        campaign=upload.campaign,
    )


def renewal_of(upload: Upload, *, batch: Batch, now: datetime, lane: int) -> Upload:
    """A new upload of the same file in that batch, not saved."""
    return _new_upload(
        batch,
        now=now,
        file_url=upload.file_url,
        label=upload.label,
        format=upload.format,
        lane=lane,
        content_type=upload.content_type,
        size=upload.size,
        renews=upload,
    )


def _left_out(line: Line) -> dict[str, Any]:
    """A code and not a sentence: somebody who reads another language may look at it."""
    already = "live" if line.live else "under_way"
    return {
        "line": line.number,
        "text": line.text[:2100],
        "label": line.label,
        "code": line.problem or already,
        "values": line.values,
    }


def _new_upload(batch: Batch, *, now: datetime, **values: Any) -> Upload:
    return Upload(
        batch=batch,
        connector=batch.connector,
        operation=batch.connector.operation,
        submitted_by=batch.submitted_by,
        campaign=batch.campaign,
        due_at=now,
        created_at=now,
        changed_at=now,
        **values,
    )


def wake_workers() -> None:
    """Tell waiting workers to look, once this transaction commits; SQLite needs no word."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {WAKE_CHANNEL}")
