"""What somebody pasted, line by line, and what is found about it before anything is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from media_assets import preflight
from media_assets.models import Connector, Upload

_URL_NAMES = {"url", "file_url"}
_LABEL_NAMES = {"label", "etiqueta", "rótulo", "rotulo", "nombre", "nome", "name"}


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
