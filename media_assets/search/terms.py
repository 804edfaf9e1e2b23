"""What somebody typed into the search field, and which uploads fit it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from media_assets.models import Connector, Upload, UploadText
from media_assets.models.querysets import UploadQuerySet
from media_assets.models.rows import Statement, places
from media_assets.models.search import HANDLE_END, LONG_PART, long_part
from media_assets.models.texts import folded
from media_assets.search import index
from media_assets.search.index import FEW, is_indexed, like

MOST_TERMS = 8
HANDLE_AT_LEAST = 8  # characters of a handle that are looked for
HANDLE_BEGINNING = 120  # one line is at least 191; a browser's search field drops line breaks
BATCHES = 100
SCHEME = re.compile(r"^https?://")
OWN_PAGE = re.compile(r"https?://[^/]+/(?:uploads|batches)/([0-9a-f-]{36})/?")
WHOLE_HANDLE = re.compile(r"\S{60,}")
CODE_PART = re.compile(r"[0-9a-f-]{8,36}")
UPLOAD = Upload._meta.db_table
TEXT = UploadText._meta.db_table


@dataclass(frozen=True)
class Term:
    """One word, in the ways in which it may be stored, and what it stands for besides."""

    texts: tuple[str, ...]
    connectors: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    uploads: tuple[int, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is a part of the texts of an upload, and nothing else."""
        return len(self.texts) == 1 and not (self.connectors or self.batches or self.uploads)

    @property
    def is_indexed(self) -> bool:
        return all(map(is_indexed, self.texts))

    def fits(self) -> Q:
        """For a queryset with the alias `words`."""
        return Q(
            *(Q(words__contains=text) for text in self.texts),
            Q(connector__in=self.connectors),
            Q(batch__in=self.batches),
            Q(pk__in=self.uploads),
            _connector=Q.OR,
        )

    def condition(self, row: str) -> Statement:
        """The same as `fits` in SQL, about a row that has id, connector_id and batch_id."""
        words = f"(SELECT words FROM {TEXT} WHERE upload_id = {row}.id)"  # noqa: S608  (ours)
        parts: list[str] = [f"{words} LIKE %s ESCAPE '\\'"] * len(self.texts)
        parameters: list[Any] = [like(text) for text in self.texts]
        for column, values in self._keys().items():
            if values:
                parts.append(f"{row}.{column} IN ({places(values)})")
                parameters += values
        return Statement(f"({' OR '.join(parts)})", parameters)

    def matches(self) -> Statement:
        """Finds the ids of all uploads that may fit, some perhaps twice, through the indexes."""
        found = [index.lookup("upload_words", [text]) for text in self.texts]
        parts = [each.sql for each in found]
        parameters = [value for each in found for value in each.parameters]
        for column, values in self._keys().items():
            if values:
                parts.append(f"SELECT id FROM {UPLOAD} WHERE {column} IN ({places(values)})")  # noqa: S608
                parameters += values
        return Statement(" UNION ALL ".join(parts), parameters)

    def _keys(self) -> dict[str, tuple[int, ...]]:
        return {"connector_id": self.connectors, "batch_id": self.batches, "id": self.uploads}


@dataclass(frozen=True)
class Search:
    """All of its terms have to fit."""

    terms: tuple[Term, ...]

    @property
    def is_indexed(self) -> bool:
        """Whether an index helps; without, only the newest uploads are looked at."""
        return self.matches() is not None

    @cached_property
    def few(self) -> frozenset[int] | None:
        """Ids among which all that fits is, or None when those are many or no index helps."""
        matches = self.matches()
        if matches is None:
            return None
        sql = f"{matches.sql} LIMIT %s"
        found = Statement(sql, [*matches.parameters, FEW + 1]).run().rows
        return frozenset(key for (key,) in found) if len(found) <= FEW else None

    @property
    def is_told_by_keys(self) -> bool:
        """Whether all that the index finds fits, so that nobody has to look at the texts again."""
        return all(term.is_plain and index.is_exact(term.texts[0]) for term in self.terms)

    def within(self, uploads: UploadQuerySet) -> UploadQuerySet:
        """Those of these uploads that fit."""
        if self.few is not None and self.is_told_by_keys:
            return uploads.filter(pk__in=index.listed(self.few))
        words = UploadText.objects.filter(upload=OuterRef("pk")).values("words")
        fitting = uploads.alias(words=Subquery(words))
        for term in self.terms:
            fitting = fitting.filter(term.fits())
        if self.few is not None:
            return fitting.filter(pk__in=index.listed(self.few))
        if (matches := self.matches()) is None:
            return fitting
        return fitting.filter(pk__in=index.found_by(matches))

    def matches(self) -> Statement | None:
        """Finds the ids of all that may fit through the indexes; None where none helps."""
        indexed = [term for term in self.terms if term.is_indexed]
        plain = [term.texts[0] for term in indexed if term.is_plain]
        if plain:
            return index.lookup("upload_words", plain)
        return indexed[0].matches() if indexed else None

    def condition(self, row: str) -> Statement:
        conditions = [term.condition(row) for term in self.terms]
        return Statement(
            " AND ".join(condition.sql for condition in conditions),
            [value for condition in conditions for value in condition.parameters],
        )


def search_for(typed: str, *, connectors: Iterable[Connector]) -> Search:
    """What `typed` asks for; `connectors` are those that may be found by their names.

    Words are separated by white space (`MOST_TERMS` of them at most), and each may be a part of the
    address, the label, the campaign, the connector's name or id, the code of the batch or upload,
    or of a handle.
    """
    known = [(_names_of(connector), connector.pk) for connector in connectors]
    terms = {_stored(piece): piece for piece in pieces_of(typed)}
    terms.pop(("",), None)
    return Search(tuple(_term(texts, piece, known) for texts, piece in terms.items()))


def pieces_of(typed: str) -> list[str]:
    """Its words; of a handle of several lines the first line, which is enough."""
    pieces = [_unwrapped(piece) for piece in typed.split()]
    if pieces and _is_handle(pieces[0]):
        return [pieces[0], *(piece for piece in pieces[1:] if not _is_handle(piece))]
    return pieces


def _term(texts: tuple[str, ...], piece: str, known: Sequence[tuple[str, int]]) -> Term:
    return Term(
        texts,
        connectors=tuple(key for names, key in known if any(text in names for text in texts)),
        batches=tuple(_batches(texts[0])),
        uploads=(*_by_code(texts[0]), *_by_handle(piece)),
    )


def _is_handle(piece: str) -> bool:
    return bool(WHOLE_HANDLE.match(piece)) and piece.count(":") >= 3 and "//" not in piece


def _unwrapped(piece: str) -> str:
    """Of the address of one of our own pages the code in it; else the piece as it is."""
    page = OWN_PAGE.fullmatch(piece)
    return page[1] if page else piece


def _stored(piece: str) -> tuple[str, ...]:
    """As it may be stored: decoded as the path of an address, and as labels and campaigns are.

    Of a NUL, which no database keeps, it makes a character that is found nowhere.
    """
    path, mark, query = piece.partition("?")
    ways = (f"{unquote(path)}{mark}{query}", piece)
    return tuple(dict.fromkeys(SCHEME.sub("", folded(way.replace("\0", "\ufffd"))) for way in ways))


def _names_of(connector: Connector) -> str:
    names = (str(connector), connector.name, connector.connector_id, connector.operation.name)
    return "\n".join(folded(name) for name in names)


def _batches(text: str) -> list[int]:
    part = text.replace("-", "")
    if not CODE_PART.fullmatch(text) or not CODE_PART.fullmatch(part):
        return []
    return index.keys("batch_code_part", [part], limit=BATCHES)


def _by_code(text: str) -> list[int]:
    if not CODE_PART.fullmatch(text) or len(text.replace("-", "")) != 32:
        return []
    return list(Upload.objects.filter(code=UUID(text)).values_list("pk", flat=True))


def _by_handle(piece: str) -> list[int]:
    """Uploads by a part of a handle: of the beginning of a line's long part, or of its end.

    It may come with quotation marks and a comma, as from JSON, or as a list has cut it.
    """
    piece = piece.strip("\"',…")
    needles = {long_part(piece)[:LONG_PART], piece.rpartition(":")[2][:HANDLE_END]}
    found = {
        key
        for needle in needles
        if len(needle) >= HANDLE_AT_LEAST and is_indexed(needle)
        for key in index.keys("upload_handle_part", [needle.lower()], limit=FEW + 1)
    }
    if not found or len(found) > FEW:  # what so many have in common tells none from another
        return []
    fitting = Upload.objects.filter(pk__in=found, handle__icontains=piece[:HANDLE_BEGINNING])
    return list(fitting.values_list("pk", flat=True))
