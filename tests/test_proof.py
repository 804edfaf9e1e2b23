"""Before tokens, people or roles are changed, a fresh proof; and nothing typed is lost by it."""

import pytest
from allauth.mfa.webauthn.internal import auth as webauthn
from django.contrib.auth.models import Group, User
from django.urls import reverse

from media_assets.models import AuditEvent, Operation
from tests.admin_pages import OPERATIONS, OTHER_TOKEN, TOKEN, address, everything_written, sealed
from tests.admin_pages import form as operation_form
from tests.factories import PASSWORD, make_connector, team
from tests.people import ENGLISH, code_of, give_app, give_passkey, grow_old

PEOPLE, GROUPS = "/admin/auth/user/", "/admin/auth/group/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_for, owner):
    """An owner who signed in eleven minutes ago."""
    client = client_for(owner)
    grow_old(client)
    return client


def confirm(client, answer):
    """Type the password on the page that asks for it, and follow."""
    page = client.get(answer.url, headers=ENGLISH)
    assert "Confirm that it is you" in page.content.decode()
    values = {"password": PASSWORD, "next": page.context["redirect_field_value"]}
    return client.post(reverse("account_reauthenticate"), values, headers=ENGLISH, follow=True)


def asked(answer):
    return answer.status_code == 302 and answer.url.startswith(reverse("account_reauthenticate"))


@pytest.fixture
def urls(marketing, owner):
    operation, person, group = sealed(TOKEN), marketing.pk, team().pk
    return [
        f"{PEOPLE}add/",
        *(f"{PEOPLE}{person}/{page}/" for page in ("change", "delete", "link", "remove-factors")),
        f"{GROUPS}add/",
        *(f"{GROUPS}{group}/{page}/" for page in ("change", "delete")),
        f"{OPERATIONS}add/",
        address(operation),
        address(operation, "remove-token"),
    ]


def test_it_is_asked_for_before_the_form_is_shown(web, urls):
    for url in urls:
        assert asked(web.get(url)), url


def test_nothing_is_done_without_it(web, urls, marketing):
    tools = [f"{PEOPLE}{marketing.pk}/{tool}/" for tool in ("revoke", "sign-out", "unblock")]
    for url in [*urls, *tools]:
        assert asked(web.post(url, {"post": "yes", "name": "x", "username": "x"})), url
    bulk = {"action": "delete_selected", "_selected_action": [marketing.pk], "post": "yes"}
    for url in (PEOPLE, GROUPS):
        assert asked(web.post(url, bulk))
    assert User.objects.filter(username="marta").exists()
    assert not AuditEvent.objects.exclude(action="person.proof_failed").exists()


def test_a_button_that_was_pressed_too_late_is_asked_about_afterwards(web, marketing):
    for tool in ("revoke", "sign-out", "unblock"):
        grow_old(web)
        url = f"{PEOPLE}{marketing.pk}/{tool}/"

        page = confirm(web, web.post(url))

        assert page.redirect_chain == [(url, 302)]
        assert '<input type="submit" class="default"' in page.content.decode(), tool


def test_a_list_says_that_nothing_is_done_yet(web, marketing):
    sent = {"action": "delete_selected", "_selected_action": [marketing.pk], "post": "yes"}

    page = web.post(PEOPLE, sent, follow=True, headers=ENGLISH)

    assert "Nothing is done yet. Choose again" in page.content.decode()
    assert User.objects.filter(pk=marketing.pk).exists()


def test_lists_and_what_is_only_looked_at_do_not_ask(web, supervisor, client_for):
    operation = sealed(TOKEN)
    theirs = client_for(supervisor)
    grow_old(theirs)

    for url in (PEOPLE, GROUPS, OPERATIONS):
        assert web.get(url).status_code == 200
    assert theirs.get(address(operation)).status_code == 200
    assert web.post(address(operation, "pause")).url == address(operation)


@pytest.mark.parametrize(("seconds", "is_asked"), [(590, False), (610, True)])
def test_it_holds_for_ten_minutes(seconds, is_asked, owner, client_for):
    client = client_for(owner)
    grow_old(client, seconds=seconds)

    assert asked(client.get(f"{PEOPLE}add/")) == is_asked


def test_the_right_password_leads_to_where_one_wanted(web, marketing):
    url = f"{PEOPLE}{marketing.pk}/change/"

    page = confirm(web, web.get(url))

    assert page.redirect_chain == [(url, 302)]
    assert "adminform" in page.context


def test_a_wrong_password_is_refused_and_recorded(web, marketing):
    url = f"{PEOPLE}{marketing.pk}/change/"
    values = {"password": "not it at all", "next": url}

    page = web.post(reverse("account_reauthenticate"), values, headers=ENGLISH)

    assert "This password is wrong" in page.content.decode()
    assert asked(web.get(url))
    assert AuditEvent.objects.get(action="person.proof_failed").actor_name == "olga"


def test_guessing_is_limited(web):
    for _ in range(5):
        web.post(reverse("account_reauthenticate"), {"password": "not it at all"})

    page = web.post(reverse("account_reauthenticate"), {"password": PASSWORD}, headers=ENGLISH)

    assert page.status_code == 429 or "Too many attempts" in page.content.decode()
    assert asked(web.get(f"{PEOPLE}add/"))


def test_a_code_of_the_app_is_a_proof(web, owner):
    secret = give_app(owner)

    web.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})

    assert web.get(f"{PEOPLE}add/").status_code == 200


def test_a_wrong_passkey_is_told_where_the_next_can_be_tried(web, owner, marketing, monkeypatch):
    give_passkey(owner)
    monkeypatch.setattr(webauthn, "begin_authentication", lambda _person: {})
    url = f"{PEOPLE}{marketing.pk}/change/"
    page = web.get(reverse("mfa_reauthenticate_webauthn"), {"next": url}, headers=ENGLISH)
    values = {"credential": '{"id": "x"}', "next": url}

    answer = web.post(page.request["PATH_INFO"], values, headers=ENGLISH)

    assert answer.status_code == 200
    assert "This was not accepted" in answer.content.decode()
    assert f'value="{url}"' in answer.content.decode()


def test_the_proof_never_leads_to_another_site(web):
    values = {"password": PASSWORD, "next": "https://evil.example/"}

    assert web.post(reverse("account_reauthenticate"), values).url == reverse("overview")


def test_a_person_typed_too_late_comes_back_as_it_was(web, marketing):
    url = f"{PEOPLE}{marketing.pk}/change/"
    role = Group.objects.get(name="Supervisor")
    typed = {"username": "marta", "first_name": "Marta Lucía", "groups": [role.pk]}

    page = confirm(web, web.post(url, typed | {"is_active": "on"}))

    form = page.context["adminform"].form
    assert form["first_name"].value() == "Marta Lucía"
    assert form["groups"].value() == [str(role.pk)]
    assert "Nothing is saved yet" in page.content.decode()
    marketing.refresh_from_db()
    assert marketing.first_name == ""

    assert web.post(url, typed | {"is_active": "on"}).status_code == 302
    marketing.refresh_from_db()
    assert marketing.first_name == "Marta Lucía"


def test_what_came_back_once_does_not_come_back_again(web, marketing):
    url = f"{PEOPLE}{marketing.pk}/change/"
    confirm(web, web.post(url, {"username": "marta", "first_name": "Typed"}))

    assert "Nothing is saved yet" not in web.get(url).content.decode()


def test_an_operation_typed_too_late_comes_back_without_its_token(connector_admin, client_for):
    operation = sealed(TOKEN, server="0042")
    connector = make_connector(operation)
    web = client_for(connector_admin)
    grow_old(web)
    sent = operation_form(operation, [connector], new_token=OTHER_TOKEN)
    sent |= {"name": "Otro nombre", "connectors-0-name": "Otra línea"}

    answer = web.post(address(operation), sent)
    assert OTHER_TOKEN not in everything_written()
    assert OTHER_TOKEN not in repr(dict(web.session))
    page = confirm(web, answer)

    html = page.content.decode()
    assert 'value="Otro nombre"' in html
    assert 'value="Otra línea"' in html
    assert OTHER_TOKEN not in html
    stored = Operation.objects.get(pk=operation.pk)
    assert stored.name == operation.name
    assert stored.sealed_token == operation.sealed_token


def test_a_form_that_is_too_long_is_not_kept_and_that_is_told(web, marketing):
    url = f"{PEOPLE}{marketing.pk}/change/"

    answer = web.post(url, {"username": "marta", "first_name": "x" * 300_000})

    assert "typed_late" not in web.session
    page = web.get(answer.url, headers=ENGLISH)
    assert "too long to be kept" in page.content.decode()


def test_who_has_no_way_to_prove_it_is_refused(web, owner):
    owner.set_unusable_password()
    owner.save()
    web.force_login(owner)
    grow_old(web)

    assert web.get(f"{PEOPLE}add/").status_code in (403, 404)


def test_a_first_password_needs_a_proof_too(marketing, client_for):
    marketing.set_unusable_password()
    marketing.save()
    give_app(marketing)
    client = client_for(marketing)
    assert client.get(reverse("password_change")).status_code == 200
    grow_old(client)

    assert "reauthenticate" in client.get(reverse("password_change")).url
