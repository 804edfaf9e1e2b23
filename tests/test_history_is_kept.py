"""Uploads, attempts, batches and events of the past cannot be edited through any page."""

import itertools

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import timezone

from media_assets import roles
from media_assets.models import Attempt, AuditEvent, AuditLane, Batch, Purge, Upload
from tests.factories import make_upload, make_user, team

pytestmark = pytest.mark.django_db

KEPT = [Upload, Attempt, Batch, AuditEvent, AuditLane, Purge]
ROLES = ["Owner", roles.SUPERVISOR, roles.CONNECTOR_ADMIN, roles.MARKETING]


@pytest.fixture
def past(owner):
    """One row of each, and what they hold."""
    upload = make_upload()
    Attempt.objects.create(upload=upload, number=1, started_at=timezone.now())
    AuditEvent.objects.record("handle.copied", by=owner, on=upload, snippet="handle")
    Purge.objects.create(before=timezone.now())
    return everything()


def everything():
    return {model: list(model._default_manager.order_by("pk").values()) for model in KEPT}


@pytest.mark.parametrize(("role", "model"), list(itertools.product(ROLES, KEPT)))
def test_the_admin_has_no_page_on_which_anybody_changes_the_past(past, role, model, client_for):
    client = client_for(make_user(role, groups=[team()], is_staff=True))
    row = model._default_manager.first()
    base = f"/admin/media_assets/{model._meta.model_name}/"
    for url in (base, f"{base}add/", f"{base}{row.pk}/change/", f"{base}{row.pk}/delete/"):
        response = client.post(
            url,
            {
                "action": "delete_selected",
                "_selected_action": [row.pk],
                "post": "yes",
                "status": "failed",
                "handle": "4::forged",
                "object_label": "forged",
            },
        )
        only_shown = model is AuditEvent and url == base
        assert response.status_code in {302, 403, 404} or only_shown, url

    now = everything()
    for model, before in past.items():
        assert all(row in now[model] for row in before), model
    assert {event["action"] for event in now[AuditEvent] if event not in past[AuditEvent]} <= {
        "access.refused"
    }
    for model in (Upload, Attempt, Batch, Purge):
        assert len(now[model]) == len(past[model])


def test_the_admin_knows_none_of_them_but_the_events_and_those_read_only(rf, owner):
    request = rf.get("/admin/")
    request.user = owner
    known = [model for model in KEPT if admin.site.is_registered(model)]

    assert known == [AuditEvent]
    events = admin.site.get_model_admin(AuditEvent)
    assert not events.has_add_permission(request)
    assert not events.has_change_permission(request)
    assert not events.has_delete_permission(request)
    assert events.get_actions(request) == {}


@pytest.mark.parametrize("role", ROLES)
def test_no_page_of_the_product_takes_words_for_an_uploads_past(past, role, client_for):
    """What a page may do to an upload is queue it again, cancel it or add to it."""
    client = client_for(make_user(role, groups=[team()]))
    upload = Upload.objects.get()
    forged = {
        "handle": "4::forged", "status": "failed", "label": "forged", "file_url": "https://x",
        "created_at": "2001-01-01", "number": "9", "outcome": "ready", "message": "forged",
    }  # fmt: skip
    names = {
        str(getattr(one, "name", "")) for one in get_resolver("media_assets.urls").url_patterns
    }
    for name in sorted(names - {"logout", "set_language", "renew"}):
        for arguments in ([upload.code], [upload.batch.code], []):
            try:
                url = reverse(name, args=arguments)
            except NoReverseMatch:
                continue
            client.post(url, forged)

    stored = {model: everything()[model][0] for model in (Upload, Attempt, Batch)}
    assert stored == {model: past[model][0] for model in (Upload, Attempt, Batch)}
    assert everything()[AuditEvent][0] == past[AuditEvent][0]
