"""Codes of an app, recovery codes and passkeys: set up, asked for, used once, and demanded."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from media_assets import crypto, roles
from media_assets.accounts import factors
from media_assets.models import AuditEvent, PersonSession
from tests.factories import make_user
from tests.people import (
    ENGLISH,
    code_of,
    give_app,
    give_passkey,
    give_recovery_codes,
    grow_old,
    password_first,
)

SETUP = "mfa_index"


def is_in(client):
    return client.get(reverse("overview")).status_code == 200


def send_code(client, code):
    return client.post(reverse("mfa_authenticate"), {"code": code})


# Setting up


def test_an_app_is_set_up_with_a_code_and_brings_recovery_codes(marketing, client_for):
    client = client_for(marketing)
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()

    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})

    assert answer.url == reverse("mfa_view_recovery_codes")
    codes = client.get(answer.url).context["unused_codes"]
    assert len(set(codes)) == 10
    event = AuditEvent.objects.get(action="person.second_factor_added")
    assert (event.actor_name, event.data) == ("marta", {"kind": "totp"})


def test_a_wrong_code_sets_nothing_up_and_says_so(marketing, client_for):
    client = client_for(marketing)
    client.get(reverse("mfa_activate_totp"))

    page = client.post(reverse("mfa_activate_totp"), {"code": "000000"})

    assert "This was not accepted" in page.content.decode()
    assert not Authenticator.objects.exists()


def test_other_sessions_end_when_a_second_factor_is_added(marketing, client_for):
    theirs, client = client_for(marketing), client_for(marketing)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret

    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})

    assert is_in(client)
    assert not is_in(theirs)


def test_secrets_are_sealed(marketing):
    secret, codes = give_app(marketing), give_recovery_codes(marketing)

    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

    assert secret not in stored
    assert not [code for code in codes if code in stored]
    assert stored.count("v1.") == 2
    with pytest.raises(crypto.Unopenable):
        crypto.open_text(Authenticator.objects.first().data["secret"], purpose="something else")


def test_the_secret_is_sealed_in_the_session_too_until_the_app_is_set_up(marketing, client_for):
    client = client_for(marketing)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    assert secret not in repr(dict(client.session))
    page = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert page.context["form"].secret == secret

    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})

    assert "pending_app" not in client.session


def test_an_app_is_removed_and_recovery_codes_with_it(marketing, client_for):
    give_app(marketing)
    give_recovery_codes(marketing)
    client = client_for(marketing)

    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(action="person.second_factor_removed").data == {"kind": "totp"}


def test_nobody_touches_the_passkey_of_another(marketing, stranger, client_for):
    passkey = give_passkey(stranger)
    client = client_for(marketing)

    for page in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        url = reverse(page, args=[passkey.pk])
        assert client.get(url).status_code == client.post(url, {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


# Signing in


def test_a_password_alone_opens_nothing_then(marketing):
    give_app(marketing)

    client, answer = password_first(marketing)

    assert answer.url == reverse("mfa_authenticate")
    assert not is_in(client)
    assert not PersonSession.objects.exists()
    for page in ("history", "my_sessions", "mfa_index", "password_change"):
        assert client.get(reverse(page))["Location"].startswith(reverse("login"))


def test_the_code_signs_in_and_leads_on(marketing):
    secret = give_app(marketing)
    client = Client(headers=ENGLISH)
    values = {"username": "marta", "password": "a long password for tests", "next": "/history/"}
    client.post(reverse("login"), values)

    answer = send_code(client, code_of(secret))

    assert answer.url == "/history/"
    assert is_in(client)
    event = AuditEvent.objects.get(action="person.signed_in")
    assert event.data["methods"] == ["password", "totp"]


def test_a_code_is_worth_nothing_the_second_time(marketing):
    secret = give_app(marketing)
    code = code_of(secret)
    first, _ = password_first(marketing)
    send_code(first, code)

    second, _ = password_first(marketing)
    answer = send_code(second, code)

    assert is_in(first)
    assert not is_in(second)
    assert "was used already" in answer.content.decode()


def test_the_code_that_set_the_app_up_signs_nobody_in(marketing, client_for):
    client = client_for(marketing)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    code = code_of(secret)
    client.post(reverse("mfa_activate_totp"), {"code": code})

    other, _ = password_first(marketing)
    send_code(other, code)

    assert not is_in(other)


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off_and_no_more(steps, works, marketing):
    secret = give_app(marketing)
    client, _ = password_first(marketing)

    send_code(client, code_of(secret, steps=steps))

    assert is_in(client) == works


def test_a_recovery_code_works_once(marketing):
    give_app(marketing)
    code = give_recovery_codes(marketing)[3]
    first, _ = password_first(marketing)
    send_code(first, code)
    second, _ = password_first(marketing)
    send_code(second, code)

    assert is_in(first)
    assert not is_in(second)


def test_new_recovery_codes_end_the_earlier_ones(marketing, client_for):
    give_app(marketing)
    earlier = give_recovery_codes(marketing)
    client = client_for(marketing)

    page = client.post(reverse("mfa_generate_recovery_codes"), follow=True)

    assert not set(earlier) & set(page.context["unused_codes"])
    assert AuditEvent.objects.filter(action="person.recovery_codes_made").count() == 1


def test_codes_cannot_be_guessed_on(marketing):
    secret = give_app(marketing)
    client, _ = password_first(marketing)

    answers = [send_code(client, f"{number:06}") for number in range(6)]

    assert "Too many attempts" in answers[-1].content.decode()
    assert "Too many attempts" in send_code(client, code_of(secret)).content.decode()
    assert not is_in(client)
    failed = AuditEvent.objects.filter(action="person.second_factor_failed")
    assert (failed.count(), failed[0].actor_name, failed[0].object_label) == (5, "", "marta")


def test_an_owner_lets_in_whoever_mistyped_their_codes(marketing, owner, client_for):
    secret = give_app(marketing)
    client, _ = password_first(marketing)
    for number in range(6):
        send_code(client, f"{number:06}")

    page = f"/admin/auth/user/{marketing.pk}/"
    web = client_for(owner)
    assert f"{page}unblock/" in web.get(f"{page}change/").content.decode()
    web.post(f"{page}unblock/")
    send_code(client, code_of(secret))

    assert is_in(client)


def test_a_right_code_of_ones_own_does_not_wipe_the_failures_of_an_address(marketing, stranger):
    secret = give_app(marketing)
    visitor = Client(headers=ENGLISH)
    values = {"username": "saul", "password": "not it at all"}
    for number in range(4):
        visitor.post(reverse("login"), values | {"username": f"{number}"})
    client, _ = password_first(marketing)
    send_code(client, code_of(secret))
    assert is_in(client)
    for number in range(4, 10):
        visitor.post(reverse("login"), values | {"username": f"{number}"})

    answer = visitor.post(reverse("login"), values)

    assert "Too many attempts" in answer.content.decode()


def test_one_may_start_again_at_the_second_factor(marketing):
    give_app(marketing)
    client, _ = password_first(marketing)

    client.post(reverse("logout"))

    assert client.get(reverse("mfa_authenticate"))["Location"] == reverse("login")


def test_what_was_typed_before_is_there_after_the_second_factor(marketing):
    secret = give_app(marketing)
    client = Client(headers=ENGLISH)
    kept = {"typed-person": str(marketing.pk), "typed-urls": "a\nb"}
    values = {"username": "marta", "password": "a long password for tests"}
    client.post(reverse("login"), values | kept)
    send_code(client, code_of(secret))

    assert client.session["typed"] == {"urls": "a\nb"}


def test_what_was_typed_before_is_not_shown_to_another(marketing, stranger):
    give_app(marketing)
    client = Client(headers=ENGLISH)
    kept = {"typed-person": str(marketing.pk), "typed-urls": "a\nb"}
    values = {"username": "marta", "password": "a long password for tests"}
    client.post(reverse("login"), values | kept)

    client.post(reverse("logout"))
    password_first(stranger, client=client)

    assert is_in(client)
    assert "typed" not in client.session


@pytest.mark.parametrize(
    "credential",
    [
        *["", "{", "[]", "null", "7", '"x"', "{}", "[" * 40_000, "1" * 60_000, '{"id": "\\u0000"}'],
        '{"response": {}}',
        '{"response": []}',
        '{"response": {"userHandle": null}}',
        '{"id": "x", "rawId": "x", "type": "public-key", "response": {"userHandle": "///",'
        ' "clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}}',
        '{"id": "x", "rawId": "x", "type": "public-key", "response": {"userHandle": "MQ",'
        f' "clientDataJSON": "e30", "authenticatorData": "{"gYGB" * 9_000}", "signature": "AA"}}}}',
    ],
)
def test_what_no_browser_sends_as_a_passkey_is_a_wrong_one(credential, marketing, client_for):
    visitor = Client(headers=ENGLISH)
    login = reverse("mfa_login_webauthn")
    visitor.get(login, headers={"accept": "application/json"})

    assert visitor.post(login, {"credential": credential})["Location"] == reverse("login")
    assert not is_in(visitor)
    client = client_for(marketing)
    client.get(reverse("mfa_add_webauthn"))
    assert client.post(reverse("mfa_add_webauthn"), {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


# When the key is gone


@pytest.fixture
def other_key(settings):
    def change():
        settings.TOKEN_KEYS = [crypto.generate_key()]

    return change


def test_without_its_key_a_code_is_refused_in_a_sentence(marketing, other_key):
    secret = give_app(marketing)
    other_key()
    client, _ = password_first(marketing)

    page = send_code(client, code_of(secret))

    assert "check TOKEN_KEYS" in page.content.decode()
    assert not is_in(client)


def test_without_its_key_recovery_codes_are_a_sentence_and_no_error(
    marketing, client_for, other_key
):
    give_app(marketing)
    give_recovery_codes(marketing)
    other_key()
    client = client_for(marketing)

    for page in ("mfa_view_recovery_codes", "mfa_generate_recovery_codes"):
        answer = client.get(reverse(page))
        assert answer.status_code == 503
        assert "check TOKEN_KEYS" in answer.content.decode()


def test_secrets_follow_the_newest_key(marketing, settings, capsys):
    secret = give_app(marketing)
    settings.TOKEN_KEYS = [crypto.generate_key(), *settings.TOKEN_KEYS]
    newest, old = crypto.keyring().ids

    call_command("rotate_tokens", "--check")
    assert f"Key {old}: needed by 1" in capsys.readouterr().out
    call_command("rotate_tokens")
    assert "Second factors: 1 sealed again" in capsys.readouterr().out
    call_command("rotate_tokens", "--check")
    out = capsys.readouterr().out
    assert f"Key {newest}: needed by 1" in out
    assert f"Key {old}: needed by 0; it may be removed" in out

    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    client, _ = password_first(marketing)
    send_code(client, code_of(secret))
    assert is_in(client)


def test_without_any_key_no_app_is_set_up(marketing, client_for, settings):
    client = client_for(marketing)
    settings.TOKEN_KEYS = []

    page = client.get(reverse("mfa_activate_totp"))

    assert page.status_code == 503
    assert "check TOKEN_KEYS" in page.content.decode()


# Demanded


@pytest.mark.parametrize(
    ("demand", "who"),
    [
        ("off", set()),
        ("admins", {"Owner", roles.CONNECTOR_ADMIN}),
        ("all", {"Owner", roles.CONNECTOR_ADMIN, roles.SUPERVISOR, roles.MARKETING}),
    ],
)
def test_who_needs_one_is_a_setting(demand, who, db, settings):
    settings.REQUIRE_MFA = demand
    people = ["Owner", roles.CONNECTOR_ADMIN, roles.SUPERVISOR, roles.MARKETING]

    assert {role for role in people if factors.is_missing(make_user(role))} == who


def test_recovery_codes_alone_are_no_second_factor(owner, settings):
    settings.REQUIRE_MFA = "admins"
    give_recovery_codes(owner)

    assert factors.is_missing(owner)


def every_address(patterns=None, prefix="/", namespace=""):
    """Every address of the product with something in place of its parameters, and its name."""
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + re.sub(r"^\^|\$$|\\Z", "", str(entry.pattern))
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from every_address(entry.url_patterns, route, inner)
        elif isinstance(entry, URLPattern):
            filled = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", route)
            filled = re.sub(r"<(?:int:)?pk>|<\w+:\w+_id>|<path:\w+>|<int:\w+>", "1", filled)
            filled = re.sub(r"<slug:page>", "history", re.sub(r"<slug:action>", "retry", filled))
            filled = re.sub(r"<\w+:\w+>|<\w+>", "x", filled)
            yield filled, f"{namespace}{entry.name}"


def test_who_must_and_has_not_can_do_nothing_else(owner, client_for, settings):
    settings.REQUIRE_MFA = "admins"
    client = client_for(owner)
    setup = reverse(SETUP)
    opened, tried = set(), 0

    for path, name in every_address():
        if "(?P" in path or path.startswith("/static/"):
            continue
        tried += 1
        got = client.get(path)
        posted = client.post(path, {"post": "yes"}) if "sign-out" not in path else None
        if not (got.status_code == 302 and got.url == setup):
            opened.add(name)
        elif posted is not None:
            assert posted.status_code == 403, path
    assert tried > 80
    assert opened <= factors.ALLOWED_WITHOUT | {"None"}
    assert {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"} <= opened


def test_fragments_and_exports_are_led_there_too(owner, client_for, settings):
    settings.REQUIRE_MFA = "all"
    client = client_for(owner)

    fragment = client.get(reverse("figures"), headers={"hx-request": "true"})
    assert fragment.status_code == 403
    assert fragment["HX-Redirect"] == reverse(SETUP)
    assert client.get(reverse("history_csv")).url == reverse(SETUP)
    assert client.get("/admin/").url == reverse(SETUP)


def test_the_page_says_what_to_do_and_then_one_goes_on(owner, client_for, settings):
    settings.REQUIRE_MFA = "admins"
    client = client_for(owner)
    page = client.get(reverse("overview"), follow=True)
    assert "needs a second factor before you can go on" in page.content.decode()

    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})

    assert is_in(client)
    assert "before you can go on" not in client.get(reverse(SETUP)).content.decode()


def test_there_is_no_menu_while_every_entry_of_it_leads_back(owner, client_for, settings):
    settings.REQUIRE_MFA = "admins"
    client, entry = client_for(owner), f'href="{reverse("history")}"'

    assert entry not in client.get(reverse(SETUP)).content.decode()

    give_app(owner)
    assert entry in client.get(reverse(SETUP)).content.decode()


def test_who_removes_the_last_one_is_led_back(owner, client_for, settings):
    settings.REQUIRE_MFA = "admins"
    give_app(owner)
    client = client_for(owner)
    assert is_in(client)

    client.post(reverse("mfa_deactivate_totp"))

    assert client.get(reverse("overview")).url == reverse(SETUP)


def test_an_owner_removes_the_factors_of_who_lost_them(marketing, owner, client_for):
    give_app(marketing)
    give_recovery_codes(marketing)
    theirs, web = client_for(marketing), client_for(owner)
    url = f"/admin/auth/user/{marketing.pk}/remove-factors/"

    assert "really this person" in web.get(url).content.decode()
    assert Authenticator.objects.count() == 2
    web.post(url)

    assert not Authenticator.objects.exists()
    assert not is_in(theirs)
    event = AuditEvent.objects.get(action="person.second_factor_removed")
    assert (event.actor_name, event.object_label) == ("olga", "marta")


def test_a_link_is_no_way_around_a_second_factor(marketing, owner, client_for):
    secret = give_app(marketing)
    page = client_for(owner).post(f"/admin/auth/user/{marketing.pk}/link/").content.decode()
    (link,) = re.findall(r'value="http://testserver(/account/[^"]+)"', page)
    visitor = Client(headers=ENGLISH)
    assert "Use a passkey" not in visitor.get(link, follow=True).content.decode()

    new = "correct horse battery staple"
    answer = visitor.post(reverse("invitation"), {"password1": new, "password2": new})

    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(visitor)
    send_code(visitor, code_of(secret))
    assert is_in(visitor)


def test_second_factors_are_in_no_admin_page(owner, client_for):
    give_app(owner)
    web = client_for(owner)

    for model in ("mfa/authenticator", "account/emailaddress", "account/emailconfirmation"):
        assert web.get(f"/admin/{model}/").status_code == 404
    assert "authenticator app" in web.get("/admin/auth/user/").content.decode()


def test_codes_are_asked_for_anew_after_ten_minutes(marketing, client_for):
    give_app(marketing)
    give_recovery_codes(marketing)
    client = client_for(marketing)
    grow_old(client)

    for page in ("mfa_view_recovery_codes", "mfa_deactivate_totp", "mfa_add_webauthn"):
        assert "reauthenticate" in client.get(reverse(page)).url
    assert User.objects.get(username="marta").authenticator_set.count() == 2  # type: ignore[attr-defined]
