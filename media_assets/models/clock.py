"""The clock by which uploads become due and leases end."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def now_in_database() -> datetime:
    """The clock that all machines share: PostgreSQL's own, or this machine's with SQLite."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101  (a SELECT of one value has one row)
    return row[0]  # type: ignore[no-any-return]
