"""What the indexes of the search find: trigrams in GIN on PostgreSQL, in FTS5 on SQLite."""

import json
import re
from collections.abc import Iterable

from django.db import connection
from django.db.models.expressions import RawSQL

from media_assets.models.rows import Statement

FEW = 5_000  # uploads that are quickly read by their keys
# pg_trgm makes trigrams of letters and digits only; a term without three of them in a row would
# read its whole index
INDEXED = re.compile(r"[^\W_]{3}")
NEEDLE = 40  # the end of a long term says as much as the whole, and costs less to look up
TABLES = {
    "upload_words": ("media_assets_uploadtext", "upload_id", "words"),
    "upload_handle_part": ("media_assets_handletext", "upload_id", "part"),
    "batch_code_part": ("media_assets_batch", "id", "replace(code::text, '-', '')"),
}


def is_indexed(text: str) -> bool:
    """Whether an index helps to find this part of a text."""
    return INDEXED.search(text[-NEEDLE:]) is not None


def is_exact(text: str) -> bool:
    """Whether what the index finds holds the whole text, and needs no second look."""
    return len(text) <= NEEDLE and is_indexed(text)


def lookup(index: str, texts: Iterable[str]) -> Statement:
    """Finds the keys of rows that hold all these parts, in no order; at times a few too many."""
    needles = [text[-NEEDLE:] for text in texts]
    if connection.vendor == "postgresql":
        table, key, column = TABLES[index]
        fits = " AND ".join([f"{column} LIKE %s"] * len(needles))
        sql = f"SELECT {key} AS id FROM {table} WHERE {fits}"  # noqa: S608  (names of ours)
        return Statement(sql, [like(needle) for needle in needles])
    phrases = " ".join(f'"{needle.replace(chr(34), chr(34) * 2)}"' for needle in needles)
    sql = f"SELECT rowid AS id FROM {index} WHERE {index} MATCH %s"  # noqa: S608  (names of ours)
    return Statement(sql, [phrases])


def keys(index: str, texts: Iterable[str], *, limit: int) -> list[int]:
    """The first keys that `lookup` finds."""
    statement = lookup(index, texts)
    found = Statement(f"{statement.sql} LIMIT %s", [*statement.parameters, limit]).run()
    return [key for (key,) in found.rows]


def listed(keys: Iterable[int]) -> RawSQL:
    """Many keys as one parameter, for `pk__in`: thousands take longer than the query."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])


def found_by(statement: Statement) -> RawSQL:
    """The keys that a statement of `lookup` finds, for `pk__in`."""
    sql = f"SELECT id FROM ({statement.sql}) found"  # noqa: S608  (made of names of ours)
    return RawSQL(sql, statement.parameters)  # noqa: S611


def like(text: str) -> str:
    """The pattern of a LIKE that finds `text` in a longer one; for ESCAPE '\\'."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return f"%{escaped}%"
