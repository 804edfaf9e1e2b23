"""Removing old uploads from the history, a few at a time; the audit list keeps all its events.

A run may be killed anywhere: each step removes its rows and counts them in one transaction, in a
row of the run's own. The next run tells of the one that was cut off, and goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from media_assets.models import Attempt, AuditEvent, Batch, Status, Upload
from media_assets.models.purges import Purge

STEP = 500  # uploads that are looked at in one transaction
COLUMNS = ["created_at", "status", "finished_at", "handle_expires_at", "batch", "renews"]
FINISHED = [Status.READY, Status.FAILED, Status.CANCELLED]


class TakenOver(Exception):
    """Another run has ended this one and told of it."""


class Server(AnonymousUser):
    """Who acts when nobody is named."""

    username = "server"  # type: ignore[assignment]  # the stubs know the empty one only


@dataclass
class Counts:
    uploads: int = 0
    attempts: int = 0
    batches: int = 0


@dataclass
class _Walk:
    """From the newest old upload to the oldest, so that a renewal is met before what it renews."""

    before: datetime
    at: tuple[datetime, int] | None = None
    gone: set[int] = field(default_factory=set)  # renewals that are removed

    def next(self) -> list[Upload]:
        """The next uploads that are old enough."""
        found = Upload.objects.filter(created_at__lt=self.before)
        if self.at is not None:
            at, key = self.at
            found = found.filter(Q(created_at__lt=at) | Q(id__lt=key), created_at__lte=at)
        step = list(found.only(*COLUMNS).newest_first()[:STEP])
        if step:
            self.at = step[-1].created_at, step[-1].pk
        return step

    def removable(self, step: Sequence[Upload]) -> list[Upload]:
        """Those that are finished, have no live handle, and are renewed by none that stays."""
        keys = [upload.pk for upload in step]
        renewals: dict[int | None, list[int]] = {}
        for key, renewed in Upload.objects.filter(renews__in=keys).values_list("pk", "renews"):
            renewals.setdefault(renewed, []).append(key)
        chosen = []
        for upload in step:
            if _is_over(upload, self.before) and self.gone.issuperset(renewals.get(upload.pk, ())):
                chosen.append(upload)
                if upload.renews_id is not None:
                    self.gone.add(upload.pk)
        return chosen


def preview(before: datetime) -> Counts:
    """What a run would remove now; nothing is written."""
    counts, of_batch = Counts(), Counter[int]()
    walk = _Walk(before)
    while step := walk.next():
        chosen = walk.removable(step)
        counts.uploads += len(chosen)
        counts.attempts += Attempt.objects.filter(upload__in=chosen).count()
        of_batch.update(upload.batch_id for upload in chosen)
    removed = sorted(of_batch)
    for start in range(0, len(removed), STEP):
        part = removed[start : start + STEP]
        left = Upload.objects.filter(batch__in=part).order_by().values_list("batch")
        totals = Counter(batch for (batch,) in left.iterator())
        counts.batches += sum(totals[batch] == of_batch[batch] for batch in part)
    return counts


def purge(
    before: datetime, *, by: User | None, account: str, recount: Callable[[datetime], None]
) -> Counts:
    """Remove what `preview` counts, and leave one event. Raises `TakenOver`.

    Runs that were cut off are told of first, with what they had removed. `recount` brings the
    figures up to date until a time; a run's row stays until that is done, so that nothing which
    it removed stays in them if it is cut off there.
    """
    if cut_off := list(Purge.objects.order_by("pk")):
        recount(max(each.before for each in cut_off))
        for each in cut_off:
            _tell(each, interrupted=True)
    run = Purge.objects.create(by=by, account=account[:80], before=before)
    walk = _Walk(before)
    try:
        while _take_step(run, walk):
            pass
    except TakenOver:  # after a step that the other run's count may have missed
        recount(before)
        raise
    recount(before)
    if (removed := Purge.objects.filter(pk=run.pk).first()) is None:
        raise TakenOver
    _tell(removed, interrupted=False)
    return Counts(removed.uploads, removed.attempts, removed.batches)


def _take_step(run: Purge, walk: _Walk) -> bool:
    """One transaction; False at the end of the walk."""
    with transaction.atomic():
        step = walk.next()
        counts = _remove(walk.removable(_locked(step, walk.before)))
        added = Purge.objects.filter(pk=run.pk).update(
            uploads=F("uploads") + counts.uploads,
            attempts=F("attempts") + counts.attempts,
            batches=F("batches") + counts.batches,
        )
        if not added:
            raise TakenOver
    return bool(step)


def _locked(step: Sequence[Upload], before: datetime) -> list[Upload]:
    """Those that are over, as they are now, locked in the order in which everybody locks them."""
    keys = [upload.pk for upload in step if _is_over(upload, before)]
    found = Upload.objects.filter(pk__in=keys).only(*COLUMNS).order_by("pk")
    return sorted(found.select_for_update(), key=_age, reverse=True)


def _age(upload: Upload) -> tuple[datetime, int]:
    return upload.created_at, upload.pk


def _remove(chosen: Sequence[Upload]) -> Counts:
    """Through the ORM, so that whatever hangs on an upload goes with it or protects it."""
    keys = {upload.pk for upload in chosen}
    counts = Counts(uploads=len(keys))
    counts.attempts, _each = Attempt.objects.filter(upload__in=keys).delete()
    while keys:
        renewed = set(Upload.objects.filter(pk__in=keys).values_list("renews", flat=True))
        last = keys - renewed
        Upload.objects.filter(pk__in=last).delete()
        keys -= last
    counts.batches = _remove_empty({upload.batch_id for upload in chosen})
    return counts


def _remove_empty(batches: Collection[int]) -> int:
    uploads = Upload.objects.filter(batch=OuterRef("pk"))
    empty = Batch.objects.filter(~Exists(uploads), pk__in=batches)
    keys = list(empty.values_list("pk", flat=True))
    Batch.objects.filter(pk__in=keys).delete()
    return len(keys)


def _is_over(upload: Upload, before: datetime) -> bool:
    finished = upload.finished_at
    is_old = upload.status in FINISHED and finished is not None and finished < before
    return is_old and not upload.is_live


def _tell(run: Purge, *, interrupted: bool) -> None:
    """One event in the place of the run's row; nothing if somebody else has just done so."""
    with transaction.atomic():
        row = Purge.objects.select_for_update().filter(pk=run.pk).first()
        if row is None:
            return
        Purge.objects.filter(pk=row.pk).delete()
        AuditEvent.objects.record(
            "history.purged",
            by=row.by or Server(),
            before=row.before.isoformat(),
            uploads=row.uploads,
            attempts=row.attempts,
            batches=row.batches,
            account=row.account,
            interrupted=interrupted,
        )
