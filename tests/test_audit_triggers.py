"""The database itself refuses to change the audit list, and a check says when it would not."""

import io

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction

from media_assets.models import AuditEvent, AuditLane, triggers

EVENTS, LANES = "media_assets_auditevent", "media_assets_auditlane"
PLACED = "created_at, actor_id, actor_name, action, object_type, object_code, object_label, data"

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(owner):
    return AuditEvent.objects.record("person.signed_in", by=owner, on=owner)


def execute(sql):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def warnings():
    return list(run_checks(tags=[Tags.database], databases=["default"]))


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {EVENTS} SET action = 'nothing.happened'",
        f"UPDATE {EVENTS} SET id = id + 1",
        f"UPDATE {EVENTS} SET lane = 'system'",
        f"DELETE FROM {EVENTS}",
        f"UPDATE {LANES} SET number = number - 1",
        f"UPDATE {LANES} SET digest = ''",
        f"UPDATE {LANES} SET name = 'another', number = number + 1",
        f"DELETE FROM {LANES}",
        pytest.param(
            f"INSERT OR REPLACE INTO {EVENTS} (id, {PLACED}, lane, number, digest) "
            f"SELECT id, {PLACED}, 'another', 1, '' FROM {EVENTS}",
            marks=pytest.mark.sqlite_only,
        ),
        pytest.param(
            f"INSERT OR REPLACE INTO {EVENTS} ({PLACED}, lane, number, digest) "
            f"SELECT {PLACED}, lane, number, '' FROM {EVENTS}",
            marks=pytest.mark.sqlite_only,
        ),
        pytest.param(
            f"INSERT OR REPLACE INTO {LANES} (name, number, digest) "
            f"SELECT name, 0, '' FROM {LANES}",
            marks=pytest.mark.sqlite_only,
        ),
        pytest.param(f"TRUNCATE {EVENTS}", marks=pytest.mark.postgresql_only),
        pytest.param(f"TRUNCATE {LANES}", marks=pytest.mark.postgresql_only),
    ],
)
def test_the_database_refuses(event, sql):
    with pytest.raises(DatabaseError, match=r"never|only grows"):
        execute(sql)

    assert AuditEvent.objects.get().digest == AuditLane.objects.get().digest == event.digest


def test_with_every_trigger_in_place_the_check_is_silent():
    assert warnings() == []


def test_each_missing_trigger_is_named_and_the_next_migrate_brings_it_back():
    for name in sorted(triggers._wanted("default")):
        table = LANES if "lane" in name else EVENTS
        execute(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor != "sqlite" else ""))

        (issue,) = warnings()
        assert issue.id == "media_assets.W006"
        assert name in issue.msg
        assert "migrate" in issue.hint

        call_command("migrate", verbosity=0)
        assert warnings() == []


@pytest.mark.sqlite_only
def test_a_trigger_of_that_name_that_does_something_else_is_named_too():
    execute("DROP TRIGGER audit_no_delete")
    execute(f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {EVENTS} BEGIN SELECT 1; END")

    (issue,) = warnings()
    assert "audit_no_delete" in issue.msg


@pytest.mark.postgresql_only
@pytest.mark.parametrize(
    "sql",
    [
        f"ALTER TABLE {EVENTS} DISABLE TRIGGER audit_no_change",
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
    ],
)
def test_a_trigger_that_is_switched_off_or_hollowed_out_is_named_too(sql):
    execute(sql)

    (issue,) = warnings()
    assert "audit_no_change" in issue.msg


@pytest.mark.parametrize("command", [["deliver", "--until-idle"], ["verify_audit"]])
def test_the_worker_and_the_verification_say_so_too(command):
    triggers.drop()
    said = io.StringIO()

    call_command(*command, stdout=io.StringIO(), stderr=said)

    assert "media_assets.W006" in said.getvalue()


def test_a_worker_that_starts_while_the_database_is_away_does_not_end(monkeypatch, caplog):
    def away(**_):
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr(triggers, "missing", away)

    call_command("deliver", "--until-idle")

    assert "could not be looked at: OperationalError" in caplog.text
