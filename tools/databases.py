"""The databases that benchmarks measure on: empty ones for one run, filled ones that are kept.

A filled one is named after its number of uploads and a digest of the code that made it, so that
another run of the same code finds it; of other code's, and of the day before, nothing is kept.
"""

import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tools.benchmarks import POSTGRESQL, SQLITE
from tools.environment import ROOT, VAR
from tools.test import POSTGRESQL_SERVER, has_postgresql

FOLDER = VAR / "bench"
MARK = f"bench_{zlib.crc32(bytes(ROOT)):08x}"  # so that two checkouts can measure at once
MADE_BY = ("migrations/*.py", "management/seeding/*.py", "models/*.py", "figures/*.py")

# Fills the empty database of this DATABASE_URL with so many uploads.
Fill = Callable[[str, int], None]


def available() -> Iterator[str]:
    yield SQLITE
    if has_postgresql(POSTGRESQL_SERVER):
        yield POSTGRESQL
        return
    print("Left out: PostgreSQL, because no server answers. Name one in TEST_DATABASE_URL.")


@contextmanager
def temporary(kind: str) -> Iterator[str]:
    """The DATABASE_URL of an empty database, which is removed afterwards."""
    name = f"{MARK}_{os.getpid()}"
    _create(kind, name)
    try:
        yield _url(kind, name)
    finally:
        _drop(kind, name)


@contextmanager
def copy_of(kind: str, url: str) -> Iterator[str]:
    """The DATABASE_URL of a copy, which is removed afterwards."""
    name, original = f"{MARK}_copy_{os.getpid()}", urlsplit(url).path.rpartition("/")[2]
    try:
        if kind == SQLITE:
            shutil.copyfile(FOLDER / original, FOLDER / f"{name}.sqlite3")
        else:
            _administer(f'CREATE DATABASE {name} TEMPLATE "{original}" STRATEGY FILE_COPY')
        yield _url(kind, name)
    finally:
        _drop(kind, name)


def filled(kind: str, *, uploads: int, fill: Fill) -> str:
    """The DATABASE_URL of a database with so many uploads, filled now if it is not there yet."""
    start = f"{MARK}_{uploads}_"
    name = f"{start}{_digest()}"
    if name in (there := _names(kind)):
        return _url(kind, name)
    for other in there:
        if other.startswith(start):
            _drop(kind, other)
    unfinished = f"{MARK}_unfinished_{os.getpid()}"
    _create(kind, unfinished)
    try:
        fill(_url(kind, unfinished), uploads)
        _rename(kind, unfinished, to=name)
    finally:
        _drop(kind, unfinished)
    return _url(kind, name)


def forget() -> list[str]:
    """Remove every database of this checkout's benchmarks; returns their names."""
    removed = []
    for kind in available():
        for name in _names(kind):
            _drop(kind, name)
            removed.append(f"{name} on {kind}")
    return removed


def _digest() -> str:
    """Of the code that makes the tables and rows, and of the day: handles live for four."""
    digest = hashlib.sha256(f"{datetime.now(UTC):%Y-%m-%d}".encode())
    for pattern in MADE_BY:
        for file in sorted((ROOT / "media_assets").glob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def _names(kind: str) -> list[str]:
    if kind == SQLITE:
        return [path.stem for path in FOLDER.glob(f"{MARK}_*.sqlite3")]
    with _server() as admin:
        found = admin.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
    return [name for (name,) in found if name.startswith(f"{MARK}_")]


def _url(kind: str, name: str) -> str:
    if kind == SQLITE:
        return f"sqlite:///{FOLDER / name}.sqlite3"
    return urlsplit(POSTGRESQL_SERVER)._replace(path=f"/{name}").geturl()


def _create(kind: str, name: str) -> None:
    if kind == SQLITE:
        FOLDER.mkdir(parents=True, exist_ok=True)
    else:
        _administer(f"CREATE DATABASE {name}")


def _rename(kind: str, name: str, *, to: str) -> None:
    if kind == SQLITE:
        file = FOLDER / f"{name}.sqlite3"
        if Path(f"{file}-wal").exists():
            raise OSError(f"{file} was not closed")
        file.rename(FOLDER / f"{to}.sqlite3")
    else:
        _administer(f"ALTER DATABASE {name} RENAME TO {to}")


def _drop(kind: str, name: str) -> None:
    if kind == SQLITE:
        for leftover in FOLDER.glob(f"{name}.sqlite3*"):
            leftover.unlink()
    else:
        _administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    with _server() as admin:
        admin.execute(statement.encode())


@contextmanager
def _server() -> Iterator[psycopg.Connection]:
    server = urlsplit(POSTGRESQL_SERVER)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as admin:
        yield admin
