"""The web's half of the queue: submit, retry and renew, each rows and event in one transaction."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from media_assets import preflight
from media_assets.models import (
    BULK_LANE,
    QUICK_LANE,
    WAKE_CHANNEL,
    AuditEvent,
    Batch,
    Connector,
    Upload,
)

SMALL_BATCH = 5  # files; a larger batch goes through the bulk lane
_URL_NAMES = {"url", "file_url"}
_LABEL_NAMES = {"label", "etiqueta", "rótulo", "rotulo", "nombre", "nome", "name"}


class NothingToSend(ValueError):
    """Every line has a problem or already has a handle."""


class TooManyLines(ValueError):
    """More lines than a batch takes: `count` were given, `most` are allowed."""

    def __init__(self, count: int, *, most: int) -> None:
        super().__init__(f"{count} lines, at most {most} are allowed")
        self.count = count
        self.most = most


@dataclass
class Line:
    """One line as typed, and what was found about it."""

    number: int
    text: str
    label: str = ""
    file_url: preflight.FileUrl | None = None
    problem: str = ""
    sentence: str | Promise = ""
    live: Upload | None = None
    probe: preflight.Probe | None = None

    @property
    def is_good(self) -> bool:
        """Whether it would be sent as it stands."""
        return self.file_url is not None and not self.problem and self.live is None

    def refuse(self, problem: str, sentence: str | Promise) -> None:
        self.problem = problem
        self.sentence = sentence


@dataclass
class Checked:
    """The lines of one paste, in their order."""

    lines: list[Line] = field(default_factory=list)

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if line.is_good]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.problem]

    @property
    def live(self) -> list[Line]:
        return [line for line in self.lines if line.live and not line.problem]


def read_lines(text: str) -> list[Line]:
    """Split a paste into lines: a URL each, with a label after a tab.

    A first line that is a header (`url,label`; comma, semicolon or tab) makes it CSV, and then
    `csv.Error` is raised for what is none.
    """
    first = text.lstrip("\ufeff\r\n ").partition("\n")[0].strip()
    for delimiter in ",;\t":
        names = [name.strip(' "').lower() for name in first.split(delimiter)]
        if _URL_NAMES.intersection(names):
            return list(_read_csv(text.lstrip("\ufeff\r\n "), delimiter=delimiter, names=names))
    # str.splitlines would also split at control characters, which belong to the line's sentence
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [
        Line(number=number, text=url.strip(" "), label=label.strip()[:120])
        for number, line in enumerate(lines, start=1)
        if line.strip()
        for url, _tab, label in [line.strip(" \t").partition("\t")]
    ]


def _read_csv(text: str, *, delimiter: str, names: Sequence[str]) -> Iterator[Line]:
    url_at = next(at for at, name in enumerate(names) if name in _URL_NAMES)
    label_at = next((at for at, name in enumerate(names) if name in _LABEL_NAMES), None)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    next(reader)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        label = row[label_at] if label_at is not None and label_at < len(row) else ""
        url = row[url_at].strip() if url_at < len(row) else ""
        yield Line(number=reader.line_num, text=url, label=label.strip()[:120])


def check(text: str, *, connector: Connector | None, probe_seconds: float = 0.0) -> Checked:
    """Look at every line of a paste before anything is sent.

    Finds what is wrong with an address, duplicates within the paste, live handles that this
    connector already has for an address, and what Storage says of the files, as far as that is
    known or can be learnt within `probe_seconds`. Raises `TooManyLines`.
    """
    if text.count("\n") > 10 * settings.BATCH_MAX:  # not even worth reading
        raise TooManyLines(text.count("\n") + 1, most=settings.BATCH_MAX)
    lines = read_lines(text)
    if len(lines) > settings.BATCH_MAX:
        raise TooManyLines(len(lines), most=settings.BATCH_MAX)
    first_with: dict[str, int] = {}
    for line in lines:
        try:
            line.file_url = preflight.parse_url(line.text)
        except preflight.UrlProblem as problem:
            line.refuse(problem.code, problem.sentence)
            continue
        earlier = first_with.setdefault(line.file_url.url, line.number)
        if earlier != line.number:
            line.refuse(
                "duplicate",
                _("The same address stands in line %(line)s already.") % {"line": earlier},
            )
    checked = Checked(lines)
    if connector is not None:
        _find_live_handles(checked.good, connector=connector)
    _probe(checked.good, seconds=probe_seconds)
    return checked


def _find_live_handles(lines: Sequence[Line], *, connector: Connector) -> None:
    urls = [line.file_url.url for line in lines if line.file_url]
    live = Upload.objects.live().filter(connector=connector, file_url__in=urls)
    newest = {
        upload.file_url: upload
        for upload in live.order_by(F("handle_expires_at").asc(nulls_first=True), "id")
    }
    for line in lines:
        if line.file_url:
            line.live = newest.get(line.file_url.url)


def _probe(lines: Sequence[Line], *, seconds: float) -> None:
    listed = [line.file_url for line in lines if line.file_url and line.file_url.listed]
    probes = preflight.probe_many(listed, seconds=seconds)
    for line in lines:
        line.probe = probes.get(line.file_url.url) if line.file_url else None
        if line.probe and line.probe.blocks:
            line.refuse(line.probe.problem, line.probe.sentence)


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
    """Queue the good lines, and those with a live handle if `again`, as one batch.

    Lines with a problem are kept with the batch as left out. A person's `key` that was used
    before gives the batch it made then. Raises `NothingToSend`.
    """
    chosen = [
        (line, line.file_url)
        for line in checked.lines
        if line.file_url and not line.problem and (again or not line.live)
    ]
    if not chosen:
        raise NothingToSend
    sent = {line.number for line, _file_url in chosen}
    now = timezone.now()
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
        Upload.objects.bulk_create(
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
        AuditEvent.objects.record(
            "batch.submitted",
            by=by,
            on=batch,
            address=address,
            connector=str(connector),
            uploads=len(chosen),
            left_out=len(batch.left_out),
        )
        _wake_workers()
    return batch


def retry(upload: Upload, *, by: User, address: str | None = None) -> bool:
    """Queue a failed upload again; False if it is not failed any more."""
    with transaction.atomic():
        if not upload.set_queued_again(timezone.now()):
            return False
        AuditEvent.objects.record("upload.retried", by=by, on=upload, address=address)
        _wake_workers()
    return True


def renew(upload: Upload, *, by: User, address: str | None = None) -> Upload:
    """Queue the same file on the same connector for a fresh handle, and return the new upload.

    A renewal of this upload that has not finished yet is returned instead of another.
    """
    with transaction.atomic():
        locked = Upload.objects.select_for_update().get(pk=upload.pk)
        unfinished = locked.renewals.unfinished().first()
        if unfinished is not None:
            return unfinished
        batch = Batch.objects.create(
            form_key=uuid.uuid4(),
            submitted_by=by,
            connector=locked.connector,
            campaign=locked.campaign,
        )
        renewal = _new_upload(
            batch,
            now=timezone.now(),
            file_url=locked.file_url,
            label=locked.label,
            format=locked.format,
            lane=QUICK_LANE,
            content_type=locked.content_type,
            size=locked.size,
            renews=locked,
        )
        renewal.save()
        AuditEvent.objects.record(
            "upload.renewed", by=by, on=locked, address=address, renewal=str(renewal.code)
        )
        _wake_workers()
    return renewal


def copied(upload: Upload, *, snippet: str, by: User, address: str | None = None) -> None:
    """Record that a person copied a handle, and in which form."""
    AuditEvent.objects.record("handle.copied", by=by, on=upload, address=address, snippet=snippet)


def _left_out(line: Line) -> dict[str, str | int]:
    sentence = line.sentence or _("A live handle was already there.")
    return {
        "line": line.number,
        "text": line.text[:2100],
        "label": line.label,
        "problem": str(sentence),
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


def _wake_workers() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {WAKE_CHANNEL}")
