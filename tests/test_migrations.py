"""What an installation goes through when it is brought up to date."""

import os
import subprocess
import sys
from importlib import import_module

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from media_assets import crypto, roles
from media_assets.models import (
    Attempt,
    AuditEvent,
    AuditLane,
    Upload,
    triggers,
    verification,
)
from tests.factories import make_upload

FIRST, SECOND = ("media_assets", "0001_initial"), ("media_assets", "0002_cancelling")


def migrate(target):
    """Only the migration itself: `manage.py migrate` would make the triggers anew."""
    MigrationExecutor(connection).migrate([target])


@pytest.mark.parametrize("app", ["contenttypes", "auth"])
def test_an_empty_database_may_be_brought_up_app_by_app(app, tmp_path):
    for only in ([app], []):
        migrate_alone = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0", *only],
            cwd=configured.BASE_DIR,
            env={
                "PATH": os.environ["PATH"],
                "ENV_FILE": os.devnull,
                "SECRET_KEY": "production-like-" + "k3y" * 20,
                "TOKEN_KEYS": crypto.generate_key(),
                "ALLOWED_HOSTS": "media.example.org",
                "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert migrate_alone.returncode == 0, migrate_alone.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("table", [AuditEvent._meta.db_table, Group._meta.db_table])
def test_what_follows_a_migration_waits_for_its_tables(table):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO not_there_yet")
        before = connection.introspection.table_names()
        install = triggers.install if table == AuditEvent._meta.db_table else roles.install
        install()
        assert connection.introspection.table_names() == before
        transaction.set_rollback(True)


@pytest.fixture
def released(transactional_db):
    """A database as the first release left it, with something in it."""
    upload = make_upload(handle="4::one\n4::two")
    upload.attempts.create(number=1, started_at=upload.created_at)
    AuditEvent.objects.record("upload.ready", by=None, on=upload)
    migrate(FIRST)
    yield upload
    call_command("migrate", verbosity=0)


def test_the_second_migration_keeps_rows_and_triggers(released):
    migrate(SECOND)

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, handle FROM media_assets_upload")
        assert cursor.fetchall() == [(released.pk, "4::one\n4::two")]
        for statement in ("DELETE FROM", "UPDATE"):
            rest = "" if statement == "DELETE FROM" else " SET action = 'x'"
            with pytest.raises(DatabaseError, match="never"), transaction.atomic():
                cursor.execute(f"{statement} media_assets_auditevent{rest}")


def test_an_update_brings_every_index_and_constraint(released):
    call_command("migrate", verbosity=0)

    with connection.cursor() as cursor:
        names = connection.introspection.get_constraints(cursor, Upload._meta.db_table)
        more = connection.introspection.get_constraints(cursor, Attempt._meta.db_table)
    wanted = {index.name for index in Upload._meta.indexes}
    wanted |= {constraint.name for constraint in Upload._meta.constraints}
    assert wanted <= set(names)
    assert "attempt_started" in more


def test_what_was_there_before_is_found_after_an_update(released, supervisor, client_for):
    call_command("migrate", verbosity=0)

    for part in (released.file_name, released.file_url, "file-", released.batch.code.hex[5:20]):
        response = client_for(supervisor).get(reverse("history"), {"q": part})
        assert [upload.pk for upload in response.context["page"]] == [released.pk], part


def test_connector_admins_may_cancel_after_an_update(released):
    Permission.objects.filter(codename="cancel_every_upload").delete()

    call_command("migrate", verbosity=0)

    group = Group.objects.get(name=roles.CONNECTOR_ADMIN)
    assert group.permissions.filter(codename="cancel_every_upload").exists()


def test_events_from_before_are_chained_in_parts(released, monkeypatch):
    migration = import_module("media_assets.migrations.0004_audit_chain")
    monkeypatch.setattr(migration, "CHUNK", 7)
    columns = "created_at, actor_id, actor_name, action, object_type, object_code, object_label"
    with connection.cursor() as cursor:
        for number in range(20):
            address = "NULL" if number % 2 else "'2001:db8:0::1'"
            cursor.execute(
                f"INSERT INTO media_assets_auditevent ({columns}, data, address) "
                f'SELECT {columns}, \'{{"n": {number}, "x": 1e3}}\', {address} '
                "FROM media_assets_auditevent ORDER BY id LIMIT 1"
            )

    call_command("migrate", verbosity=0)

    lane = AuditLane.objects.get(name="earlier")
    assert lane.number == AuditEvent.objects.count() == 21
    AuditEvent.objects.record("upload.ready", by=None, on=released)
    assert verification.verify().count == 22
    assert triggers.missing() == []
