"""Signing in and out, and changing the password."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from media_assets.models import AuditEvent
from tests.factories import PASSWORD

NEW_PASSWORD = "correct horse battery staple"


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def test_signing_in_leads_to_the_overview_and_is_recorded(visitor, marketing):
    response = _sign_in(visitor, marketing.username)

    assert response.url == reverse("overview")
    event = AuditEvent.objects.get(action="person.signed_in")
    assert (event.actor_name, event.object_label) == ("marta", "marta")
    assert event.address == "127.0.0.1"


def test_signing_in_leads_to_the_page_that_was_asked_for(visitor, marketing):
    asked = visitor.get(reverse("history"), follow=True)

    response = _sign_in(visitor, marketing.username, then=asked.context["next"])

    assert response.url == reverse("history")


def test_signing_in_never_leads_to_another_site(visitor, marketing):
    response = _sign_in(visitor, marketing.username, then="https://evil.example/")

    assert response.url == reverse("overview")


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(visitor, marketing):
    wrong = _sign_in(visitor, marketing.username, password="not it at all")
    unknown = _sign_in(visitor, "nobody", password="not it at all")

    assert wrong.status_code == unknown.status_code == 200
    assert _error(wrong) == _error(unknown)
    assert not AuditEvent.objects.filter(action="person.signed_in").exists()


def test_who_is_signed_in_already_goes_on_to_the_overview(marketing, client_for):
    assert client_for(marketing).get(reverse("login")).url == reverse("overview")


def test_signing_out_is_recorded_and_ends_the_session(marketing, client_for):
    client = client_for(marketing)

    response = client.post(reverse("logout"))

    assert response.url == reverse("login")
    assert AuditEvent.objects.get(action="person.signed_out").actor_name == "marta"
    assert client.get(reverse("overview")).status_code == 302


def test_signing_out_takes_a_button_and_no_link(marketing, client_for):
    assert client_for(marketing).get(reverse("logout")).status_code == 405


def test_signing_out_twice_does_no_harm(visitor, db):
    assert visitor.post(reverse("logout")).url == reverse("login")
    assert not AuditEvent.objects.exists()


def test_a_changed_password_is_recorded_and_keeps_one_signed_in(marketing, client_for):
    client = client_for(marketing)

    response = _change_password(client, to=NEW_PASSWORD)

    assert "Your password is changed." in response.content.decode()
    assert AuditEvent.objects.get(action="person.password_changed").actor_name == "marta"
    marketing.refresh_from_db()
    assert marketing.check_password(NEW_PASSWORD)


def test_a_password_is_changed_only_together_with_its_record(marketing, client_for, monkeypatch):
    client = client_for(marketing)
    monkeypatch.setattr(AuditEvent.objects, "record", None)

    with pytest.raises(TypeError):
        _change_password(client, to=NEW_PASSWORD)

    marketing.refresh_from_db()
    assert marketing.check_password(PASSWORD)


def test_a_short_password_is_refused_with_the_reason(marketing, client_for):
    response = _change_password(client_for(marketing), to="short one")

    assert "at least 12 characters" in response.content.decode()
    assert not AuditEvent.objects.filter(action="person.password_changed").exists()


def _sign_in(visitor, username, *, password=PASSWORD, then=""):
    values = {"username": username, "password": password, "next": then}
    return visitor.post(reverse("login"), values)


def _change_password(client, *, to):
    values = {"old_password": PASSWORD, "new_password1": to, "new_password2": to}
    return client.post(reverse("password_change"), values, follow=True)


def _error(response):
    return response.context["form"].non_field_errors()


def test_the_sign_in_page_says_why_somebody_was_led_there(client, marketing):
    english = {"accept-language": "en"}
    client.force_login(marketing)
    Session.objects.all().delete()

    led = client.get("/uploads/new/", follow=True, headers=english).content.decode()
    assert "Your session has ended. Sign in again." in led

    client.cookies.clear()
    asked = client.get("/uploads/new/", follow=True, headers=english).content.decode()
    assert "Sign in to open that page." in asked
    by_themselves = client.get(reverse("login"), headers=english).content.decode()
    assert "data-draft-kept" not in by_themselves
    assert "data-forget-drafts" in by_themselves


def test_what_was_sent_signed_out_goes_along_for_the_same_person_only(client, marketing, stranger):
    typed = {"urls": "a\nb", "label": "Promo", "person": str(marketing.pk), "key": "x"}

    page = client.post("/uploads/new/", typed)
    assert 'name="typed-urls" value="a\nb"' in page.content.decode()
    assert not Session.objects.exists()

    kept = {f"typed-{name}": value for name, value in typed.items()}
    for person, expected in ((stranger, None), (marketing, {"urls": "a\nb", "label": "Promo"})):
        values = {"username": person.username, "password": PASSWORD, "next": "/uploads/new/"}
        response = client.post(reverse("login"), values | kept)
        assert response.headers["location"] == "/uploads/new/"
        assert client.session.get("typed") == expected
        client.logout()


def test_a_form_sent_signed_out_needs_its_token_like_any_other(db):
    page = Client(enforce_csrf_checks=True).post("/uploads/new/", {"urls": "a"})
    assert page.status_code == 403
