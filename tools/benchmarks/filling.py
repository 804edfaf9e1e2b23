"""Databases with so many uploads, for benchmarks of lists, searches and exports."""

from django.contrib.auth.models import Group, User
from django.db import connection

from media_assets import roles
from media_assets.management import seeding
from tools.benchmarks import say

OWNER, SUPERVISOR = "bench.owner", "bench.supervisor"
MOST_EVENTS = 20_000
# What a database does by itself sooner or later, so that it does not do it while it is measured.
SETTLE = {
    "postgresql": ["VACUUM ANALYZE", "CHECKPOINT"],
    "sqlite": ["PRAGMA wal_checkpoint(TRUNCATE)"],
}


def fill(uploads: int) -> None:
    """Fill the migrated database of this process, and add two people who look at it."""
    seeding.fill(uploads, events=min(uploads // 5, MOST_EVENTS), say=say)
    User.objects.create(username=OWNER, is_superuser=True, is_staff=True)
    supervisor = User.objects.create(username=SUPERVISOR)
    supervisor.groups.set(Group.objects.filter(name=roles.SUPERVISOR))
    with connection.cursor() as cursor:
        for statement in SETTLE[connection.vendor]:
            cursor.execute(statement)
    connection.close()
