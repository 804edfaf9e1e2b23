"""What the search looks through: folded words of uploads, and parts of their handles.

Both stand in tables of their own. An upload's row changes its state several times, and PostgreSQL
would write every trigram anew each time if they belonged to that row; these rows are written once.
On PostgreSQL a GIN index of trigrams finds them, on SQLite an FTS5 table that triggers keep.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from django.db import connections, models

from media_assets.models import rows
from media_assets.models.texts import folded
from media_assets.models.uploads import Upload

# The opaque parts of a handle, of which the first is the long one (see
# `wolkvox.handles`): whole handles in the index would be four times the table.
HANDLE_PART = 60
HANDLE_END = 32
HANDLE_LINES = 10
LONG_PART = 40


class UploadTextQuerySet(models.QuerySet["UploadText"]):
    def write(self, uploads: Iterable[Upload]) -> None:
        """Write what can be found of new uploads, or of uploads whose texts have changed."""
        self.bulk_create(
            [UploadText(upload=upload, words=words_of(upload)) for upload in uploads],
            update_conflicts=True,
            unique_fields=["upload"],
            update_fields=["words"],
            batch_size=5000,
        )


class UploadText(models.Model):
    """The address, label and campaign of an upload: decoded, in lower case, without accents."""

    upload = models.OneToOneField(
        Upload, models.CASCADE, primary_key=True, related_name="search_text"
    )
    words = models.TextField()

    objects = UploadTextQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.words


class HandleTextQuerySet(models.QuerySet["HandleText"]):
    def write(self, uploads: Iterable[Upload]) -> None:
        """Write what can be found of the handles that uploads have just got."""
        self.bulk_create(
            [HandleText(upload=upload, part=handle_part(upload.handle)) for upload in uploads],
            update_conflicts=True,
            unique_fields=["upload"],
            update_fields=["part"],
            batch_size=5000,
        )

    def statement(self, upload: Upload, handle: str) -> rows.Statement:
        """What writes it for one upload, when it is run; not over what is there already.

        It is sent together with what makes the upload ready, which may turn out to come too late.
        """
        text = HandleText(upload_id=upload.pk, part=handle_part(handle))
        return rows.insert(text, ignore_conflicts=True)


class HandleText(models.Model):
    """The beginning of the long part and the last part of a handle's lines, in lower case."""

    upload = models.OneToOneField(
        Upload, models.CASCADE, primary_key=True, related_name="handle_text"
    )
    part = models.TextField()

    objects = HandleTextQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.part


def words_of(upload: Upload) -> str:
    """What a search for any part of address, label and campaign looks through.

    The address is without its scheme and decoded, so that a name is found as people read it.
    """
    parts = urlsplit(upload.file_url)
    query = f"?{parts.query}" if parts.query else ""
    return "\n".join(
        folded(text)
        for text in (f"{parts.netloc}{unquote(parts.path)}{query}", upload.label, upload.campaign)
        if text
    )


def handle_part(handle: str) -> str:
    """What a search for a part of a handle looks through.

    A handle is a row of parts between colons; the long opaque one and the last one tell it from
    others, in each of its lines.
    """
    lines = handle.split("\n")[:HANDLE_LINES]
    return "\n".join(f"{long_part(line)[:HANDLE_PART]}\n{_end(line)}" for line in lines).lower()


def _end(line: str) -> str:
    return line.rpartition(":")[2][:HANDLE_END]


def long_part(text: str) -> str:
    """The first part of some length between colons, or the longest if all are short."""
    parts = text.split(":")
    return next((part for part in parts if len(part) >= LONG_PART), max(parts, key=len))


def install(*, using: str = "default") -> None:
    """Make the index of trigrams, or what SQLite has in its place; does nothing twice.

    SQLite's triggers vanish when a migration makes their table anew, so what is `missing` is made
    after every `migrate`.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in INDEX[connection.vendor]:
            cursor.execute(statement)


def missing(*, using: str = "default") -> list[str]:
    """The names of indexes and triggers that are not there; none before their migration."""
    connection = connections[using]
    if UploadText._meta.db_table not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FOUND[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    wanted = [*NAMES]
    if connection.vendor == "sqlite":
        wanted += [f"{name}_{event}" for name in NAMES for event in EVENTS]
    return [name for name in wanted if name not in found]


def rebuild(*, using: str = "default") -> None:
    """Fill what SQLite searches in from the rows that are there."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")  # noqa: S608  (ours)


def uninstall(*, using: str = "default") -> None:
    """Take away what `install` has made."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name in NAMES:
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
                continue
            for event in EVENTS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}_{event}")
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _fts(name: str, *, content: str, key: str, column: str) -> list[str]:
    """An FTS5 table over one column of another table, kept up to date by triggers.

    `case_sensitive`, because what it holds and what it is asked for are folded alike.
    """
    add = f"INSERT INTO {name} (rowid, {column}) VALUES (NEW.{key}, NEW.{column})"  # noqa: S608
    remove = (
        f"INSERT INTO {name} ({name}, rowid, {column}) "  # noqa: S608  (names of ours)
        f"VALUES ('delete', OLD.{key}, OLD.{column})"
    )
    trigger = f"CREATE TRIGGER IF NOT EXISTS {name}"
    return [
        f"""CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5({column}, content='{content}',
            content_rowid='{key}', columnsize=0, tokenize='trigram case_sensitive 1')""",
        f"{trigger}_added AFTER INSERT ON {content} BEGIN {add}; END",
        f"{trigger}_removed AFTER DELETE ON {content} BEGIN {remove}; END",
        f"""{trigger}_changed AFTER UPDATE OF {key}, {column} ON {content}
            BEGIN {remove}; {add}; END""",
    ]


EVENTS = ("added", "removed", "changed")
_FOUND = {
    "postgresql": """SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indisvalid AND pg_table_is_visible(indexrelid)""",
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')",
}
NAMES = ["upload_words", "upload_handle_part", "batch_code_part"]
# A short pending list: with a long one writing is cheaper still, but every search reads it whole.
_GIN = """CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (({column}) gin_trgm_ops)
    WITH (fastupdate = on, gin_pending_list_limit = 256)"""
INDEX = {
    "postgresql": [
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        _GIN.format(name="upload_words", table="media_assets_uploadtext", column="words"),
        _GIN.format(name="upload_handle_part", table="media_assets_handletext", column="part"),
        _GIN.format(
            name="batch_code_part",
            table="media_assets_batch",
            column="replace(code::text, '-', '')",
        ),
    ],
    "sqlite": [
        *_fts("upload_words", content="media_assets_uploadtext", key="upload_id", column="words"),
        *_fts(
            "upload_handle_part", content="media_assets_handletext", key="upload_id", column="part"
        ),
        *_fts("batch_code_part", content="media_assets_batch", key="id", column="code"),
    ],
}
