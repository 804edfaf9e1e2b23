"""Rules that the tables themselves keep."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_assets import crypto
from media_assets.models import (
    AuditEvent,
    Hold,
    Operation,
    Outcome,
    PauseReason,
    Status,
    Upload,
    rows,
)
from media_assets.models.audit import AppendOnly
from tests.factories import make_connector, make_operation, make_upload

TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"
OTHER_KEY = "b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMTI="

pytestmark = pytest.mark.django_db


def test_an_audit_event_is_neither_changed_nor_removed_through_the_model():
    event = AuditEvent.objects.record("person.signed_in", by=None)
    for forbidden in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(action="nothing.happened"),
    ):
        with pytest.raises(AppendOnly):
            forbidden()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE media_assets_auditevent SET action = 'nothing.happened'",
        "DELETE FROM media_assets_auditevent",
        pytest.param(
            "INSERT OR REPLACE INTO media_assets_auditevent"
            " SELECT id, created_at, '', '', 'nothing.happened', '', '', '', '{}', NULL"
            " FROM media_assets_auditevent",
            marks=pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own syntax"),
        ),
        pytest.param(
            "TRUNCATE media_assets_auditevent",
            marks=pytest.mark.skipif(
                connection.vendor != "postgresql", reason="SQLite knows no TRUNCATE"
            ),
        ),
    ],
)
def test_an_audit_event_is_neither_changed_nor_removed_in_the_database(statement):
    AuditEvent.objects.record("person.signed_in", by=None)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEvent.objects.get().action == "person.signed_in"


def test_an_event_reads_without_its_object(owner):
    connector = make_connector(name="Ventas")
    AuditEvent.objects.record("connector.disabled", by=owner, on=connector)
    connector.delete()
    event = AuditEvent.objects.get(action="connector.disabled")
    assert "Ventas" in event.object_label
    assert event.actor_name == owner.username


def test_a_ready_upload_has_a_handle_and_one_being_sent_a_lease():
    upload = make_upload(status="queued")
    for values in ({"status": Status.READY}, {"status": Status.SENDING}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Upload.objects.filter(pk=upload.pk).update(**values)


def test_of_two_who_change_a_state_one_is_told_to_walk_away():
    upload = make_upload(status="queued")
    same = Upload.objects.get(pk=upload.pk)
    now = timezone.now()
    first, second = (one.to_sending(now, fingerprint="f")[0] for one in (upload, same))
    assert [first.run().count, second.run().count] == [1, 0]
    assert same.to_ready("4::x", number=1, at=now).run().count == 1
    assert same.to_failed(Outcome.REFUSED, number=1, at=now).run().count == 0


def test_an_older_attempt_cannot_overwrite_a_newer_ones_claim():
    upload = make_upload(status="queued")
    now = timezone.now()
    rows.run(*upload.to_sending(now, fingerprint="f"))
    assert upload.to_waiting(Outcome.INTERRUPTED, number=1, at=now, due_at=now).run().count == 1
    upload.refresh_from_db()
    rows.run(*upload.to_sending(now, fingerprint="f"))
    assert upload.to_ready("4::x", number=1, at=now).run().count == 0
    assert upload.to_ready("4::y", number=2, at=now).run().count == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    handle=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
)
def test_any_handle_is_kept_byte_for_byte(handle):
    if handle.strip().lower().startswith(("http://", "https://")):
        return
    with transaction.atomic():
        upload = make_upload(status="queued")
        now = timezone.now()
        rows.run(*upload.to_sending(now, fingerprint="f"))
        upload.to_ready(handle, number=1, at=now).run()
        assert Upload.objects.get(pk=upload.pk).handle == handle


def test_what_has_history_cannot_be_deleted():
    upload = make_upload()
    with pytest.raises(ProtectedError):
        upload.connector.delete()
    with pytest.raises(ProtectedError):
        upload.operation.delete()
    with pytest.raises(ProtectedError):
        upload.submitted_by.delete()


def test_only_ciphertext_is_stored_and_only_for_this_operation_and_server():
    operation = make_operation(server="0042", token=TOKEN)
    row = Operation.objects.filter(pk=operation.pk).values().get()
    assert TOKEN not in str(row)
    assert operation.reveal_token() == TOKEN

    twin = make_operation(server="0042")
    Operation.objects.filter(pk=twin.pk).update(sealed_token=operation.sealed_token)
    twin.refresh_from_db()
    with pytest.raises(crypto.Unopenable):
        twin.reveal_token()
    operation.server = "0043"
    with pytest.raises(crypto.Unopenable):
        operation.reveal_token()


def test_the_same_token_is_recognised_also_under_an_older_key(settings):
    old = make_operation(token=TOKEN)
    settings.TOKEN_KEYS = [OTHER_KEY, *settings.TOKEN_KEYS]
    new = make_operation(token=TOKEN)
    old.refresh_from_db()
    assert old.token_fingerprint == new.token_fingerprint != ""
    assert old.reveal_token() == TOKEN


def test_a_new_token_ends_the_pauses_that_waited_for_one_and_no_others():
    operation = make_operation(token=TOKEN)
    for reason, left in [
        (PauseReason.TOKEN, ""),
        (PauseReason.QUOTA, ""),
        (PauseReason.MANUAL, PauseReason.MANUAL),
    ]:
        operation.paused_reason = reason
        operation.set_token(TOKEN)
        assert operation.paused_reason == left


def test_live_handles_are_those_not_yet_expired_or_of_unknown_age():
    now = timezone.now()
    live = make_upload(handle_expires_at=now + timedelta(hours=1))
    unknown = make_upload(handle_expires_at=None)
    make_upload(handle_expires_at=now - timedelta(hours=1))
    assert set(Upload.objects.live()) == {live, unknown}
    assert set(Upload.objects.expiring(timedelta(days=1))) == {live}


def test_a_handle_of_unknown_age_counts_as_live_for_four_days_only():
    upload = make_upload(handle_expires_at=None)
    Upload.objects.update(finished_at=timezone.now() - timedelta(days=5))
    assert not Upload.objects.live().filter(pk=upload.pk).exists()


def test_what_expires_is_announced_until_a_renewal_has_not_failed():
    soon = timezone.now() + timedelta(hours=1)
    upload = make_upload(handle_expires_at=soon)
    make_upload(upload.connector, status="failed", renews=upload)
    assert list(Upload.objects.expiring(timedelta(days=1))) == [upload]
    make_upload(upload.connector, status="queued", renews=upload)
    assert not Upload.objects.expiring(timedelta(days=1)).exists()


def test_an_operation_says_why_nothing_is_sent():
    operation = make_operation()
    assert operation.hold() == Hold.NO_TOKEN
    operation.set_token(TOKEN)
    assert operation.hold() == Hold.NONE
    operation.paused_reason = PauseReason.QUOTA
    assert operation.hold() == Hold.QUOTA
    operation.paused_until = timezone.now()
    assert operation.hold() == Hold.NONE
    operation.is_active = False
    assert operation.hold() == Hold.INACTIVE
