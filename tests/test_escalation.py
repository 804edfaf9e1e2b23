"""Nobody makes more of themselves, whatever they send; and that they tried is in the audit list."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import OperationalError, connections
from django.test import Client

from media_assets import refusals, roles
from media_assets.models import AuditEvent, SavedView
from tests.factories import make_upload, make_user
from tests.permission_matrix import make_world

PEOPLE, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
OPERATIONS = "/admin/media_assets/operation/"
CONNECTORS = "/admin/media_assets/connector/"
PASSWORD = {"password1": "an entirely different one", "password2": "an entirely different one"}
FROM = "198.51.100.7"

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Try:
    """One attempt; {…} are objects of `make_world`, `me` who tries, `admins` an owner's role."""

    what: str
    url: str
    form: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"


def acting(action: str, target: str, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [target], **more}


TRIES = [
    Try("own flag", PEOPLE + "{me}/change/", {"username": "x", "is_superuser": "on"}),
    Try("own staff mark", PEOPLE + "{me}/change/", {"username": "x", "is_staff": "on"}),
    Try("own groups", PEOPLE + "{me}/change/", {"username": "x", "groups": "{admins}"}),
    Try("own permissions", PEOPLE + "{me}/change/", {"user_permissions": ["1", "2"]}),
    Try("own page", PEOPLE + "{me}/change/", method="GET"),
    Try("an owner's password", PEOPLE + "{owner}/link/", PASSWORD),
    Try("own password, the owners' way", PEOPLE + "{me}/link/", PASSWORD),
    Try("an owner removed", PEOPLE + "{owner}/delete/", {"post": "yes"}),
    Try("an owner disabled", PEOPLE + "{owner}/change/", {"username": "olga"}),
    Try("another owner", PEOPLE + "add/", {"username": "x", "is_superuser": "on"} | PASSWORD),
    Try("a person by popup", PEOPLE + "add/?_popup=1", {"username": "x", "_popup": "1"} | PASSWORD),
    Try("people removed together", PEOPLE, acting("delete_selected", "{owner}", post="yes")),
    Try(
        "people edited in the list",
        PEOPLE,
        {"form-0-id": "{me}", "form-0-groups": "1", "_save": "1"},
    ),
    Try("people looked up", PEOPLE + "?password__startswith=p", method="GET"),
    Try(
        "people looked up by autocomplete",
        "/admin/autocomplete/?app_label=media_assets"
        "&model_name=upload&field_name=submitted_by&term=o",
        method="GET",
    ),
    Try("history of an owner", PEOPLE + "{owner}/history/", method="GET"),
    Try("a role renamed", GROUPS + "{role}/change/", {"name": "Mine"}),
    Try(
        "a role's permissions", GROUPS + "{role}/change/", {"name": "x", "permissions": ["1", "2"]}
    ),
    Try("a role removed", GROUPS + "{role}/delete/", {"post": "yes"}),
    Try("a group of one's own", GROUPS + "add/", {"name": "Owner"}),
    Try("a group by popup", GROUPS + "add/?_popup=1&_to_field=id", {"name": "x", "_popup": "1"}),
    Try("groups removed together", GROUPS, acting("delete_selected", "{role}", post="yes")),
    Try("a field more with the own password", "/account/password/", {"is_superuser": "on"}),
    Try("a field more with a language", "/language/", {"language": "en", "is_staff": "1"}),
    Try("a field more with an upload", "/uploads/new/", {"urls": "x", "user_permissions": "1"}),
    Try("a field more in a row", CONNECTORS, {"form-0-is_superuser": "on", "_save": "Save"}),
    Try(
        "a field more with a new operation",
        OPERATIONS + "add/",
        {"name": "x", "server": "0099", "permissions": "1"},
    ),
    Try(
        "events removed together",
        "/admin/media_assets/auditevent/",
        acting("delete_selected", "{event}", post="yes"),
    ),
    Try("an event made up", "/admin/media_assets/auditevent/add/", {"action": "x"}),
    Try("an event changed", "/admin/media_assets/auditevent/{event}/change/", {"action": "x"}),
    Try("an event removed", "/admin/media_assets/auditevent/{event}/delete/", {"post": "yes"}),
    Try("an action that no list has", OPERATIONS, acting("make_owner", "{operation}")),
    Try(
        "a sealed token, letter by letter",
        OPERATIONS + "?sealed_token__startswith=v1",
        method="GET",
    ),
    Try(
        "a column of a connector's operation",
        CONNECTORS + "?operation__sealed_token__startswith=v1",
        method="GET",
    ),
    Try("rows named by a sealed token", OPERATIONS + "?_to_field=sealed_token", method="GET"),
    Try("somebody's view renamed", "/saved-views/{view}/rename/", {"name": "Mine"}),
    Try("somebody's view removed", "/saved-views/{view}/delete/"),
    Try("an object by its key alone", "/admin/r/{operation_type}/{operation}/", method="GET"),
]
# What only some of the roles may not do at all.
MARKETING_AND_SUPERVISORS = [
    Try("an operation disabled", OPERATIONS + "{operation}/disable/"),
    Try("a token removed", OPERATIONS + "{operation}/remove-token/"),
    Try("a token stored", OPERATIONS + "{operation}/change/", {"new_token": "57d1a9" * 8}),
    Try(
        "an operation removed by the list",
        OPERATIONS,
        acting("delete_selected", "{empty_operation}", post="yes"),
    ),
    Try(
        "a connector for one's own group", CONNECTORS + "{connector}/change/", {"groups": "{group}"}
    ),
    Try("connectors imported", OPERATIONS + "{operation}/import/", {"found": "x"}),
]
STRANGERS = [
    Try(
        "many of others retried",
        "/bulk/history/retry/?upload={failed}",
        {"asked_at": "2100-01-01T00:00:00+00:00"},
    ),
    Try(
        "many of others cancelled",
        "/bulk/history/cancel/?upload={waiting}",
        {"asked_at": "2100-01-01T00:00:00+00:00"},
    ),
    Try("handles of others", "/bulk/history/copy/?upload={ready}", method="GET"),
    Try("a handle of others", "/uploads/{ready}/handle/", method="GET"),
    Try("the history as a file", "/history/export.csv", method="GET"),
    Try("the audit list", "/audit/", method="GET"),
]
EVERY = [
    *[(role, each) for role in ("stranger", "supervisor", "connector_admin") for each in TRIES],
    *[(role, each) for role in ("stranger", "supervisor") for each in MARKETING_AND_SUPERVISORS],
    *[("stranger", each) for each in STRANGERS],
]


def rights() -> list[Any]:
    """Who may what, as it is stored."""
    return [
        *User.objects.order_by("pk").values_list(
            "pk", "username", "is_active", "is_staff", "is_superuser"
        ),
        *User.groups.through.objects.order_by("pk").values_list("user_id", "group_id"),
        *User.user_permissions.through.objects.values_list("user_id", "permission_id"),
        *Group.objects.order_by("pk").values_list("pk", "name"),
        *Group.permissions.through.objects.order_by("pk").values_list("group_id", "permission_id"),
    ]


def standing() -> list[Any]:
    """The same, and what hangs on it."""
    return [
        *rights(),
        *User.objects.order_by("pk").values_list("password"),
        *SavedView.objects.values_list("name", "person_id"),
        *AuditEvent.objects.exclude(action="access.refused").values_list("pk", "action"),
    ]


@pytest.fixture
def at_once() -> Callable[..., None]:
    """Do several things on connections of their own, begun together."""

    def run(*deeds: Callable[[], None]) -> None:
        together = threading.Barrier(len(deeds))

        def work(deed: Callable[[], None]) -> None:
            try:
                together.wait(timeout=30)
                deed()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(deeds)) as pool:
            for future in [pool.submit(work, deed) for deed in deeds]:
                future.result(timeout=60)

    return run


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    return value.format_map(names)


def make_trier(role: str) -> tuple[Client, User, dict[str, str]]:
    """A signed-in browser, whose it is, and the objects of the world."""
    people, names, _private = make_world()
    person, browser = people[role], Client()
    browser.force_login(person)
    return (
        browser,
        person,
        names
        | {
            "me": str(person.pk),
            "owner": str(people["owner"].pk),
            "admins": str(Group.objects.get(name=roles.CONNECTOR_ADMIN).pk),
        },
    )


def attempt(browser: Client, each: Try, *, names: dict[str, str]) -> Any:
    send = browser.get if each.method == "GET" else browser.post
    return send(each.url.format_map(names), filled_form(each, names), REMOTE_ADDR=FROM)


@pytest.mark.parametrize(("role", "each"), EVERY, ids=lambda value: getattr(value, "what", value))
def test_no_attempt_works_and_each_is_recorded(role: str, each: Try):
    browser, person, names = make_trier(role)
    before = standing()

    response = attempt(browser, each, names=names)

    assert response.status_code in {400, 404}
    assert standing() == before
    event = AuditEvent.objects.get(action="access.refused")
    assert (event.actor_name, event.address) == (person.username, FROM)
    path = each.url.format_map(names).partition("?")[0]
    assert event.data == {"method": each.method, "path": path}


@pytest.mark.parametrize(("role", "each"), EVERY, ids=lambda value: getattr(value, "what", value))
def test_what_stands_behind_the_refusal_of_owners_fields_holds_by_itself(
    role: str, each: Try, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "OWNERS_FIELDS", set())
    browser, _person, names = make_trier(role)
    before = rights()

    assert attempt(browser, each, names=names).status_code < 500
    assert rights() == before


def filled_form(each: Try, names: dict[str, str]) -> dict[str, Any] | None:
    if each.method == "GET":
        return None
    return {name: filled(value, names) for name, value in each.form.items()}


def test_there_are_at_least_thirty_attempts_for_each_role():
    for role in ("stranger", "supervisor", "connector_admin"):
        assert len({each.what for who, each in EVERY if who == role}) >= 30


def test_permissions_that_somebody_was_given_do_not_make_an_owner(client_for):
    sly = make_user(roles.SUPERVISOR, is_staff=True)
    sly.user_permissions.set(Permission.objects.all())
    browser = client_for(sly)

    for path in (PEOPLE, GROUPS, f"{PEOPLE}{sly.pk}/change/"):
        assert browser.get(path).status_code == 404
    assert browser.post(f"{PEOPLE}{sly.pk}/change/", {"username": "x"}).status_code == 404


def test_owners_are_not_taken_for_triers(client_for, owner, marketing):
    form = {"username": "marta", "is_active": "on", "is_superuser": "on"}

    response = client_for(owner).post(f"{PEOPLE}{marketing.pk}/change/", form)

    assert response.status_code == 302
    marketing.refresh_from_db()
    assert marketing.is_superuser
    assert not AuditEvent.objects.filter(action="access.refused").exists()


def test_what_nothing_answers_is_no_attempt(client_for, marketing, client):
    client_for(marketing).get("/nowhere/")
    client_for(marketing).get("/favicon.ico")
    client.get(PEOPLE)  # is led to the sign-in page

    assert not AuditEvent.objects.exists()


def test_a_flood_of_attempts_does_not_fill_the_list(client_for, marketing, stranger):
    browser = client_for(marketing)
    for _ in range(refusals.MOST + 5):
        assert browser.get("/audit/").status_code == 404
    client_for(stranger).get("/audit/")

    refused = AuditEvent.objects.filter(action="access.refused")
    assert refused.filter(actor_name=marketing.username).count() == refusals.MOST
    assert refused.filter(actor_name=stranger.username).count() == 1
    assert AuditEvent.objects.filter(action="access.refused_more").count() == 1


def test_a_flood_of_looks_does_not_hide_what_is_sent(client_for, marketing, owner):
    browser = client_for(marketing)
    for _ in range(refusals.MOST + 5):
        browser.get("/audit/")
    for _ in range(3):
        browser.post(f"{PEOPLE}{owner.pk}/delete/", {"post": "yes"})

    sent = AuditEvent.objects.filter(action="access.refused", data__method="POST")
    assert sent.count() == 3


def test_an_attempt_brings_neither_its_query_nor_a_long_path(client_for, marketing):
    browser = client_for(marketing)
    browser.get("/audit/?q=a-secret-word")
    browser.get("/admin/" + "x" * 1000 + "/")

    data = [event.data for event in AuditEvent.objects.order_by("id")]
    assert data[0] == {"method": "GET", "path": "/audit/"}
    assert len(data[1]["path"]) == refusals.LONGEST_PATH


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "refused"), ("es", "Se le negó"), ("pt-br", "Teve recusado")],
)
def test_supervisors_read_who_was_refused_what(client_for, supervisor, stranger, language, words):
    code = make_upload().code
    client_for(stranger).get(f"/uploads/{code}/")

    page = client_for(supervisor).get("/audit/", headers={"accept-language": language})

    assert words in page.content.decode()
    assert str(code) in page.content.decode()
    assert stranger.username in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_cannot_be_recorded_is_still_one(client_for, marketing, monkeypatch):
    def fail(*_args: Any, **_data: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr("media_assets.models.audit.rows.run", fail)

    assert client_for(marketing).get("/audit/").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["demoted", "disabled", "removed", "removed from the list"])
def test_two_owners_who_take_it_from_each_other_at_once_leave_one(
    how: str, at_once: Callable[..., Any]
):
    first, second = make_user("Owner", username="olga"), make_user("Owner", username="oscar")
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "demoted": ("{pk}/change/", {"username": "{name}", "is_active": "on"}),
        "disabled": ("{pk}/change/", {"username": "{name}", "is_superuser": "on"}),
        "removed": ("{pk}/delete/", {"post": "yes"}),
        "removed from the list": ("", acting("delete_selected", "{pk}", post="yes")),
    }
    path, form = forms[how]

    # who is gone cannot be told so
    browsers = {person: Client(raise_request_exception=False) for person in (first, second)}
    for person, browser in browsers.items():
        browser.force_login(person)

    def take_from(by: User, other: User) -> None:
        names = {"pk": str(other.pk), "name": other.username}
        sent = {name: filled(value, names) for name, value in form.items()}
        browsers[by].post(PEOPLE + path.format_map(names), sent)

    at_once(lambda: take_from(first, second), lambda: take_from(second, first))

    assert User.objects.filter(is_active=True, is_superuser=True).count() == 1
