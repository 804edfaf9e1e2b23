"""Batches, uploads and attempts as objects, in the order in which they were submitted."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from django.contrib.auth.models import User
from django.utils.text import slugify

from media_assets.management.seeding import calls, texts, times
from media_assets.management.seeding.company import Company
from media_assets.models import BULK_LANE, QUICK_LANE, Attempt, Batch, Connector, Status, Upload
from media_assets.preflight.urls import PATH_SAFE
from media_assets.submission.queueing import SMALL_BATCH
from media_assets.wolkvox import handles

# format, extension, type, median and most of the size in bytes
FILES = (
    ("IMAGE", "jpg", "image/jpeg", 420_000, 5_000_000),
    ("IMAGE", "png", "image/png", 650_000, 5_000_000),
    ("VIDEO", "mp4", "video/mp4", 6_000_000, 16_000_000),
    ("DOCUMENT", "pdf", "application/pdf", 1_500_000, 40_000_000),
)
FILE_SHARES = (0.58, 0.72, 0.88, 1.0)
CANCELLED, BAD_BATCHES = 0.01, 0.1
FAILED, FAILED_IN_BAD = 0.024, 0.3
LABELLED, RENEWED = 0.7, 0.12
SHORTEST_URL, LONGEST_URL = 80, 200


@dataclass
class Submitted:
    """One batch, its uploads, and the attempts of each upload at the same place."""

    batch: Batch
    uploads: list[Upload] = field(default_factory=list)
    attempts: list[list[Attempt]] = field(default_factory=list)

    def add(self, upload: Upload, attempts: list[Attempt]) -> None:
        self.uploads.append(upload)
        self.attempts.append(attempts)


class History:
    """What a company submitted in the year before `until`.

    `written` has to be told of every part that is in the database, from which later parts
    renew some.
    """

    def __init__(self, company: Company, *, until: datetime, rng: random.Random) -> None:
        self._company = company
        self._until = until
        self._rng = rng
        self._campaigns = times.campaigns(until=until, rng=rng)
        self._to_renew: dict[tuple[int, int], Upload] = {}

    def batches(self, uploads: int) -> Iterator[Submitted]:
        """Batches of so many uploads in all, oldest first."""
        for at, size in times.submissions(uploads, until=self._until, rng=self._rng):
            yield self._batch(at, size)

    def waiting(self, uploads: int) -> Submitted:
        """One batch that was submitted just now and not sent yet."""
        person, connector = self._company.somebody(self._rng)
        batch = self._new_batch(self._until, person, connector)
        made = Submitted(batch)
        for _number in range(uploads):
            made.add(self._new_upload(batch, size=uploads), [])
        return made

    def written(self, submitted: list[Submitted]) -> None:
        for one in submitted:
            upload = one.uploads[-1]
            if upload.status == Status.READY:
                self._to_renew[upload.submitted_by_id, upload.connector_id] = upload

    def _batch(self, at: datetime, size: int) -> Submitted:
        rng = self._rng
        person, connector = self._company.somebody(rng)
        batch = self._new_batch(at, person, connector)
        renewed = None
        if size == 1 and rng.random() < RENEWED:
            renewed = self._to_renew.pop((person.pk, connector.pk), None)
        share = FAILED_IN_BAD if rng.random() < BAD_BATCHES else FAILED
        made = Submitted(batch)
        for _number in range(size):
            upload = self._new_upload(batch, size=size, renewed=renewed)
            made.add(upload, self._sent(upload, share_of_failures=share))
        return made

    def _new_batch(self, at: datetime, person: User, connector: Connector) -> Batch:
        rng = self._rng
        running = self._campaigns[times.day_of(at, until=self._until)]
        campaign = rng.choice(running) if running and rng.random() > times.WITHOUT_CAMPAIGN else ""
        return Batch(
            code=_code(rng),
            form_key=_code(rng),
            submitted_by=person,
            connector=connector,
            campaign=campaign,
            created_at=at,
        )

    def _new_upload(self, batch: Batch, *, size: int, renewed: Upload | None = None) -> Upload:
        rng = self._rng
        connector = batch.connector
        ((kind, extension, content_type, median, most),) = rng.choices(
            FILES, cum_weights=FILE_SHARES
        )
        values = {
            "file_url": self._url(batch, extension),
            "label": self._label() if rng.random() < LABELLED else "",
            "format": kind,
            "content_type": content_type,
            "size": min(int(median * rng.lognormvariate(0, 0.7)), most),
        }
        if renewed is not None:
            values = {name: getattr(renewed, name) for name in values}
        return Upload(
            code=_code(rng),
            batch=batch,
            connector=connector,
            operation=connector.operation,
            submitted_by=batch.submitted_by,
            campaign=batch.campaign if renewed is None else renewed.campaign,
            renews=renewed,
            lane=BULK_LANE if size > SMALL_BATCH else QUICK_LANE,
            status=Status.QUEUED.value,
            due_at=batch.created_at,
            created_at=batch.created_at,
            changed_at=batch.created_at,
            **values,
        )

    def _sent(self, upload: Upload, *, share_of_failures: float) -> list[Attempt]:
        """Let it be cancelled, or call for it: its attempts."""
        rng, at = self._rng, upload.created_at
        chance = rng.random()
        if chance < CANCELLED:
            upload.status = Status.CANCELLED.value
            upload.changed_at = upload.finished_at = at + timedelta(seconds=rng.uniform(4, 600))
            return []
        if chance < CANCELLED + share_of_failures:
            called = calls.failing(at, rng=rng)
            upload.status = Status.FAILED.value
        else:
            called = calls.succeeding(at, rng=rng)
            upload.status = Status.READY.value
            self._give_handle(upload, called.finished_at)
        upload.sent_with = upload.operation.token_fingerprint
        upload.attempt_count = len(called.attempts)
        if upload.attempt_count > 1:
            upload.lane |= 1
        upload.last_outcome = called.outcome.value
        upload.vendor_message = called.message
        upload.changed_at = upload.finished_at = called.finished_at
        return called.attempts

    def _give_handle(self, upload: Upload, at: datetime) -> None:
        upload.handle = calls.make_handle(
            upload.file_name,
            content_type=upload.content_type,
            at=at,
            app=int(upload.operation.server),
            rng=self._rng,
        )
        seconds = int((at + handles.LIFETIME).timestamp())
        upload.handle_expires_at = datetime.fromtimestamp(seconds, UTC)

    def _label(self) -> str:
        rng = self._rng
        label = f"{rng.choice(texts.KINDS)} {rng.choice(texts.PRODUCTS)}"
        return f"{label} {rng.randint(1, 400)}" if rng.random() < 0.8 else label

    def _url(self, batch: Batch, extension: str) -> str:
        """80 to 200 characters, as a form stores it: percent-encoded where it has to be."""
        rng = self._rng
        at, mark = batch.created_at, f"{rng.getrandbits(48):012x}"
        separator = rng.choice(("-", "-", "_", " "))
        name = separator.join(rng.choices(texts.FILE_WORDS, k=rng.randint(1, 3)))
        folder = slugify(batch.campaign) or "varios"
        server = batch.connector.operation.server
        start = f"https://storage.googleapis.com/wvox-{server}/{at:%Y/%m}/"
        url = start + quote(f"{folder}/{name}{separator}{mark}.{extension}", safe=PATH_SAFE)
        if len(url) < SHORTEST_URL:
            return f"{start}{folder}/{mark * 3}.{extension}"
        return url if len(url) <= LONGEST_URL else f"{start}{folder}/{mark}.{extension}"


def _code(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
