"""How long somebody is signed in, where, and what ends it."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_assets import roles
from media_assets.accounts import browsers
from media_assets.models import AuditEvent, Connector, PersonSession, Upload
from media_assets.models.people import PersonSessionQuerySet
from tests.factories import PASSWORD, make_batch, make_connector, make_user, team

ENGLISH = {"accept-language": "en"}
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


@pytest.fixture
def elsewhere(marketing, client_for):
    """The same person in another browser."""
    return client_for(marketing)


def sign_in(person, **headers):
    client = Client(headers={**ENGLISH, **headers})
    client.post(reverse("login"), {"username": person.username, "password": PASSWORD})
    return client


def is_in(client):
    return client.get(reverse("overview")).status_code == 200


def age(client_or_none=None, *, started=timedelta(0), seen=timedelta(0)):
    now = timezone.now()
    PersonSession.objects.update(started_at=now - started, seen_at=now - seen)


def test_signing_in_makes_the_session_known_without_keeping_its_key(marketing):
    client = sign_in(marketing, **{"user-agent": CHROME})

    row = PersonSession.objects.get()
    key = Session.objects.get().session_key
    assert is_in(client)
    assert (row.person, row.address, row.agent) == (marketing, "127.0.0.1", CHROME)
    assert key not in repr(PersonSession.objects.values_list())


def test_signing_in_gives_the_session_another_key(marketing):
    client = Client(headers=ENGLISH)
    client.get(reverse("new_upload"))
    session = client.session
    session["something"] = "typed"
    session.save()
    before = session.session_key or ""
    client.cookies["sessionid"] = before

    client.post(reverse("login"), {"username": "marta", "password": PASSWORD})

    after = client.cookies["sessionid"].value
    assert after != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_session_that_is_not_known_is_none(marketing, client_for):
    client = client_for(marketing)
    PersonSession.objects.all().delete()

    page = client.get(reverse("overview"), follow=True)

    assert page.redirect_chain[0][0].startswith(reverse("login"))
    assert "signed out from elsewhere" in page.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("started", "seen", "sentence"),
    [
        (timedelta(minutes=31), timedelta(minutes=31), "nothing was done for a while"),
        (timedelta(hours=12, minutes=1), timedelta(0), "from time to time"),
    ],
)
def test_a_session_ends_at_either_limit_and_says_which(
    started, seen, sentence, marketing, client_for
):
    client = client_for(marketing)
    age(started=started, seen=seen)

    page = client.get(reverse("history"), follow=True)

    assert sentence in page.content.decode()
    assert not PersonSession.objects.exists()
    assert AuditEvent.objects.filter(action="person.session_ended").count() == 1


def test_a_session_below_both_limits_goes_on(marketing, client_for):
    client = client_for(marketing)
    age(started=timedelta(hours=11, minutes=59), seen=timedelta(minutes=29))

    assert is_in(client)


def test_the_limits_are_settings(marketing, client_for, settings):
    settings.SESSION_IDLE = timedelta(minutes=5)
    client = client_for(marketing)
    age(seen=timedelta(minutes=6))

    assert not is_in(client)


def test_what_a_person_does_keeps_the_session_alive(marketing, client_for):
    client = client_for(marketing)
    age(seen=timedelta(minutes=29))

    client.get(reverse("history"))

    assert PersonSession.objects.get().seen_at > timezone.now() - timedelta(minutes=1)


def test_a_short_limit_is_kept_alive_too(marketing, client_for, settings):
    settings.SESSION_IDLE = timedelta(seconds=60)
    client = client_for(marketing)
    age(seen=timedelta(seconds=20))

    client.get(reverse("history"))

    assert PersonSession.objects.get().seen_at > timezone.now() - timedelta(seconds=10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_answer_stands_even_if_nobody_can_be_noted_to_be_there(marketing, client_for, method):
    make_connector().groups.add(team())
    client = client_for(marketing)
    age(seen=timedelta(minutes=2))
    sent = {
        "connector": str(Connector.objects.get().code),
        "urls": "https://storage.googleapis.com/wvox-0042/a.jpg",
        "key": str(uuid.uuid4()),
    }

    def full(execute, sql, *rest):
        if sql.startswith("UPDATE") and PersonSession._meta.db_table in sql:
            raise OperationalError("database or disk is full")
        return execute(sql, *rest)

    with connection.execute_wrapper(full):
        answer = getattr(client, method)(reverse("new_upload"), sent)

    assert answer.status_code == {"get": 200, "post": 303}[method]
    assert Upload.objects.count() == (method == "post")


def test_a_page_that_asks_by_itself_does_not(marketing, client_for):
    batch = make_batch(by=marketing)
    client = client_for(marketing)
    age(seen=timedelta(minutes=29))

    assert client.get(reverse("batch_progress", args=[batch.code])).status_code < 400

    assert PersonSession.objects.get().seen_at < timezone.now() - timedelta(minutes=28)


def test_a_changed_password_ends_the_sessions_elsewhere(marketing, client_for, elsewhere):
    client = client_for(marketing)
    new = "correct horse battery staple"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    client.post(reverse("password_change"), typed)

    assert is_in(client)
    assert not is_in(elsewhere)
    assert PersonSession.objects.count() == 1


def test_signing_out_here_leaves_the_session_elsewhere(marketing, client_for, elsewhere):
    client = client_for(marketing)

    client.post(reverse("logout"))

    assert not is_in(client)
    assert is_in(elsewhere)


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(marketing, client_for):
    client = client_for(marketing)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value

    assert is_in(stolen)
    client.post(reverse("logout"))
    assert not is_in(stolen)


def test_my_sessions_are_told_in_words(marketing, client_for):
    client = sign_in(marketing, **{"user-agent": CHROME})
    client_for(make_user(roles.MARKETING))

    page = client.get(reverse("my_sessions"))

    assert [each["browser"] for each in page.context["sessions"]] == ["Chrome on Windows"]
    assert "This browser" in page.content.decode()
    assert "127.0.0.1" in page.content.decode()


def test_one_session_is_ended(marketing, client_for, elsewhere):
    client = client_for(marketing)
    other = PersonSession.objects.earliest("pk")

    client.post(reverse("end_session", args=[other.code]))

    assert is_in(client)
    assert not is_in(elsewhere)
    assert AuditEvent.objects.get(action="person.session_ended").data["because"] == "person"


def test_nobody_ends_the_sessions_of_others(marketing, stranger, client_for):
    theirs = client_for(stranger)
    row = PersonSession.objects.get()
    mine = client_for(marketing)

    assert mine.post(reverse("end_session", args=[row.code])).status_code == 404
    mine.post(reverse("end_other_sessions"))
    mine.post(reverse("sign_out_everywhere"))

    assert is_in(theirs)


def test_all_others_are_ended_at_once(marketing, client_for, elsewhere):
    client = client_for(marketing)

    page = client.post(reverse("end_other_sessions"), follow=True)

    assert "1 session is ended." in page.content.decode()
    assert is_in(client)
    assert not is_in(elsewhere)


def test_one_signs_out_everywhere(marketing, client_for, elsewhere):
    client = client_for(marketing)

    client.post(reverse("sign_out_everywhere"))

    assert not is_in(client)
    assert not is_in(elsewhere)


@pytest.mark.parametrize("page", ["end_other_sessions", "sign_out_everywhere"])
def test_sessions_are_not_ended_by_a_link(page, marketing, client_for):
    assert client_for(marketing).get(reverse(page)).status_code == 405


def test_a_session_that_ends_is_told_of_once(marketing, client_for, monkeypatch):
    client = client_for(marketing)
    age(seen=timedelta(hours=1))
    row = PersonSession.objects.get()
    monkeypatch.setattr(PersonSessionQuerySet, "by_key", lambda *_: row)
    PersonSession.objects.all().delete()  # by another request, at the same moment

    assert not is_in(client)
    assert not AuditEvent.objects.filter(action="person.session_ended").exists()


def test_whoever_signs_in_clears_away_the_sessions_that_are_over(marketing, stranger, client_for):
    client_for(marketing)
    age(seen=timedelta(hours=1))
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    sign_in(stranger)

    assert PersonSession.objects.get().person == stranger
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"is_active": None}, {"groups": []}, {"is_superuser": "on"}, {"role": "added"}]
)
def test_another_role_and_disabling_end_every_session(change, marketing, owner, client_for):
    theirs = client_for(marketing)
    form = {
        "username": "marta",
        "is_active": "on",
        "groups": [group.pk for group in marketing.groups.all()],
    }
    if change.pop("role", None):
        added = Group.objects.get(name=roles.CONNECTOR_ADMIN)
        change["groups"] = [*form["groups"], added.pk]
    sent = {name: value for name, value in (form | change).items() if value is not None}

    response = client_for(owner).post(f"/admin/auth/user/{marketing.pk}/change/", sent)

    assert response.status_code == 302
    assert not is_in(theirs)
    assert not PersonSession.objects.filter(person=marketing).exists()


def test_another_team_ends_no_session(marketing, owner, client_for):
    theirs = client_for(marketing)
    team = Group.objects.create(name="Ventas")
    groups = [*(group.pk for group in marketing.groups.all()), team.pk]
    sent = {"username": "marta", "is_active": "on", "groups": groups}

    response = client_for(owner).post(f"/admin/auth/user/{marketing.pk}/change/", sent)

    assert response.status_code == 302
    assert is_in(theirs)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/142.0.0.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(agent, words):
    assert browsers.in_words(agent) == words
