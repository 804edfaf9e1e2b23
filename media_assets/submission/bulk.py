"""Retry, renew, cancel and name many uploads at once: all in one transaction.

Whatever changes is locked in the order of its key, so that two people who do this at once do not
lock each other out, and looked at again under the lock. `asked_at` is when the person was asked
(by the clock of `now_in_database`): what has changed since then stays as it is, so that a form
that is sent twice does its work once. Events are written when all rows are locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from media_assets import limits
from media_assets.models import (
    BULK_LANE,
    QUICK_LANE,
    AuditEvent,
    Batch,
    Upload,
    UploadText,
    now_in_database,
)
from media_assets.models.querysets import UploadQuerySet
from media_assets.submission.fitting import Action, fit_for
from media_assets.submission.queueing import SMALL_BATCH, batch_like, renewal_of, wake_workers

CHUNK = 500
COPIED_MOST = 500  # handles at once


class TooMany(ValueError):
    """More uploads than may be changed at once (`settings.BULK_MAX`)."""


def retry_each(
    uploads: UploadQuerySet,
    *,
    by: User,
    asked_at: datetime,
    address: str | None = None,
    **said: Any,
) -> int:
    """Queue what failed or was cancelled again, and return how many; `said` goes into the event."""
    with transaction.atomic():
        unchanged = uploads.filter(changed_at__lte=asked_at)
        chosen = _locked(Action.RETRY, unchanged, by=by)
        now = now_in_database()
        for keys in _keys(chosen):
            Upload.objects.filter(pk__in=keys).set_queued_again(now, lane=_lane(chosen))
        _record("upload.retried", chosen, by=by, address=address, **said)
        if chosen:
            wake_workers()
    return len(chosen)


def cancel_each(
    uploads: UploadQuerySet,
    *,
    by: User,
    asked_at: datetime,
    address: str | None = None,
    **said: Any,
) -> int:
    """Cancel what waits, and return how many."""
    with transaction.atomic():
        unchanged = uploads.filter(changed_at__lte=asked_at)
        chosen = _locked(Action.CANCEL, unchanged, by=by)
        now = now_in_database()
        for keys in _keys(chosen):
            Upload.objects.filter(pk__in=keys).set_cancelled(now)
        _record("upload.cancelled", chosen, by=by, address=address, **said)
    return len(chosen)


def renew_each(
    uploads: UploadQuerySet,
    *,
    by: User,
    asked_at: datetime,
    address: str | None = None,
    **said: Any,
) -> int:
    """Queue the same files for fresh handles, and return how many.

    They make batches of `by`: one for each connector and campaign, and of more than `BATCH_MAX`
    files several. Raises `limits.LimitReached`.
    """
    with transaction.atomic():
        unchanged = uploads.filter(changed_at__lte=asked_at).not_renewed_since(asked_at)
        chosen = _locked(Action.RENEW, unchanged, by=by)
        limits.count_waiting(by, more=len(chosen))
        now = now_in_database()
        batches = [
            (batch_like(some[0], by=by), some) for some in _by_connector_and_campaign(chosen)
        ]
        Batch.objects.bulk_create(batch for batch, _some in batches)
        renewals = Upload.objects.bulk_create(
            renewal_of(upload, batch=batch, now=now, lane=_lane(chosen))
            for batch, some in batches
            for upload in some
        )
        UploadText.objects.write(renewals)
        _record_many("upload.renewed", len(chosen), by=by, address=address, **said)
        for batch, some in batches:
            AuditEvent.objects.record_each(
                "upload.renewed", by=by, on=some, address=address, batch=str(batch.code)
            )
        if chosen:
            wake_workers()
    return len(chosen)


def set_campaign_of_each(
    uploads: UploadQuerySet, campaign: str, *, by: User, address: str | None = None, **said: Any
) -> int:
    """Give these a campaign, and return how many had another one. Their batches keep theirs."""
    with transaction.atomic():
        others = uploads.exclude(campaign=campaign)
        chosen = _locked(Action.CAMPAIGN, others, by=by)
        chosen = [upload for upload in chosen if upload.campaign != campaign]
        now = now_in_database()
        before = defaultdict(list)
        for upload in chosen:
            before[upload.campaign].append(upload)
            upload.campaign = campaign
        for keys in _keys(chosen):
            Upload.objects.filter(pk__in=keys).set_campaign(campaign, now)
        UploadText.objects.write(chosen)
        _record_many(
            "upload.changed", len(chosen), by=by, address=address, campaign=campaign, **said
        )
        for earlier, some in before.items():
            AuditEvent.objects.record_each(
                "upload.changed",
                by=by,
                on=some,
                address=address,
                campaign=campaign,
                campaign_before=earlier,
            )
    return len(chosen)


def copied_each(
    uploads: UploadQuerySet, *, snippet: str, by: User, address: str | None = None
) -> int:
    """Record that a person copied the handles of these, and return how many that are."""
    with transaction.atomic():
        chosen = list(uploads.ready().order_by("pk")[:COPIED_MOST])
        if chosen:
            AuditEvent.objects.record(
                "handle.copied_many", by=by, address=address, handles=len(chosen), snippet=snippet
            )
            AuditEvent.objects.record_each(
                "handle.copied", by=by, on=chosen, address=address, snippet=snippet
            )
    return len(chosen)


def _locked(action: Action, uploads: UploadQuerySet, *, by: User) -> list[Upload]:
    """Those of `uploads` for which `by` may do it and that are in a state for it, locked.

    They are read when they are locked: of what somebody else has just changed, PostgreSQL would
    look again at the row itself, but not at its renewals. Raises `TooMany`.
    """
    found = fit_for(action, uploads, by=by).order_by().values_list("pk", flat=True)
    keys = sorted(set(found[: settings.BULK_MAX + 1]))
    if len(keys) > settings.BULK_MAX:
        raise TooMany
    for some in _chunks(keys):
        rows = Upload.objects.filter(pk__in=some).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))
    return [
        upload
        for some in _chunks(keys)
        for upload in fit_for(action, uploads, by=by)
        .filter(pk__in=some)
        .defer("handle", "vendor_message")
        .order_by("pk")
    ]


def _record(
    action: str, chosen: Sequence[Upload], *, by: User, address: str | None, **said: Any
) -> None:
    _record_many(action, len(chosen), by=by, address=address, **said)
    if chosen:
        AuditEvent.objects.record_each(
            action, by=by, on=chosen, address=address, together=len(chosen)
        )


def _record_many(action: str, number: int, *, by: User, address: str | None, **said: Any) -> None:
    if number:
        AuditEvent.objects.record(f"{action}_many", by=by, address=address, uploads=number, **said)


def _by_connector_and_campaign(chosen: Iterable[Upload]) -> Iterator[list[Upload]]:
    groups = defaultdict(list)
    for upload in chosen:
        groups[upload.connector_id, upload.campaign].append(upload)
    for group in groups.values():
        for start in range(0, len(group), settings.BATCH_MAX):
            yield group[start : start + settings.BATCH_MAX]


def _lane(chosen: Sequence[Upload]) -> int:
    """As when they are submitted: many together do not hold up single ones."""
    return BULK_LANE if len(chosen) > SMALL_BATCH else QUICK_LANE


def _keys(chosen: Iterable[Upload]) -> Iterator[list[int]]:
    return _chunks(upload.pk for upload in chosen)


def _chunks(keys: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(keys)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
