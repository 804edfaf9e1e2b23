"""Links by which people come in: made by an owner, used once, and what else becomes of them."""

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_assets import roles
from media_assets.accounts import owners
from media_assets.models import AuditEvent, Invitation, PersonSession
from tests.factories import PASSWORD, make_user, team

PEOPLE = "/admin/auth/user/"
ENGLISH = {"accept-language": "en"}
NEW = "correct horse battery staple"

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_for, owner):
    return client_for(owner)


@pytest.fixture
def visitor():
    return Client(headers=ENGLISH)


def invite(web, *, email="nadia@example.org", role="marketing", groups=()):
    sent = {"email": email, "role": role, "groups": [group.pk for group in groups]}
    return web.post(f"{PEOPLE}add/", sent)


def link_in(page):
    """The link on the page that is shown to the owner."""
    (link,) = re.findall(r'value="(http://testserver/account/[^"]+)"', page.content.decode())
    return link


def choose(visitor, **typed):
    sent = {"username": "nadia", "password1": NEW, "password2": NEW} | typed
    return visitor.post(reverse("invitation"), sent, follow=True)


def test_an_owner_invites_by_address_and_role(web, owner):
    page = invite(web, groups=[team()])

    nadia = User.objects.get(email="nadia@example.org")
    assert not nadia.is_active
    assert not nadia.has_usable_password()
    assert set(nadia.groups.values_list("name", flat=True)) == {roles.MARKETING, team().name}
    assert "no-store" in page["Cache-Control"]
    assert "never again" in page.content.decode()
    token = link_in(page).rstrip("/").rpartition("/")[2]
    assert token not in repr(Invitation.objects.values_list())
    assert token not in repr(AuditEvent.objects.values_list())
    events = AuditEvent.objects.filter(object_label="nadia@example.org").order_by("id")
    assert [event.action for event in events] == ["person.created", "person.invited"]
    assert {event.actor_name for event in events} == {owner.username}


def test_the_invited_person_chooses_and_is_in(web, visitor):
    link = link_in(invite(web))

    asked = visitor.get(link, follow=True)
    assert asked.redirect_chain == [(reverse("invitation"), 302)]
    assert 'value="nadia"' in asked.content.decode()
    page = choose(visitor, first_name="Nadia")

    nadia = User.objects.get(username="nadia")
    assert page.redirect_chain[-1][0] == reverse("overview")
    assert nadia.is_active
    assert nadia.check_password(NEW)
    assert roles.may_submit(nadia)
    assert PersonSession.objects.filter(person=nadia).count() == 1
    assert AuditEvent.objects.filter(action="person.invitation_used", actor_name="nadia").exists()


def test_an_invited_owner_is_one_only_after_coming_in(web, owner, visitor):
    link = link_in(invite(web, role="owner"))
    sent = {"username": owner.username, "is_active": "on"}

    nadia = User.objects.get(email="nadia@example.org")
    for enabled in (False, True):  # an owner may tick "active" before they have come in
        User.objects.filter(pk=nadia.pk).update(is_active=enabled)
        refused = web.post(f"{PEOPLE}{owner.pk}/change/", sent, headers=ENGLISH)
        assert "only active owner" in refused.content.decode()
    User.objects.filter(pk=nadia.pk).update(is_active=False)

    visitor.get(link)
    choose(visitor)
    assert User.objects.get(username="nadia").is_superuser
    assert web.post(f"{PEOPLE}{owner.pk}/change/", sent).status_code == 302


def over(kind):
    if kind == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if kind == "used":
        Invitation.objects.update(used_at=timezone.now())


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("expired", "This link has expired."),
        ("used", "This link was used on"),
        ("revoked", "taken back"),
        ("replaced", "replaced by a newer one"),
    ],
)
def test_a_link_that_is_over_says_why(kind, sentence, web, visitor):
    link = link_in(invite(web))
    person = User.objects.get(email="nadia@example.org")
    if kind == "revoked":
        web.post(f"{PEOPLE}{person.pk}/revoke/")
    if kind == "replaced":
        web.post(f"{PEOPLE}{person.pk}/link/")
    over(kind)

    page = visitor.get(link, follow=True)
    assert page.status_code == 410
    assert sentence in page.content.decode()

    visitor.get(link)
    assert choose(visitor).status_code == 410
    assert not User.objects.filter(username="nadia").exists()


def test_a_link_that_ends_while_somebody_types_is_not_used(web, visitor):
    visitor.get(link_in(invite(web)), follow=True)
    over("expired")

    assert choose(visitor).status_code == 410


def meanwhile(monkeypatch, change):
    """Let something happen while the password is hashed."""

    def hashing(password):
        change()
        return make_password(password)

    monkeypatch.setattr("media_assets.views.invitations.make_password", hashing)


def test_what_an_owner_changes_while_somebody_types_stays_changed(web, visitor, monkeypatch):
    visitor.get(link_in(invite(web, role="owner")), follow=True)
    others = User.objects.filter(email="nadia@example.org")
    meanwhile(monkeypatch, lambda: others.update(is_superuser=False, email="new@example.org"))

    choose(visitor)

    nadia = User.objects.get(username="nadia")
    assert (nadia.is_superuser, nadia.email) == (False, "new@example.org")


def test_whoever_is_disabled_while_they_type_does_not_get_in(web, visitor, marketing, monkeypatch):
    visitor.get(link_in(web.post(f"{PEOPLE}{marketing.pk}/link/")), follow=True)
    meanwhile(monkeypatch, lambda: User.objects.filter(username="marta").update(is_active=False))

    page = choose(visitor)

    assert page.status_code == 410
    assert "This account is disabled" in page.content.decode()
    assert not User.objects.get(username="marta").check_password(NEW)


def test_a_name_that_is_taken_while_somebody_types_is_told(web, visitor, monkeypatch):
    visitor.get(link_in(invite(web)), follow=True)
    meanwhile(monkeypatch, lambda: make_user(roles.MARKETING, username="nadia"))

    page = choose(visitor)

    assert "This username is taken" in page.content.decode()
    monkeypatch.undo()
    assert choose(visitor, username="nadia2").redirect_chain[-1][0] == reverse("overview")


@pytest.mark.parametrize("role", ["owner", "marketing", "connector-admin"])
def test_the_event_says_which_role_somebody_was_given(web, role):
    invite(web, role=role)

    told = AuditEvent.objects.get(action="person.created").data
    assert told["role"] == roles.BY_SLUG[role]


def test_a_made_up_link_opens_nothing(visitor):
    page = visitor.get("/account/invitation/made-up/", follow=True)

    assert page.status_code == 410
    assert "not one of ours" in page.content.decode()
    assert visitor.get(reverse("invitation")).status_code == 410


def test_looking_at_a_link_does_not_use_it(web, visitor):
    """As mail programs do to check addresses."""
    link = link_in(invite(web))
    for _ in range(3):
        Client().get(link, follow=True)

    visitor.get(link)
    choose(visitor)

    assert User.objects.filter(username="nadia").exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"password2": "another one entirely"}, "The two passwords differ"),
        ({"password1": "", "password2": ""}, "Choose a password"),
        ({"password1": "nadia@example.org", "password2": "nadia@example.org"}, "too similar"),
        ({"username": "olga"}, "This username is taken"),
        ({"username": "OLGA"}, "This username is taken"),
        ({"username": "worker"}, "This username is taken"),
        ({"username": "na dia"}, "valid username"),
    ],
)
def test_what_is_not_good_enough_is_told_and_the_link_stays(typed, sentence, web, visitor):
    visitor.get(link_in(invite(web)))

    page = choose(visitor, first_name="Nadia", **typed)

    assert sentence in page.content.decode()
    assert 'value="Nadia"' in page.content.decode()
    assert Invitation.objects.open().count() == 1
    assert page.wsgi_request.user.is_anonymous


def test_nobody_makes_themselves_more_by_a_link(web, visitor):
    visitor.get(link_in(invite(web)))
    admin_role = Group.objects.get(name=roles.CONNECTOR_ADMIN)

    choose(visitor, is_superuser="on", is_staff="on", role="owner", groups=[admin_role.pk])

    nadia = User.objects.get(username="nadia")
    assert (nadia.is_superuser, nadia.is_staff) == (False, False)
    assert roles.role_of(nadia) == roles.MARKETING


def test_a_new_link_lets_somebody_choose_another_password(web, visitor, marketing, client_for):
    theirs = client_for(marketing)
    page = web.post(f"{PEOPLE}{marketing.pk}/link/")
    assert marketing.check_password(PASSWORD)
    visitor.get(link_in(page))

    choose(visitor, username="somebody else", is_superuser="on")

    marketing.refresh_from_db()
    assert marketing.username == "marta"
    assert marketing.check_password(NEW)
    assert theirs.get("/").status_code == 302
    assert visitor.get("/").status_code == 200


def test_a_disabled_person_gets_no_link_and_uses_none(web, visitor, marketing):
    link = link_in(web.post(f"{PEOPLE}{marketing.pk}/link/"))
    web.post(f"{PEOPLE}{marketing.pk}/change/", {"username": "marta"})

    assert visitor.get(link, follow=True).status_code == 410
    assert web.post(f"{PEOPLE}{marketing.pk}/link/").status_code == 302
    Invitation.objects.update(revoked_at=None)
    assert visitor.get(link, follow=True).status_code == 410


def test_an_address_that_is_there_already_is_refused(web, marketing):
    marketing.email = "Marta@example.org"
    marketing.save()

    page = web.post(f"{PEOPLE}add/", {"email": "marta@example.org", "role": "marketing"})

    assert "has this address already" in page.content.decode()
    assert not Invitation.objects.exists()


def test_who_is_signed_in_has_to_sign_out_first(web, marketing, client_for):
    link = link_in(invite(web))
    client = client_for(marketing)

    page = client.get(link, follow=True)

    assert page.status_code == 409
    assert "You are signed in as marta" in page.content.decode()
    client.post(reverse("logout"))
    assert client.get(link, follow=True).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_link_is_mailed_where_mail_is_set_up(web, settings):
    settings.MAIL_IS_SET_UP = True

    page = invite(web)

    (sent,) = mail.outbox
    assert sent.to == ["nadia@example.org"]
    assert link_in(page) in sent.body
    assert "also been mailed" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_cannot_be_sent_leaves_the_link_to_hand_over(web, settings, monkeypatch):
    settings.MAIL_IS_SET_UP = True

    def refuse(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("media_assets.accounts.invitations.send_mail", refuse)

    page = invite(web)

    assert link_in(page)
    assert "It has not been mailed" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_gets_in(web):
    link = link_in(invite(web))
    visitors = [Client(headers=ENGLISH), Client(headers=ENGLISH)]
    for visitor in visitors:
        visitor.get(link)
    barrier, answers = threading.Barrier(2), []

    def use(visitor, name):
        barrier.wait()
        answers.append(choose(visitor, username=name).status_code)
        connections.close_all()

    threads = [
        threading.Thread(target=use, args=(visitor, f"nadia{number}"))
        for number, visitor in enumerate(visitors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 410]
    assert User.objects.filter(username__startswith="nadia").count() == 1


@pytest.mark.parametrize("tool", ["link", "revoke", "sign-out", "remove-factors", "unblock"])
@pytest.mark.parametrize("role", [roles.MARKETING, roles.SUPERVISOR, roles.CONNECTOR_ADMIN])
def test_only_owners_have_the_tools(tool, role, owner, client_for):
    client = client_for(make_user(role))
    url = f"{PEOPLE}{owner.pk}/{tool}/"

    assert client.get(url).status_code == client.post(url).status_code == 404
    assert not Invitation.objects.exists()


def test_taking_back_what_is_taken_back_says_so(web, marketing):
    page = web.post(f"{PEOPLE}{marketing.pk}/revoke/", follow=True)

    assert "Nothing to change" in page.content.decode()


def test_an_owner_signs_somebody_out_everywhere(web, marketing, client_for):
    theirs = client_for(marketing)

    web.post(f"{PEOPLE}{marketing.pk}/sign-out/")

    assert theirs.get("/").status_code == 302
    assert AuditEvent.objects.get(action="person.session_ended").data["because"] == "owner"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["demote", "disable", "delete", "delete many"])
def test_two_owners_at_once_leave_one(way, client_for):
    """Each takes the other away; both have looked before either has done it."""
    first, second = make_user("Owner", username="ona"), make_user("Owner", username="odo")
    pairs = [(client_for(first), second), (client_for(second), first)]
    barrier, answers = threading.Barrier(2), []

    def take_away(client, other):
        barrier.wait()
        change = {"username": other.username}
        if way == "demote":
            change["is_active"] = "on"
        if way == "disable":
            change["is_superuser"] = "on"
        if way == "delete":
            answer = client.post(f"{PEOPLE}{other.pk}/delete/", {"post": "yes"})
        elif way == "delete many":
            chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
            answer = client.post(PEOPLE, chosen)
        else:
            answer = client.post(f"{PEOPLE}{other.pk}/change/", change)
        answers.append(answer.status_code)
        connections.close_all()

    threads = [threading.Thread(target=take_away, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(answers) < 500
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


def test_what_takes_the_last_owner_away_is_undone(owner):
    with pytest.raises(owners.LastOwner), owners.kept(by=owner):
        User.objects.update(is_superuser=False)

    owner.refresh_from_db()
    assert owner.is_superuser


def test_who_is_no_owner_any_more_changes_nothing(owner, marketing):
    with pytest.raises(PermissionDenied), owners.kept(by=marketing):
        raise AssertionError("never reached")


@pytest.mark.postgresql_only
@pytest.mark.django_db(transaction=True)
def test_whoever_takes_an_owner_away_waits_for_another_who_does():
    one, other = make_user("Owner"), make_user("Owner")
    reached, go_on = threading.Event(), threading.Event()

    def hold():
        with owners.kept(by=one):
            reached.set()
            go_on.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    reached.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    with pytest.raises(Exception, match="lock timeout"), owners.kept(by=other):
        pass
    go_on.set()
    thread.join()
