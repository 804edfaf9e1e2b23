"""Signing in at the company's identity provider, and the roles that it names."""

import hashlib
import subprocess
import sys
import time

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from media_assets import roles
from media_assets.models import AuditEvent, Invitation, PersonSession
from tests.factories import PASSWORD, make_user, team
from tests.identity_provider import IdentityProvider
from tests.people import ENGLISH, code_of, give_app, grow_old
from tools.environment import ROOT, like_production

pytestmark = pytest.mark.django_db
NADIA = {"sub": "n1", "email": "nadia@example.org", "email_verified": True, "name": "Nadia Ruiz"}
CALLBACK = "/account/oidc/oidc/login/callback/"


@pytest.fixture
def provider(settings):
    with IdentityProvider() as provider:
        provider.configure(settings)
        yield provider


@pytest.fixture
def visitor():
    return Client(headers=ENGLISH)


def come_back(client, provider, *, then="", typed=None, **claims):
    """Press the button, be somebody at the provider, and follow the way back."""
    away = client.post(reverse("sign_in_at_provider"), {"next": then, **(typed or {})})
    assert away.context["url"].startswith(f"{provider.issuer}/authorization?")
    query = provider.authorise(away.context["url"], **NADIA | claims)
    return client.get(f"{CALLBACK}?{query}", follow=True)


def is_in(client):
    return client.get(reverse("overview")).status_code == 200


def test_the_first_time_makes_a_person_with_the_role_of_the_claim(visitor, provider):
    page = come_back(visitor, provider, groups=["all-staff", "media"], then="/history/")

    nadia = User.objects.get(email="nadia@example.org")
    assert page.redirect_chain[-1][0] == "/history/"
    assert roles.role_of(nadia) == roles.MARKETING
    assert (nadia.first_name, nadia.has_usable_password()) == ("Nadia", False)
    assert PersonSession.objects.filter(person=nadia).exists()
    assert AuditEvent.objects.get(action="person.created").data["because"] == "oidc"
    assert AuditEvent.objects.get(action="person.signed_in").data["methods"] == ["socialaccount"]


def test_the_second_time_is_the_same_person(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    visitor.post(reverse("logout"))
    come_back(visitor, provider, groups=["media"], email="another@example.org")

    assert User.objects.count() == 1
    assert is_in(visitor)


@pytest.mark.parametrize("groups", [[], ["all-staff"], None, "all-staff", {"media": True}])
def test_nobody_comes_in_without_a_role(groups, visitor, provider):
    page = come_back(visitor, provider, groups=groups)

    assert "has no role here" in page.content.decode()
    assert not is_in(visitor)
    assert not User.objects.exists()
    assert AuditEvent.objects.get().action == "person.sign_in_failed"


def test_who_has_lost_the_role_there_comes_in_no_more(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    visitor.post(reverse("logout"))

    come_back(visitor, provider, groups=["all-staff"])

    assert not is_in(visitor)


def test_the_role_follows_the_claim_and_other_groups_stay(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    nadia = User.objects.get()
    nadia.groups.add(team())
    visitor.post(reverse("logout"))

    come_back(visitor, provider, groups=["media-admins", "media"])

    nadia.refresh_from_db()
    assert roles.role_of(nadia) == roles.CONNECTOR_ADMIN
    assert set(nadia.groups.values_list("name", flat=True)) == {roles.CONNECTOR_ADMIN, team().name}
    event = AuditEvent.objects.get(action="person.role_changed")
    assert event.data == {
        "before": roles.MARKETING,
        "after": roles.CONNECTOR_ADMIN,
        "because": "oidc",
    }


def test_the_last_owner_stays_one_whatever_the_claim_says(visitor, provider):
    come_back(visitor, provider, groups=["media-owners"])
    visitor.post(reverse("logout"))
    come_back(visitor, provider, groups=["media"])

    assert User.objects.get().is_superuser
    make_user("Owner")
    visitor.post(reverse("logout"))
    come_back(visitor, provider, groups=["media"])
    assert not User.objects.get(email="nadia@example.org").is_superuser


def test_an_invited_person_comes_in_by_the_same_address(visitor, provider, owner, client_for):
    sent = {"email": "Nadia@example.org", "role": "supervisor"}
    client_for(owner).post("/admin/auth/user/add/", sent)

    come_back(visitor, provider, groups=["media"])

    nadia = User.objects.get(email__iexact="nadia@example.org")
    assert nadia.is_active
    assert roles.role_of(nadia) == roles.MARKETING
    assert not Invitation.objects.open().exists()
    assert is_in(visitor)


def test_an_invitation_that_was_taken_back_opens_no_other_door(
    visitor, provider, owner, client_for
):
    web = client_for(owner)
    web.post("/admin/auth/user/add/", {"email": "nadia@example.org", "role": "marketing"})
    Invitation.objects.all().revoke()

    come_back(visitor, provider, groups=["media"])

    assert not is_in(visitor)


@pytest.mark.parametrize("verified", [True, False])
def test_nobody_takes_over_the_account_of_another_by_an_address(verified, visitor, provider, owner):
    owner.email = "nadia@example.org"
    owner.save()

    page = come_back(visitor, provider, groups=["media-owners"], email_verified=verified)

    assert "already a person with the address" in page.content.decode()
    assert not is_in(visitor)


def test_an_address_that_nobody_vouches_for_uses_no_invitation(
    visitor, provider, owner, client_for
):
    sent = {"email": "nadia@example.org", "role": "owner"}
    client_for(owner).post("/admin/auth/user/add/", sent)

    come_back(visitor, provider, groups=["media"], email_verified=False)

    assert not is_in(visitor)
    assert Invitation.objects.open().count() == 1


def test_a_disabled_person_stays_outside(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    visitor.post(reverse("logout"))
    User.objects.update(is_active=False)

    page = come_back(visitor, provider, groups=["media"])

    assert "This account is disabled" in page.content.decode()
    assert not is_in(visitor)


def test_a_second_factor_is_asked_for_all_the_same(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    secret = give_app(User.objects.get())
    visitor.post(reverse("logout"))

    page = come_back(visitor, provider, groups=["media"])

    assert page.redirect_chain[-1][0] == reverse("mfa_authenticate")
    visitor.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_in(visitor)


@pytest.mark.parametrize(
    "query", ["error=access_denied&state={state}", "code=x&state=made-up", "code=x", ""]
)
def test_what_goes_wrong_there_is_a_sentence_here(query, visitor, provider):
    away = visitor.post(reverse("sign_in_at_provider"))
    provider.authorise(away.context["url"], **NADIA)

    page = visitor.get(f"{CALLBACK}?{query.format(**provider.asked)}", follow=True)

    assert page.status_code == 200
    assert "did not confirm who you are" in page.content.decode()
    assert not is_in(visitor)


@pytest.mark.parametrize(
    "claims", [{"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1}]
)
def test_a_token_for_somebody_else_is_refused(claims, visitor, provider):
    page = come_back(visitor, provider, groups=["media"], **claims)

    assert "did not confirm who you are" in page.content.decode()
    assert not User.objects.exists()


def test_a_provider_that_is_away_is_a_sentence(visitor, settings):
    page = visitor.post(reverse("sign_in_at_provider"), follow=True)

    assert "did not confirm who you are" in page.content.decode()


def test_the_proof_is_asked_for_there(visitor, provider):
    come_back(visitor, provider, groups=["media-owners"])
    grow_old(visitor)
    url = "/admin/auth/user/add/"
    asked = visitor.get(url)
    assert asked.url == f"{reverse('prove_by_provider')}?next=%2Fadmin%2Fauth%2Fuser%2Fadd%2F"
    assert "Confirm with SSO" in visitor.get(asked.url).content.decode()

    away = visitor.post(reverse("prove_by_provider"), {"next": url})
    query = provider.authorise(away.context["url"], **NADIA)
    page = visitor.get(f"{CALLBACK}?{query}", follow=True)

    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    assert page.redirect_chain[-1][0] == url
    assert page.status_code == 200


@pytest.mark.parametrize("said", [{"auth_time": 7200}, {"auth_time": None}, {"auth_time": "x"}])
def test_who_was_not_asked_anew_there_has_proved_nothing(said, visitor, provider):
    come_back(visitor, provider, groups=["media-owners"])
    grow_old(visitor)
    if said["auth_time"] == 7200:
        said = {"auth_time": int(time.time()) - 7200}

    away = visitor.post(reverse("prove_by_provider"), {"next": "/"})
    query = provider.authorise(away.context["url"], **NADIA | said)
    page = visitor.get(f"{CALLBACK}?{query}", follow=True)

    assert "did not say that it has asked you just now" in page.content.decode()
    assert "prove" in visitor.get("/admin/auth/user/add/").url
    assert AuditEvent.objects.get(action="person.proof_failed").data["because"] == "not asked anew"


def test_signing_in_by_the_provider_is_no_proof(visitor, provider):
    """For that it need not have asked anything."""
    come_back(visitor, provider, groups=["media-owners"])

    assert "prove" in visitor.get("/admin/auth/user/add/").url


def test_the_same_subject_at_another_issuer_is_somebody_else(visitor, provider):
    come_back(visitor, provider, groups=["media-owners"])
    visitor.post(reverse("logout"))
    account = SocialAccount.objects.get()
    digest = hashlib.sha256(b"http://127.0.0.1:9").hexdigest()  # of the configured issuer
    assert account.provider == f"oidc-{digest[:16]}"
    SocialAccount.objects.update(provider="oidc-of-another")

    come_back(visitor, provider, groups=["media"], email="another@example.org")

    assert User.objects.count() == 2


def test_a_role_that_was_added_here_goes_with_the_next_sign_in(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    nadia = User.objects.get()
    nadia.groups.add(Group.objects.get(name=roles.CONNECTOR_ADMIN))
    visitor.post(reverse("logout"))
    come_back(visitor, provider, groups=["media"])

    assert roles.roles_of(User.objects.get()) == [roles.MARKETING]


def test_somebody_else_there_proves_nothing(visitor, provider, owner):
    come_back(visitor, provider, groups=["media-owners"])
    grow_old(visitor)

    away = visitor.post(reverse("prove_by_provider"), {"next": "/"})
    query = provider.authorise(away.context["url"], **NADIA | {"sub": "another"})
    page = visitor.get(f"{CALLBACK}?{query}", follow=True)

    assert "not the one that you are signed in with" in page.content.decode()
    assert "prove" in visitor.get("/admin/auth/user/add/").url


def test_the_way_there_is_a_page_that_leads_on_and_no_redirect_of_a_form(visitor, provider):
    page = visitor.post(reverse("sign_in_at_provider"))

    assert "form-action 'self';" in f"{page['Content-Security-Policy']};"
    assert f'http-equiv="refresh" content="0;url={provider.issuer}/' in page.content.decode()


def test_what_was_typed_goes_there_and_back_for_the_same_person_only(visitor, provider):
    come_back(visitor, provider, groups=["media"])
    nadia = User.objects.get()
    visitor.post(reverse("logout"))
    for by, expected in ((nadia.pk + 1, None), (nadia.pk, {"urls": "a\nb"})):
        led = visitor.post("/uploads/new/", {"urls": "a\nb", "person": str(by)})
        assert led.content.decode().count('name="typed-urls"') == 2  # in both forms

        kept = {"typed-person": str(by), "typed-urls": "a\nb", "typed-key": "x"}
        come_back(visitor, provider, then="/history/", typed=kept, groups=["media"])
        assert visitor.session.get("typed") == expected
        visitor.post(reverse("logout"))


def test_what_is_too_long_to_be_kept_is_said_to_be(visitor, provider):
    typed = {"typed-person": "1", "typed-urls": "a" * 200_001}
    page = come_back(visitor, provider, typed=typed, groups=["media"])

    assert "typed" not in visitor.session
    assert "could not be kept" in page.content.decode()


def test_what_visitors_type_is_not_kept_without_end(visitor, provider):
    kept = []
    for _ in range(6):
        client = Client()
        client.post(reverse("sign_in_at_provider"), {"typed-person": "1", "typed-urls": "a"})
        kept.append("typed" in client.session)

    assert kept == [True] * 5 + [False]


def test_the_provider_makes_no_password_less_worth(visitor, marketing):
    visitor.post(reverse("login"), {"username": "marta", "password": PASSWORD})

    assert is_in(visitor)


def test_without_a_provider_there_is_no_button_and_no_table():
    """In a process of its own: what is installed is decided at its start."""
    script = (
        "import django; django.setup()\n"
        "from django.apps import apps; from django.urls import NoReverseMatch, reverse\n"
        "assert not apps.is_installed('allauth.socialaccount')\n"
        "try: reverse('sign_in_at_provider')\n"
        "except NoReverseMatch: print('none')\n"
    )
    command = [sys.executable, "-c", script]
    environment = like_production() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.stdout == "none\n", done.stderr
