"""People and groups in the admin: for owners, and with their history kept."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from media_assets import roles
from media_assets.admin import words
from media_assets.models import AuditEvent
from tests.factories import PASSWORD, make_connector, make_upload, make_user, team

PEOPLE = "/admin/auth/user/"
GROUPS = "/admin/auth/group/"
NEW_PASSWORD = "an entirely different one"
ENGLISH = {"accept-language": "en"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_for, owner):
    return client_for(owner)


def person_form(person, **typed):
    sent = {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "groups": [group.pk for group in person.groups.all()],
    }
    sent |= {name: "on" for name in ("is_active", "is_superuser") if getattr(person, name)}
    sent |= typed
    return {name: value for name, value in sent.items() if value is not None}


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize("role", [roles.MARKETING, roles.SUPERVISOR, roles.CONNECTOR_ADMIN])
def test_nobody_but_owners_finds_people_or_groups(client_for, owner, role):
    client = client_for(make_user(role))
    group = team()
    urls = [PEOPLE, PEOPLE + "add/", GROUPS, GROUPS + "add/"]
    urls += [f"{PEOPLE}{owner.pk}/{page}/" for page in ("change", "delete", "link", "history")]
    urls += [f"{GROUPS}{group.pk}/{page}/" for page in ("change", "delete", "history")]

    for url in urls:
        assert client.get(url).status_code == 404
        assert client.post(url, {"is_superuser": "on", "post": "yes"}).status_code == 404
    assert User.objects.filter(is_superuser=True).get() == owner


def test_permissions_on_users_do_not_open_the_door(client_for):
    """`change_user` would be as good as being an owner."""
    sly = make_user(roles.CONNECTOR_ADMIN, is_staff=True)
    sly.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client = client_for(sly)

    response = client.post(f"{PEOPLE}{sly.pk}/change/", person_form(sly, is_superuser="on"))

    assert response.status_code == 404
    sly.refresh_from_db()
    assert not sly.is_superuser


def test_a_changed_person_is_recorded_with_groups_before_and_after(web, marketing):
    supervisors = Group.objects.get(name=roles.SUPERVISOR)

    web.post(
        f"{PEOPLE}{marketing.pk}/change/",
        person_form(marketing, email="marta@example.org", groups=[supervisors.pk]),
    )

    event = AuditEvent.objects.get(action="person.changed")
    assert event.data["fields"] == ["email", "groups"]
    assert event.data["before"] == {"groups": [team().name, roles.MARKETING]}
    assert event.data["after"] == {"groups": [roles.SUPERVISOR]}
    event = AuditEvent.objects.get(action="person.role_changed")
    assert event.data == {"before": roles.MARKETING, "after": roles.SUPERVISOR}


def test_a_disabled_person_is_recorded_and_signed_out(web, marketing, client_for):
    theirs = client_for(marketing)
    web.post(f"{PEOPLE}{marketing.pk}/change/", person_form(marketing, is_active=None))

    assert actions() == ["person.disabled"]
    assert theirs.get("/").status_code == 302


def test_nobody_types_the_password_of_another(web, marketing):
    for method in (web.get, web.post):
        typed = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        page = method(f"{PEOPLE}{marketing.pk}/password/", typed, follow=True)
        assert page.status_code == 404

    sent = person_form(marketing, password=NEW_PASSWORD, password1=NEW_PASSWORD)
    web.post(f"{PEOPLE}{marketing.pk}/change/", sent)
    marketing.refresh_from_db()
    assert marketing.check_password(PASSWORD)
    assert "password" not in web.get(f"{PEOPLE}{marketing.pk}/change/").context["adminform"].fields


def test_a_person_with_uploads_is_disabled_and_not_deleted(web):
    person = make_upload().submitted_by
    url = f"{PEOPLE}{person.pk}/delete/"

    assert web.get(url).status_code == 404
    assert web.post(url, {"post": "yes"}).status_code == 404
    response = web.post(
        PEOPLE,
        {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"},
        headers=ENGLISH,
    )
    assert "has a history and cannot be deleted" in response.content.decode()
    assert User.objects.filter(pk=person.pk).exists()


def test_a_person_without_uploads_may_be_deleted(web):
    person = make_user(roles.MARKETING, username="nadia")

    web.post(f"{PEOPLE}{person.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(username="nadia").exists()
    assert actions() == ["person.deleted"]


@pytest.mark.parametrize("without", ["is_active", "is_superuser"])
def test_the_only_owner_cannot_lock_everybody_out(web, owner, without):
    url = f"{PEOPLE}{owner.pk}/change/"
    typed = person_form(owner, **{without: None})

    assert "only active owner" in web.post(url, typed, headers=ENGLISH).content.decode()
    assert web.post(f"{PEOPLE}{owner.pk}/delete/", {"post": "yes"}).status_code == 404

    make_user("Owner")
    assert web.post(url, typed).status_code == 302


def test_the_last_owners_are_not_deleted_together(web, owner):
    second = make_user("Owner")
    make_user("Owner", is_active=False)
    selected = {"action": "delete_selected", "_selected_action": [owner.pk, second.pk]}

    for confirmation in ({}, {"post": "yes"}):
        response = web.post(PEOPLE, selected | confirmation)
        assert "all the active owners" in response.content.decode()
    assert User.objects.filter(pk__in=[owner.pk, second.pk]).count() == 2
    assert actions() == []

    make_user("Owner")
    web.post(PEOPLE, selected | {"_selected_action": [second.pk], "post": "yes"})
    assert not User.objects.filter(pk=second.pk).exists()


def test_nobody_deletes_themselves(web, owner):
    other, person = make_user("Owner"), make_user(roles.MARKETING)
    selected = {"action": "delete_selected", "_selected_action": [owner.pk, person.pk]}

    assert web.post(f"{PEOPLE}{owner.pk}/delete/", {"post": "yes"}).status_code == 404
    for confirmation in ({}, {"post": "yes"}):
        response = web.post(PEOPLE, selected | confirmation, headers=ENGLISH)
        assert "You cannot delete yourself" in response.content.decode()
    assert User.objects.filter(pk__in=[owner.pk, other.pk, person.pk]).count() == 3
    assert "person.deleted" not in actions()


@pytest.mark.parametrize("name", roles.PERMISSIONS)
def test_roles_are_neither_renamed_nor_deleted(web, name):
    role = Group.objects.get(name=name)
    before = set(role.permissions.all())

    web.post(f"{GROUPS}{role.pk}/change/", {"name": "Renamed", "permissions": []})
    assert web.post(f"{GROUPS}{role.pk}/delete/", {"post": "yes"}).status_code == 404
    response = web.post(
        GROUPS,
        {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"},
        headers=ENGLISH,
    )

    assert "is a role and cannot be deleted" in response.content.decode()
    role.refresh_from_db()
    assert role.name == name
    assert set(role.permissions.all()) == before


def test_a_role_is_looked_at_and_has_nothing_to_save(web):
    url = f"{GROUPS}{Group.objects.get(name=roles.SUPERVISOR).pk}/change/"

    page = web.get(url)

    assert page.status_code == 200
    assert not page.context["has_change_permission"]
    assert web.post(url, {"name": "Renamed"}).status_code == 404


@pytest.mark.parametrize(
    "name", ["Owner", "OWNER ", "propietario", "Proprietário", "marketing", "Supervisor\u200b"]
)
def test_no_other_group_looks_like_a_role(web, name):
    page = web.post(GROUPS + "add/", {"name": name}, headers=ENGLISH)

    assert "This is the name of a role" in page.content.decode()


def test_other_groups_are_made_renamed_and_deleted(web):
    web.post(GROUPS + "add/", {"name": "Ventas"})
    group = Group.objects.get(name="Ventas")
    web.post(f"{GROUPS}{group.pk}/change/", {"name": "Ventas Colombia"})
    event = AuditEvent.objects.get(action="group.changed")
    assert event.data["after"] == {"name": "Ventas Colombia"}

    web.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"})
    assert not Group.objects.filter(pk=group.pk).exists()
    assert actions() == ["group.created", "group.changed", "group.deleted"]


def test_a_group_shows_its_people_and_connectors(web, marketing):
    connector = make_connector()
    content = web.get(f"{GROUPS}{team().pk}/change/").content.decode()

    assert f"{PEOPLE}{marketing.pk}/change/" in content
    assert f"/admin/media_assets/connector/{connector.pk}/change/" in content
    assert web.get(GROUPS).status_code == 200


def test_roles_are_called_by_their_names_in_the_readers_language(client_for, owner):
    admin_role = Group.objects.get(name=roles.CONNECTOR_ADMIN)
    marketing_role = Group.objects.get(name=roles.MARKETING)
    person = make_user(roles.CONNECTOR_ADMIN)
    connector = make_connector(groups=[marketing_role])
    web = client_for(owner)
    spanish = {"accept-language": "es"}
    lines = "/admin/media_assets/connector/"
    pages = [PEOPLE, GROUPS, f"{PEOPLE}{person.pk}/change/", f"{GROUPS}{admin_role.pk}/change/"]

    for url in [*pages, PEOPLE + "add/"]:
        content = web.get(url, headers=spanish).content.decode()
        assert "Administrador de conectores" in content
        assert "Connector admin" not in content
    role_page = web.get(pages[-1], headers=spanish).content.decode()
    assert "Agregar conectores" in role_page
    assert "Can add" not in role_page
    for url in (lines, f"{lines}{connector.pk}/change/"):
        assert "Marketing" in web.get(url, headers=spanish).content.decode()


def test_every_permission_of_a_role_is_in_words():
    granted = {codename for names in roles.PERMISSIONS.values() for codename in names}

    assert granted == set(words.PERMISSIONS)
    assert set(roles.LABELS) == set(roles.PERMISSIONS)
