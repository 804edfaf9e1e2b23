"""The databases of `make bench`: filled once, kept for the same code, and removed."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection

from tools import databases
from tools.benchmarks import POSTGRESQL, SQLITE
from tools.benchmarks.looking import looking

Fill = Callable[[str, int], None]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: None) -> Iterator[str]:
    """The database of this run, with names and a folder of the test's own."""
    monkeypatch.setattr(databases, "FOLDER", tmp_path)
    monkeypatch.setattr(databases, "MARK", "bench_test_suite")
    monkeypatch.setattr(databases, "has_postgresql", lambda _url: connection.vendor == "postgresql")
    yield POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    databases.forget()


def put(url: str, uploads: int) -> None:
    """Fill a database with its number of uploads."""
    write(url, "CREATE TABLE filled (uploads integer)", f"INSERT INTO filled VALUES ({uploads})")


def write(url: str, *statements: str) -> None:
    with opened(url) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    database.close()


def read(url: str) -> int:
    with opened(url) as database:
        value: int = database.execute("SELECT sum(uploads) FROM filled").fetchone()[0]
    database.close()
    return value


def opened(url: str):
    parts = urlsplit(url)
    return sqlite3.connect(parts.path) if parts.scheme == "sqlite" else psycopg.connect(url)


def never(url: str, uploads: int) -> None:
    raise AssertionError("it was filled again")


def test_a_database_is_filled_once_for_each_size(kind):
    small = databases.filled(kind, uploads=10, fill=put)
    large = databases.filled(kind, uploads=20, fill=put)

    assert (read(small), read(large)) == (10, 20)
    assert databases.filled(kind, uploads=10, fill=never) == small
    assert databases.filled(kind, uploads=20, fill=never) == large


def test_other_code_or_another_day_fills_anew_and_keeps_nothing_of_the_old(kind, monkeypatch):
    old = databases.filled(kind, uploads=10, fill=put)
    databases.filled(kind, uploads=100, fill=put)
    monkeypatch.setattr(databases, "_digest", lambda: "0123456789")

    new = databases.filled(kind, uploads=10, fill=put)

    assert new != old
    names = databases.forget()
    assert len(names) == 2  # this one, and the one of another size
    assert not any(urlsplit(old).path.endswith(name.split(" ")[0]) for name in names)


def test_one_that_could_not_be_filled_is_not_there(kind):
    def fail(url: str, uploads: int) -> None:
        put(url, uploads)
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        databases.filled(kind, uploads=10, fill=fail)

    assert databases.forget() == []


def test_a_copy_is_written_to_in_place_of_the_original_and_removed(kind):
    original = databases.filled(kind, uploads=10, fill=put)

    with databases.copy_of(kind, original) as copy:
        write(copy, "INSERT INTO filled VALUES (5)")
        assert read(copy) == 15

    assert read(original) == 10
    assert len(databases.forget()) == 1


def test_an_empty_one_is_removed_afterwards(kind):
    with databases.temporary(kind) as url:
        put(url, 1)
        assert read(url) == 1

    assert databases.forget() == []


def test_whoever_looks_is_on_one_database_and_then_on_another(kind, monkeypatch):
    """The default connection of the product is another one for as long as somebody looks."""
    urls = {str(size): databases.filled(kind, uploads=size, fill=put) for size in (20, 10)}
    monkeypatch.setenv("BENCH_DATABASES", json.dumps(urls))
    monkeypatch.setattr("tools.benchmarks.looking.call_command", lambda *_args, **_options: None)

    def uploads() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT uploads FROM filled")
            value: int = cursor.fetchall()[0][0]
            return value

    with looking() as (small, large):
        assert (small.size, large.size) == (10, 20)
        with small.here():
            first = uploads()
        with large.here():
            second = uploads()
            connection.close()
        with small.here():
            connection.close()

    assert (first, second) == (10, 20)
    assert not User.objects.exists()  # the default one again
