"""Rows that hold the payloads in every stored field, and the pages that show them, by role."""

import uuid
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from media_assets import roles
from media_assets.models import (
    Attempt,
    AuditEvent,
    Batch,
    Outcome,
    SavedView,
    Status,
    Upload,
)
from tests.factories import make_batch, make_connector, make_operation, make_upload, make_user, team
from tests.security.payloads import PAYLOADS

STATES = [Status.READY, Status.FAILED, Status.QUEUED, Status.READY]


def store() -> dict[str, list[str]]:
    """Fill the database, and name the pages that each of the four people may see."""
    with transaction.atomic():
        return _store()


def _store() -> dict[str, list[str]]:
    marta = make_user(roles.MARKETING, username="marta", groups=[team()])
    sofia = make_user(roles.SUPERVISOR, username="sofia")
    adrian = make_user(roles.CONNECTOR_ADMIN, username="adrian")
    olga = make_user("Owner", username="olga")
    uploads = [
        _upload(number, payload, marta=marta) for number, payload in enumerate(PAYLOADS, start=1)
    ]
    batch = _batch_of_all(uploads[0], marta)
    views = [(marta, "handles"), (sofia, "history"), (olga, "audit"), (olga, "history")]
    for person, page in views:
        for number, payload in enumerate(PAYLOADS[: SavedView.MOST]):
            query = f"q={payload}" if number % 2 else "q=x"
            SavedView.objects.create(person=person, page=page, name=payload[:60], query=query)
    return _pages(uploads, batch, people=[marta, sofia, adrian, olga])


def _upload(number: int, payload: str, *, marta: User) -> Upload:
    operation = make_operation(name=payload, server=f"{number:04}")
    connector = make_connector(operation, name=payload)
    connector.groups.add(Group.objects.create(name=payload))
    person = User.objects.create(
        username=payload, first_name=payload, last_name=payload, email=payload
    )
    status = STATES[number % len(STATES)]
    batch = make_batch(connector, by=marta, campaign=payload)
    batch.left_out = [{"text": payload, "label": payload, "code": "scheme", "values": {}}]
    batch.save()
    upload = make_upload(
        batch=batch,
        status=status,
        label=payload,
        file_url=f"https://storage.googleapis.com/wvox-1/{number}/{payload}.jpg",
        content_type=payload,
        vendor_message=payload,
        handle=f"4::{payload}" if status == Status.READY else "",
    )
    AuditEvent.objects.record("upload.submitted", by=person, on=upload, campaign=payload)
    AuditEvent.objects.record("operation.changed", by=marta, on=operation, name=[payload, payload])
    AuditEvent.objects.record(payload[:60], by=person, on=connector, address=None, file=payload)
    return upload


def _batch_of_all(first: Upload, marta: User) -> Batch:
    """One batch whose page shows every payload as a row, and one upload with all as attempts."""
    batch = make_batch(first.connector, by=marta)
    for payload in PAYLOADS:
        make_upload(batch=batch, status=Status.FAILED, label=payload, vendor_message=payload)
    started = timezone.now() - timedelta(minutes=5)
    for number, payload in enumerate(PAYLOADS, start=1):
        Attempt.objects.create(
            upload=first,
            number=number,
            started_at=started,
            finished_at=started + timedelta(seconds=1),
            outcome=Outcome.REFUSED,
            http_status=400,
            vendor_code=payload[:40],
            message=payload,
            reason=payload[:80],
        )
    left_out = [
        {"text": text, "label": text, "code": "host", "values": {"value": text, "allowed": ""}}
        for text in PAYLOADS
    ]
    Batch.objects.filter(pk=batch.pk).update(left_out=left_out)
    return batch


def _pages(uploads: list[Upload], batch: Batch, *, people: list[User]) -> dict[str, list[str]]:
    operation, connector = uploads[15].operation, uploads[15].connector
    group = Group.objects.get(name=PAYLOADS[15])
    person = User.objects.get(username=PAYLOADS[15])
    lists = ["/", "/handles/", "/history/", "/history/?q=hit", "/history/figures/"]
    lists += [f"/history/?campaign={uuid.uuid4()}", reverse("saved_views", args=["history"])]
    own = [
        uploads[0].get_absolute_url(),
        uploads[0].batch.get_absolute_url(),
        batch.get_absolute_url(),
        reverse("batch_progress", args=[batch.code]),
    ]
    audit = ["/audit/", f"/audit/?about={uploads[0].code}", reverse("saved_views", args=["audit"])]
    admin = [f"/admin/media_assets/{model}/" for model in ("operation", "connector")]
    admin += [
        f"/admin/media_assets/operation/{operation.pk}/{page}/" for page in ("change", "history")
    ]
    admin += [f"/admin/media_assets/connector/{connector.pk}/change/", "/admin/"]
    owners = [f"/admin/{name}/" for name in ("auth/user", "auth/group", "media_assets/auditevent")]
    owners += [f"/admin/auth/user/{person.pk}/{page}/" for page in ("change", "history", "delete")]
    owners += [f"/admin/auth/group/{group.pk}/{page}/" for page in ("change", "delete")]
    asked = [f"/bulk/history/{action}/?all=1" for action in ("retry", "renew", "campaign")]
    forms = ["/uploads/new/", f"/uploads/new/?batch={batch.code}"]
    forms += [*asked, reverse("saved_views", args=["handles"])]
    names = [person.username for person in people]
    theirs = [forms, audit, admin, [*audit, *admin, *owners]]
    return {name: [*lists, *own, *more] for name, more in zip(names, theirs, strict=True)}
