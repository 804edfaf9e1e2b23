"""Who gets into the admin, what it looks like, and what it shows to whom."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, pgettext

from media_assets.models import AuditEvent
from tests.factories import make_connector, make_operation, make_upload, make_user

INDEX = "/admin/"
OPERATIONS = "/admin/media_assets/operation/"
CONNECTORS = "/admin/media_assets/connector/"
EVENTS = "/admin/media_assets/auditevent/"
PEOPLE = "/admin/auth/user/"
GROUPS = "/admin/auth/group/"
EVERY_PAGE = [INDEX, OPERATIONS, CONNECTORS, EVENTS, PEOPLE, GROUPS, "/admin/jsi18n/"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/admin/login/", "/admin/no/such/page/"])
def test_who_is_not_signed_in_is_sent_to_our_sign_in(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login") + "?next=/admin/")


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_for_marketing_people_the_admin_does_not_exist(client_for, marketing, path):
    assert client_for(marketing).get(path).status_code == 404


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_disabled_admin_is_a_stranger(client_for, connector_admin, path):
    client = client_for(connector_admin)
    connector_admin.is_active = False
    connector_admin.save()

    assert client.get(path).status_code == 302


@pytest.mark.parametrize(
    ("path", "supervisor_sees", "connector_admin_sees"),
    [
        (INDEX, 200, 200),
        (OPERATIONS, 200, 200),
        (CONNECTORS, 200, 200),
        (EVENTS, 200, 404),
        (PEOPLE, 404, 404),
        (GROUPS, 404, 404),
        (PEOPLE + "add/", 404, 404),
        (OPERATIONS + "add/", 404, 200),
        (CONNECTORS + "add/", 404, 404),
        (EVENTS + "add/", 404, 404),
        ("/admin/auth/", 404, 404),
        ("/admin/media_assets/", 200, 200),
    ],
)
def test_each_role_sees_its_part(
    client_for, supervisor, connector_admin, path, supervisor_sees, connector_admin_sees
):
    assert client_for(supervisor).get(path).status_code == supervisor_sees
    assert client_for(connector_admin).get(path).status_code == connector_admin_sees


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_owners_see_everything(client_for, owner, path):
    assert client_for(owner).get(path).status_code == 200


def test_staff_without_a_role_gets_in_and_finds_nothing(client_for):
    staff = make_user(None, is_staff=True)

    assert client_for(staff).get(INDEX).status_code == 200
    assert client_for(staff).get(OPERATIONS).status_code == 404


@pytest.mark.parametrize("path", ["login/", "logout/", "password_change/", "password_change/done/"])
def test_the_stock_pages_for_signing_in_and_passwords_do_not_exist(client_for, owner, path):
    assert client_for(owner).get(INDEX + path).status_code == 404


def test_what_is_not_there_looks_like_what_is_not_permitted(client_for, owner, connector_admin):
    operation = make_operation()
    for path in ("999999/change/", "999999/test/", "abc/change/", "999999/delete/"):
        assert client_for(connector_admin).get(OPERATIONS + path).status_code == 404
    for path in (f"{owner.pk}/change/", "999999/change/"):
        assert client_for(connector_admin).get(PEOPLE + path).status_code == 404
    assert client_for(owner).get(OPERATIONS + f"{operation.pk}/history/").status_code == 200


def test_the_header_leads_to_our_own_pages(client_for, connector_admin):
    page = client_for(connector_admin).get(INDEX).content.decode()

    for name in ("overview", "logout", "password_change"):
        assert f'"{reverse(name)}"' in page
    assert "media_assets/admin.css" in page


def test_the_banner_says_that_this_is_a_sandbox(client_for, owner, settings):
    with_banner = client_for(owner).get(INDEX).content.decode()
    settings.SANDBOX = False

    assert 'class="strip"' in with_banner
    assert 'class="strip"' not in client_for(owner).get(INDEX).content.decode()


@pytest.mark.parametrize(
    ("language", "word"), [("es", "Inicio"), ("pt-br", "Início"), ("en", "Home")]
)
def test_django_translates_the_admin(client_for, connector_admin, language, word):
    page = client_for(connector_admin).get(OPERATIONS, headers={"accept-language": language})

    assert word in page.content.decode()


@pytest.mark.parametrize("path", [INDEX, OPERATIONS, OPERATIONS + "add/", EVENTS, PEOPLE])
def test_no_page_has_inline_styles_or_scripts(client_for, owner, path):
    make_connector()
    content = client_for(owner).get(path).content.decode()

    assert " style=" not in content
    assert "<style" not in content
    assert "<script>" not in content
    assert " onclick=" not in content


def test_supervisors_look_and_touch_nothing(client_for, supervisor):
    connector = make_connector(make_operation(token="a-token-to-look-for"))
    operation = connector.operation
    path = OPERATIONS + f"{operation.pk}/change/"
    client = client_for(supervisor)

    content = client.get(path).content.decode()
    assert connector.name in content
    assert 'name="_save"' not in content
    assert "new_token" not in content
    assert client.post(path, {"name": "Taken over"}).status_code == 404
    assert client.post(CONNECTORS + f"{connector.pk}/change/", {}).status_code == 404
    for tool in ("test", "import", "pause", "resume", "enable", "disable", "remove-token"):
        url = OPERATIONS + f"{operation.pk}/{tool}/"
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404
    action = {"action": "disable", "_selected_action": [operation.pk]}
    client.post(OPERATIONS, action)
    client.post(OPERATIONS, action | {"action": "delete_selected", "post": "yes"})
    operation.refresh_from_db()
    assert operation.is_active
    assert operation.name != "Taken over"
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"access.refused"}


def test_the_audit_list_is_read_searched_and_filtered(client_for, supervisor, connector_admin):
    operation = make_operation(name="Tienda")
    AuditEvent.objects.record("operation.created", by=connector_admin, on=operation, server="0042")
    AuditEvent.objects.record("person.signed_in", by=supervisor, on=supervisor, address="10.0.0.9")
    client = client_for(supervisor)

    everything = client.get(EVENTS).content.decode()
    assert "operation.created" in everything
    assert "person.signed_in" in everything
    assert "operation.created" not in client.get(EVENTS, {"q": "10.0.0.9"}).content.decode()
    filtered = client.get(EVENTS, {"subject": "operation"}).content.decode()
    assert "operation.created" in filtered
    assert "person.signed_in" not in filtered


def test_supervisors_look_at_a_connector_that_has_been_used(client_for, supervisor):
    connector = make_upload().connector

    for url in (
        f"{CONNECTORS}{connector.pk}/change/",
        f"{OPERATIONS}{connector.operation_id}/change/",
    ):
        content = client_for(supervisor).get(url).content.decode()
        assert connector.connector_id in content
        assert 'name="_save"' not in content


def test_the_worker_is_called_so_in_the_readers_language_and_a_person_by_name(
    client_for, supervisor
):
    person = make_user(None, username="worker")
    AuditEvent.objects.record("upload.ready", by=None)
    AuditEvent.objects.record("person.signed_in", by=person)

    content = client_for(supervisor).get(EVENTS, headers={"accept-language": "es"}).content.decode()

    shown = re.findall(r'class="field-actor">([^<]+)<', content)
    assert shown == ["worker", "proceso de envío"]


def test_our_texts_leave_djangos_own_alone():
    """Our operations are feminine in Spanish; what Django calls disabled is not."""
    with translation.override("es"):
        assert gettext("Disabled") == "Deshabilitado"
        assert pgettext("operation", "Disabled") == "Deshabilitada"


@pytest.mark.parametrize("role", ["Supervisor", "Owner"])
def test_nobody_changes_the_audit_list(client_for, role):
    person = make_user(role)
    event = AuditEvent.objects.record("operation.created", by=person, on=make_operation())
    client = client_for(person)
    path = EVENTS + f"{event.pk}/change/"

    assert "operation.created" in client.get(path).content.decode()
    assert client.post(path, {"action": "nothing.happened"}).status_code == 404
    assert client.post(EVENTS + f"{event.pk}/delete/", {"post": "yes"}).status_code == 404
    assert client.get(EVENTS + "add/").status_code == 404
    client.post(
        EVENTS, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    )
    assert AuditEvent.objects.get(pk=event.pk).action == "operation.created"


def test_uploads_and_attempts_are_not_in_the_admin():
    names = {model.__name__ for model in admin.site._registry}

    assert names == {"Operation", "Connector", "AuditEvent", "User", "Group"}
