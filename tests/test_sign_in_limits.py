"""How often signing in may fail: for an account and for an address, and whom that locks out."""

import time

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from media_assets.accounts import throttle
from media_assets.models import AuditEvent
from tests.factories import PASSWORD, make_user

ENGLISH = {"accept-language": "en"}
WRONG = "not it at all"
BLOCKED = "Too many attempts have failed"


def attempt(username, password=WRONG, *, client=None, address="198.51.100.7", **headers):
    client = client or Client(headers=ENGLISH)
    values = {"username": username, "password": password}
    return client.post(reverse("login"), values, REMOTE_ADDR=address, headers=headers)


def is_blocked(response):
    return BLOCKED in response.content.decode()


def fail(username, *, times, address="198.51.100.{}"):
    """From another address each time, so that it is about the account."""
    return [attempt(username, address=address.format(number)) for number in range(times)]


@pytest.fixture
def later(monkeypatch):
    """Let so many seconds pass for the limits."""

    def pass_by(seconds):
        now = time.time() + seconds
        monkeypatch.setattr(ratelimit.time, "time", lambda: now)

    return pass_by


def test_five_failures_block_an_account_for_five_minutes(marketing, later):
    answers = fail("marta", times=6)

    assert [is_blocked(answer) for answer in answers] == [False] * 5 + [True]
    assert is_blocked(attempt("marta", PASSWORD))
    later(301)
    assert attempt("marta", PASSWORD).status_code == 302


def test_an_unknown_name_is_blocked_in_the_same_words(marketing):
    known, unknown = fail("marta", times=6)[-1], fail("nobody", times=6)[-1]

    assert errors(known) == errors(unknown)
    assert is_blocked(known)


def errors(response):
    return list(response.context["form"].non_field_errors())


def test_other_accounts_are_not_blocked(marketing, stranger):
    fail("marta", times=6)

    assert attempt("saul", PASSWORD).status_code == 302


def test_a_name_in_other_spellings_is_the_same_account(marketing):
    for name in ("marta", "MARTA", "Marta", " marta", "ｍａｒｔａ"):
        attempt(name, address=f"198.51.100.{len(name)}{ord(name[0]) % 50}")

    assert is_blocked(attempt("marta"))


def test_ten_failures_block_an_address_for_a_minute(db, marketing, later):
    answers = [attempt(f"name-{number}") for number in range(11)]

    assert [is_blocked(answer) for answer in answers] == [False] * 10 + [True]
    assert is_blocked(attempt("marta", PASSWORD))
    assert attempt("marta", PASSWORD, address="203.0.113.9").status_code == 302
    later(61)
    assert attempt("marta", PASSWORD).status_code == 302


def test_addresses_of_one_ipv6_network_count_together(db):
    answers = [attempt(f"name-{n}", address=f"2001:db8:1:2::{n:x}") for n in range(11)]

    assert is_blocked(answers[-1])
    assert not is_blocked(attempt("name", address="2001:db8:1:3::1"))


def test_who_signs_in_rightly_uses_nothing_up(marketing):
    for _ in range(12):
        assert attempt("marta", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    "chain", ["203.0.113.{n}, 198.51.100.9", "10.0.0.1, 203.0.113.{n}, 127.0.0.1, 198.51.100.9"]
)
def test_forged_chains_of_addresses_hide_nobody_behind_a_proxy(chain, db, settings):
    settings.BEHIND_PROXY = True

    answers = [attempt(f"name-{n}", **{"x-forwarded-for": chain.format(n=n)}) for n in range(11)]

    assert is_blocked(answers[-1])
    assert not is_blocked(attempt("name", **{"x-forwarded-for": "203.0.113.1, 198.51.100.8"}))


def test_without_a_proxy_the_header_counts_for_nothing(db):
    answers = [attempt(f"name-{n}", **{"x-forwarded-for": f"203.0.113.{n}"}) for n in range(11)]

    assert is_blocked(answers[-1])


def test_a_stranger_does_not_lock_out_a_browser_that_has_been_in(marketing):
    mine = Client(headers=ENGLISH)
    attempt("marta", PASSWORD, client=mine)
    mine.post(reverse("logout"))

    fail("marta", times=6)

    assert is_blocked(attempt("marta", PASSWORD))
    assert attempt("marta", PASSWORD, client=mine).status_code == 302


def test_a_browser_that_has_been_in_may_not_guess_for_ever(marketing):
    mine = Client(headers=ENGLISH)
    attempt("marta", PASSWORD, client=mine)
    mine.post(reverse("logout"))

    answers = [attempt("marta", client=mine, address=f"203.0.113.{n}") for n in range(6)]

    assert is_blocked(answers[-1])


def test_a_browser_known_for_one_person_is_not_for_another(marketing, stranger):
    theirs = Client(headers=ENGLISH)
    attempt("saul", PASSWORD, client=theirs)
    theirs.post(reverse("logout"))

    fail("marta", times=6)

    assert is_blocked(attempt("marta", client=theirs))


def test_a_made_up_cookie_makes_no_browser_known(marketing, settings):
    client = Client(headers=ENGLISH)
    client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = "eyJpZCI6IngifQ:1abcde:made-up"

    fail("marta", times=6)

    assert is_blocked(attempt("marta", client=client))


def test_the_cookie_names_nobody(marketing, settings):
    client = Client(headers=ENGLISH)

    response = attempt("marta", PASSWORD, client=client)

    cookie = response.cookies[settings.KNOWN_BROWSER_COOKIE_NAME]
    assert cookie["httponly"]
    assert "marta" not in cookie.value


def test_an_owner_lets_somebody_try_again(marketing, owner, client_for):
    web = client_for(owner)
    fail("marta", times=6)
    page = web.get(f"/admin/auth/user/{marketing.pk}/change/").content.decode()
    assert "Let them try again" in page

    web.post(f"/admin/auth/user/{marketing.pk}/unblock/")

    assert attempt("marta", PASSWORD).status_code == 302
    assert not throttle.is_blocked(marketing)
    assert AuditEvent.objects.filter(action="person.unblocked", object_label="marta").exists()


def test_failures_are_recorded_without_a_name_that_is_unknown(marketing):
    attempt("marta")
    attempt("my password by mistake")

    known, unknown = AuditEvent.objects.filter(action="person.sign_in_failed").order_by("id")
    assert (known.object_label, known.actor_name, known.address) == ("marta", "", "198.51.100.7")
    assert (unknown.object_label, unknown.object_code) == ("", "")
    assert "mistake" not in repr(AuditEvent.objects.values_list())


def test_a_flood_is_one_event(marketing):
    fail("marta", times=5)
    for _ in range(4):
        attempt("marta")

    assert AuditEvent.objects.filter(action="person.sign_in_blocked").count() == 1


def test_a_disabled_person_is_told_so_only_with_the_right_password(marketing):
    marketing.is_active = False
    marketing.save()

    wrong, right = attempt("marta"), attempt("marta", PASSWORD)

    assert "do not go together" in wrong.content.decode()
    client = Client(headers=ENGLISH)
    page = client.post(reverse("login"), {"username": "marta", "password": PASSWORD}, follow=True)
    assert right.url == reverse("login")
    assert "This account is disabled" in page.content.decode()
    assert page.wsgi_request.user.is_anonymous


def test_an_unknown_name_takes_as_long_as_a_known_one(marketing, monkeypatch, settings):
    """Nearly all of the time goes into the hash: as often, and with as many iterations."""
    hashed = []
    encode = PBKDF2PasswordHasher.encode

    def count(self, password, salt, iterations=None):
        hashed.append(iterations or self.iterations)
        return encode(self, password, salt, iterations)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", count)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    marketing.password = make_password(PASSWORD)
    marketing.save()
    work = []
    for name in ("marta", "nobody"):
        hashed.clear()
        attempt(name)
        work.append(list(hashed))

    assert work == [[PBKDF2PasswordHasher.iterations]] * 2


def test_every_process_counts_in_the_database(transactional_db, settings):
    """What one has counted another knows: here, a memory that is thrown away in between."""
    call_command("createcachetable", "media_assets_cache")
    database = {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "media_assets_cache",
    }
    settings.CACHES = {**settings.CACHES, "default": database}
    make_user("Owner", username="ona")
    cache.clear()

    answers = fail("ona", times=6)

    assert is_blocked(answers[-1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM media_assets_cache")
        assert cursor.fetchone()[0] > 0
    cache.clear()


def test_too_many_forms_from_one_address_get_a_page_that_says_so(db, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": "2/m/ip"}

    answers = [attempt(f"name-{n}") for n in range(3)]

    assert answers[-1].status_code == 429
    assert "Wait a minute" in answers[-1].content.decode()
