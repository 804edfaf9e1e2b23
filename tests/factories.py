"""Rows for tests: plain functions, sensible by default, anything overridden by keyword."""

import base64
import itertools
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import Group, User
from django.utils import timezone

from media_assets import roles
from media_assets.models import (
    Batch,
    Connector,
    Format,
    HandleText,
    Operation,
    Outcome,
    Status,
    Upload,
    UploadText,
)
from media_assets.preflight.urls import QUERY_SAFE

PASSWORD = "a long password for tests"
MIME_TYPES = {"jpg": "image/jpeg", "png": "image/png", "mp4": "video/mp4", "pdf": "application/pdf"}
FORMATS = {"mp4": Format.VIDEO, "pdf": Format.DOCUMENT}
numbers = itertools.count(1)


def team(name: str = "Colombia") -> Group:
    """A group that connectors are given to; "Colombia" is the one of `marketing`."""
    return Group.objects.get_or_create(name=name)[0]


def make_user(
    role: str | None, *, username: str | None = None, groups: Iterable[Group] = (), **values: Any
) -> User:
    """A person with one of the roles of `media_assets.roles`, "Owner", or None."""
    username = username or f"{(role or 'nobody').lower().replace(' ', '-')}-{next(numbers)}"
    is_owner = role == "Owner"
    user = User.objects.create_user(
        username,
        password=PASSWORD,
        is_superuser=is_owner,
        **values,
    )
    if role and not is_owner:
        user.groups.add(Group.objects.get(name=role))
    user.groups.add(*groups)
    return user


def make_operation(*, token: str = "", **values: Any) -> Operation:
    """An operation, with this token sealed in it if one is given."""
    number = next(numbers)
    server = values.pop("server", f"{number % 10_000:04}")
    operation = Operation(name=f"Operation {number}", server=server)
    if token:
        operation.set_token(token)  # before the rest, because a new token ends pauses
    for name, value in values.items():
        setattr(operation, name, value)
    operation.save()
    return operation


def make_connector(
    operation: Operation | None = None, groups: Iterable[Group] | None = None, **values: Any
) -> Connector:
    """An active connector; `groups` defaults to the team of `marketing`."""
    number = next(numbers)
    connector = Connector.objects.create(
        **{
            "operation": operation or make_operation(),
            "name": f"Line {number}",
            "connector_id": str(1000 + number),
            **values,
        }
    )
    connector.groups.set([team()] if groups is None else groups)
    return connector


def make_handle(*, mime_type: str = "image/jpeg", expires_at: datetime | None = None) -> str:
    """One line in the shape that Meta's handles have."""
    number = next(numbers)
    kind = base64.b64encode(mime_type.encode()).decode()
    seconds = int((expires_at or timezone.now() + timedelta(days=4)).timestamp())
    opaque = f"ARZVv4zu{number:06}" + "xYz0" * 24
    rest = f"634974688087057:100089620928913:ARa1ZDhwbLZM3{number:06}"
    return f"4::{kind}:{opaque}:e:{seconds}:{rest}"


def make_batch(connector: Connector | None = None, by: User | None = None, **values: Any) -> Batch:
    return Batch.objects.create(
        **{
            "connector": connector or make_connector(),
            "submitted_by": by or make_user(roles.MARKETING, groups=[team()]),
            "form_key": uuid.uuid4(),
            **values,
        }
    )


def make_upload(
    connector: Connector | None = None,
    by: User | None = None,
    status: str = Status.READY,
    **values: Any,
) -> Upload:
    """An upload in any state with what belongs to that state; in a batch of its own by default."""
    number = next(numbers)
    now = timezone.now()
    batch = values.pop("batch", None)
    if batch is None:
        batch = make_batch(connector, by, campaign=values.get("campaign", ""))
    file_url = values.pop(
        "file_url", f"https://storage.googleapis.com/wvox-demo/promo/file-{number}.jpg"
    )
    file_url = quote(file_url, safe=QUERY_SAFE)  # as preflight.parse_url stores it
    extension = file_url.rpartition(".")[2]
    created_at = values.pop("created_at", now)
    row: dict[str, Any] = {
        "batch": batch,
        "connector": batch.connector,
        "operation": batch.connector.operation,
        "submitted_by": batch.submitted_by,
        "campaign": batch.campaign,
        "file_url": file_url,
        "format": FORMATS.get(extension, Format.IMAGE),
        "content_type": MIME_TYPES.get(extension, ""),
        "status": status,
        "created_at": created_at,
        "changed_at": created_at,
        "due_at": created_at,
    }
    if status not in {Status.QUEUED, Status.CANCELLED}:
        row["attempt_count"] = 1
    if status == Status.SENDING:
        row["lease_until"] = now + timedelta(seconds=95)
    if status == Status.READY:
        expires_at = values.get("handle_expires_at", created_at + timedelta(days=4))
        row |= {
            "handle": make_handle(mime_type=row["content_type"], expires_at=expires_at),
            "handle_expires_at": expires_at,
            "last_outcome": Outcome.READY,
            "finished_at": created_at + timedelta(seconds=2),
        }
    if status == Status.FAILED:
        row |= {
            "last_outcome": Outcome.REFUSED,
            "vendor_message": "The file is not public",
            "finished_at": created_at + timedelta(seconds=2),
        }
    if status == Status.CANCELLED:
        row |= {"finished_at": created_at + timedelta(seconds=2)}
    upload = Upload.objects.create(**row | values)
    UploadText.objects.write([upload])
    if upload.handle:
        HandleText.objects.write([upload])
    return upload
