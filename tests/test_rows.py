"""Statements about single rows say what the ORM says."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from media_assets.models import Attempt, AuditEvent, Chain, Outcome, Status, Upload, rows
from tests.factories import make_upload

pytestmark = pytest.mark.django_db


def test_an_update_changes_the_rows_that_match_and_counts_them():
    upload, other = make_upload(status="queued"), make_upload(status="queued")
    moment = timezone.now() + timedelta(hours=1)
    where = {"id": upload.pk, "status": Status.QUEUED}
    values = {"due_at": moment, "lease_until": None, "handle": "4::á%s\n;'\"", "size": 2**40}

    assert rows.update(Upload, where, values).run().count == 1
    assert rows.update(Upload, {**where, "status": Status.READY}, values).run().count == 0

    upload.refresh_from_db()
    assert {name: getattr(upload, name) for name in values} == values
    assert Upload.objects.get(pk=other.pk).handle == ""


def test_an_insert_gives_what_the_orm_would_have_stored():
    upload = make_upload(status="queued")
    data: dict[str, Any] = {"text": "it's 100 % {}", "number": 1, "nothing": None}
    own = {"id", "created_at", "number", "digest"}
    AuditEvent.objects.record_each("upload.seen", by=None, on=[upload], **data)
    rows.run(
        *AuditEvent.objects.statements("upload.seen", chain=Chain(), by=None, on=upload, **data)
    )

    by_orm, by_statement = (
        {key: value for key, value in event.items() if key not in own}
        for event in AuditEvent.objects.order_by("id").values()
    )
    assert by_statement == by_orm
    assert AuditEvent.objects.filter(created_at__lte=timezone.now()).count() == 2


def test_statements_run_in_their_order_and_each_has_its_answer():
    upload = make_upload(status="queued")
    taken, attempt = upload.to_sending(timezone.now(), fingerprint="f")
    found = rows.Statement("SELECT status FROM media_assets_upload WHERE id = %s", [upload.pk])

    answers = rows.run(found, taken, attempt, found)

    assert [answer.count for answer in answers] == [1, 1, 1, 1]
    assert [answer.rows for answer in answers] == [[("queued",)], [], [], [("sending",)]]
    assert Attempt.objects.get(upload=upload).outcome == Outcome.RUNNING


def test_a_statement_is_no_answer():
    with pytest.raises(TypeError):
        bool(rows.update(Upload, {"code": uuid.uuid4()}, {"label": "x"}))
