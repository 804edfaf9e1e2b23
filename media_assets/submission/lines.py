"""What somebody pasted, line by line, and what is found about it before anything is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import F
from django.utils.functional import Promise

from media_assets import preflight
from media_assets.models import Connector, Status, Upload
from media_assets.models.texts import plain
from media_assets.submission.sentences import sentence_for

URL_NAMES = {
    "url", "urls", "file_url", "link", "enlace", "dirección", "direccion", "endereço", "endereco",
    "address",
}  # fmt: skip
LABEL_NAMES = {"label", "etiqueta", "rótulo", "rotulo", "nombre", "nome", "name"}
LABEL_MAX = Upload._meta.get_field("label").max_length or 0


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
    values: dict[str, str] = field(default_factory=dict)
    live: Upload | None = None
    under_way: Upload | None = None
    probe: preflight.Probe | None = None

    @property
    def is_good(self) -> bool:
        """Whether it would be sent as it stands."""
        return self.file_url is not None and not self.problem and not self.is_there

    @property
    def is_there(self) -> bool:
        """Whether this connector has a live handle for the file, or is about to."""
        return self.live is not None or self.under_way is not None

    def refuse(self, problem: str, sentence: str | Promise, **values: str) -> None:
        """`sentence` for now; `values` are what it holds, to say the same later on."""
        self.problem = problem
        self.sentence = sentence
        self.values = values


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

    @property
    def under_way(self) -> list[Line]:
        return [line for line in self.lines if line.under_way and not line.problem]

    @property
    def there(self) -> list[Line]:
        """Those that are sent only if the person asks for it: live or under way."""
        return [line for line in self.lines if line.is_there and not line.problem]


def require_readable(text: str) -> None:
    """Raises `TooManyLines` for a paste that is not even worth reading: each line costs memory."""
    count = text.count("\n") + text.count("\r") - text.count("\r\n") + 1
    if count > 10 * settings.BATCH_MAX:
        raise TooManyLines(count, most=settings.BATCH_MAX)


def read_lines(text: str) -> list[Line]:
    """Split a paste into lines: a URL each, with a label after a tab.

    A first line that is a header (`url,label`; comma, semicolon or tab) makes it CSV, and then
    `csv.Error` is raised for what is none.
    """
    content = text.lstrip("\ufeff\r\n ")
    first = content.partition("\n")[0].strip()
    for delimiter in ",;\t":
        names = [name.strip(' "').lower() for name in first.split(delimiter)]
        if URL_NAMES.intersection(names):
            before = text[: len(text) - len(content)].count("\n")
            return list(_read_csv(content, delimiter=delimiter, names=names, before=before))
    # str.splitlines would also split at control characters, which belong to the line's sentence
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [
        Line(number=number, text=url.strip(" "), label=plain(label).strip())
        for number, line in enumerate(lines, start=1)
        if line.strip()
        for url, _tab, label in [line.strip(" \t").partition("\t")]
    ]


def _read_csv(text: str, *, delimiter: str, names: Sequence[str], before: int) -> Iterator[Line]:
    """`before`: blank lines above, which count, too."""
    url_at = next(at for at, name in enumerate(names) if name in URL_NAMES)
    label_at = next((at for at, name in enumerate(names) if name in LABEL_NAMES), None)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    next(reader)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        label = row[label_at] if label_at is not None and label_at < len(row) else ""
        url = row[url_at].strip() if url_at < len(row) else ""
        number = before + reader.line_num
        yield Line(number=number, text=url, label=plain(label).strip())


def check(text: str, *, connector: Connector | None, probe_seconds: float = 0.0) -> Checked:
    """Look at every line of a paste before anything is sent.

    Finds what is wrong with an address, duplicates within the paste, live handles that this
    connector already has for an address or is about to get, and what Storage says of the files,
    as far as that is known or can be learnt within `probe_seconds`. Raises `TooManyLines`.
    """
    require_readable(text)
    lines = read_lines(text)
    if len(lines) > settings.BATCH_MAX:
        raise TooManyLines(len(lines), most=settings.BATCH_MAX)
    first_with: dict[str, int] = {}
    for line in lines:
        try:
            line.file_url = preflight.parse_url(line.text)
        except preflight.UrlProblem as problem:
            line.refuse(problem.code, problem.sentence, **problem.values)
            continue
        if len(line.label) > LABEL_MAX:
            values = {"count": str(len(line.label)), "most": str(LABEL_MAX)}
            line.refuse("long_label", sentence_for("long_label", values), **values)
            continue
        earlier = first_with.setdefault(line.file_url.url, line.number)
        if earlier != line.number:
            values = {"line": str(earlier)}
            line.refuse("duplicate", sentence_for("duplicate", values), **values)
    checked = Checked(lines)
    if connector is not None:
        _find_earlier(checked.good, connector=connector)
    _probe(checked.good, seconds=probe_seconds)
    return checked


def _find_earlier(lines: Sequence[Line], *, connector: Connector) -> None:
    """Live handles, and else what waits or is being sent, in one query for all lines."""
    urls = [line.file_url.url for line in lines if line.file_url]
    found = Upload.objects.live_or_unfinished().filter(connector=connector, file_url__in=urls)
    ordered = list(found.order_by(F("handle_expires_at").asc(nulls_first=True), "id"))
    live = {upload.file_url: upload for upload in ordered if upload.status == Status.READY}
    under_way = {upload.file_url: upload for upload in ordered if upload.status != Status.READY}
    for line in lines:
        if line.file_url:
            line.live = live.get(line.file_url.url)
            line.under_way = None if line.live else under_way.get(line.file_url.url)


def _probe(lines: Sequence[Line], *, seconds: float) -> None:
    listed = [line.file_url for line in lines if line.file_url and line.file_url.listed]
    probes = preflight.probe_many(listed, seconds=seconds)
    for line in lines:
        line.probe = probes.get(line.file_url.url) if line.file_url else None
        if line.probe and line.probe.blocks:
            problem = f"file_{line.probe.problem}"
            line.refuse(problem, line.probe.sentence, **line.probe.values)
