"""Statements about single rows, for the gap between two calls of the worker.

`QuerySet.update` and `Model.save` say the same, but compose their SQL anew each time, which costs
more than running it, and go to the server one by one (docs/decisions.md, "Plain statements between
two calls").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NoReturn

from django.db import connection, models


@dataclass(frozen=True)
class Statement:
    """Something to be said to the database; nothing has happened until it is run."""

    sql: str
    parameters: list[Any]

    def __bool__(self) -> NoReturn:
        raise TypeError("a statement says nothing before it is run")

    def run(self) -> "Answer":
        """Run it alone."""
        (answer,) = run(self)
        return answer


@dataclass(frozen=True)
class Answer:
    """How many rows a statement changed or found, and what it found."""

    count: int
    rows: list[tuple[Any, ...]]


def update(
    model: type[models.Model], where: Mapping[str, Any], values: Mapping[str, Any]
) -> Statement:
    """Set `values` on the rows whose fields equal `where`."""
    sql = _update_sql(model, tuple(values), tuple(where))
    return Statement(sql, [*_prepared(model, values), *_prepared(model, where)])


def insert(row: models.Model, *, ignore_conflicts: bool = False) -> Statement:
    """Add a row, unless there is one in its place and `ignore_conflicts`.

    A key that is a number of its own is the database's choice if it is not given.
    """
    with_key = row.pk is not None
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field in _columns_of(type(row), with_key=with_key)
    ]
    sql = _insert_sql(type(row), with_key=with_key)
    return Statement(f"{sql} ON CONFLICT DO NOTHING" if ignore_conflicts else sql, values)


def run(*statements: Statement) -> list[Answer]:
    """Run them in this order: on PostgreSQL in one message, elsewhere one after the other.

    One message of several statements needs Django's usual, client-side binding of parameters.
    """
    if connection.vendor != "postgresql" or not statements:
        return [answer for statement in statements for answer in _run(statement)]
    together = "; ".join(statement.sql for statement in statements)
    parameters = [value for statement in statements for value in statement.parameters]
    return _run(Statement(together, parameters))


def values_of(model: type[models.Model], name: str) -> list[str]:
    """The different texts in a column that begins an index, in order and without "".

    One step along the index for each of them, where DISTINCT would read every row.
    """
    table, column = model._meta.db_table, f'"{_field(model, name).column}"'
    sql = f"""
        WITH RECURSIVE found (value) AS (
            SELECT MIN({column}) FROM {table} WHERE {column} > ''
            UNION ALL
            SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > found.value)
            FROM found WHERE found.value IS NOT NULL
        )
        SELECT value FROM found WHERE value IS NOT NULL
    """  # noqa: S608  (our models' names)
    return [value for (value,) in Statement(sql, []).run().rows]


def places(values: Collection[object]) -> str:
    """A placeholder for each value, for `IN (…)`."""
    return ", ".join(["%s"] * len(values))


def moment(value: Any) -> Any:
    """A point in time as this database takes it as a parameter."""
    return connection.ops.adapt_datetimefield_value(value)


def instant(value: Any) -> datetime:
    """A point in time as this database gives it to a plain statement.

    SQLite has no type for it: it gives what Django stores, in UTC, as text or without a zone.
    """
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _run(statement: Statement) -> list[Answer]:
    answers = []
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)
        while True:
            found = cursor.fetchall() if cursor.description else []
            answers.append(Answer(len(found) if cursor.description else cursor.rowcount, found))
            if connection.vendor != "postgresql" or not cursor.nextset():
                return answers


def _prepared(model: type[models.Model], values: Mapping[str, Any]) -> list[Any]:
    return [
        _field(model, name).get_db_prep_save(value, connection) for name, value in values.items()
    ]


@cache
def _update_sql(model: type[models.Model], values: tuple[str, ...], where: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{_field(model, name).column}" = %s' for name in values)
    condition = " AND ".join(f'"{_field(model, name).column}" = %s' for name in where)
    return f'UPDATE "{model._meta.db_table}" SET {changes} WHERE {condition}'  # noqa: S608  (our models' names)


@cache
def _insert_sql(model: type[models.Model], *, with_key: bool) -> str:
    columns = _columns_of(model, with_key=with_key)
    names = ", ".join(f'"{field.column}"' for field in columns)
    places = ", ".join(["%s"] * len(columns))
    return f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})'  # noqa: S608  (our models' names)


@cache
def _columns_of(model: type[models.Model], *, with_key: bool) -> list[Any]:
    fields = model._meta.local_concrete_fields
    return [field for field in fields if with_key or not isinstance(field, models.AutoField)]


@cache
def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)
