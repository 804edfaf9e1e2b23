"""Signing in with second factors in a real Chromium; passkeys are of a virtual authenticator."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from media_assets import roles
from tests.browser.test_accessibility import NARROW, WIDE, serious_issues, sideways
from tests.factories import PASSWORD, make_user, team
from tests.identity_provider import IdentityProvider
from tests.people import code_of, give_app, give_recovery_codes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]
SHOTS = os.environ.get("SCREENSHOTS", "")  # a folder: pictures of every page for people to look at
ACCOUNT = "/account/second-factor/"


@pytest.fixture
def marta(box: Any) -> User:
    return make_user(roles.MARKETING, username="marta", groups=[team()])


@pytest.fixture
def olga(box: Any) -> User:
    return make_user("Owner", username="olga", email="olga@example.org")


def passkeys(page: Page, *, verified: bool = True) -> Any:
    """A phone that says yes: passkeys of this window are kept in it."""
    phone = page.context.new_cdp_session(page)
    phone.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    phone.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return phone


def sign_out(page: Page) -> None:
    page.locator("details.menu", has_text="Account").locator("summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/account/sign-in/")


def by_password(page: Page, username: str) -> None:
    page.locator("#id_username").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_an_app_and_its_recovery_codes(sign_in: Window, marta: User) -> None:
    page = sign_in("marta")
    page.locator("details.menu", has_text="Account").locator("summary").click()
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Set up an app").click()
    assert page.locator(".qr-code").evaluate("image => image.naturalWidth") > 0
    page.get_by_text("The app cannot read it?").click()
    secret = page.locator(".token-secret").inner_text()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Set up").click()
    codes = page.locator(".recovery-codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()

    sign_out(page)
    by_password(page, "marta")
    page.wait_for_url(f"**{ACCOUNT}authenticate/")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(lambda url: url.endswith("/") and "account" not in url)


def test_a_passkey_signs_in_without_a_password_and_is_a_proof(sign_in: Window, olga: User) -> None:
    page = sign_in("olga")
    passkeys(page)
    page.goto(f"{ACCOUNT}webauthn/add/")
    page.get_by_label("Name").fill("Phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/recovery-codes/")
    page.goto(f"{ACCOUNT}webauthn/")
    expect(page.locator(".row-title")).to_have_text("Phone")

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "account" not in url)
    page.goto("/account/password/")
    page.goto(f"{ACCOUNT}webauthn/reauthenticate/?next=/history/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/history/")


def test_a_passkey_is_a_second_factor_after_the_password(sign_in: Window, marta: User) -> None:
    page = sign_in("marta")
    passkeys(page)
    page.goto(f"{ACCOUNT}webauthn/add/")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/recovery-codes/")

    sign_out(page)
    by_password(page, "marta")
    page.wait_for_url(f"**{ACCOUNT}authenticate/")
    expect(page.locator("main button").first).to_have_text("Use a passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "account" not in url)


def test_a_passkey_that_checks_nobody_is_refused(sign_in: Window, marta: User) -> None:
    page = sign_in("marta")
    passkeys(page, verified=False)
    page.goto(f"{ACCOUNT}webauthn/add/")
    page.get_by_role("button", name="Add a passkey").click()

    expect(page.get_by_text("That did not work, or it was cancelled.")).to_be_visible()
    assert not Authenticator.objects.exists()


def invited(page: Page, email: str) -> str:
    """Invite somebody as an owner does; the link."""
    page.goto("/admin/auth/user/add/")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Marketing").check()
    page.get_by_role("button", name="Save", exact=True).click()
    return page.locator("#invitation-link").input_value()


def test_an_invitation_is_copied_with_one_click(sign_in: Window, olga: User) -> None:
    page = sign_in("olga")
    link = invited(page, "nadia@example.org")

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_a_browser_is_led_to_the_identity_provider_and_back(
    browser: Browser, box: Any, live_server: Any, settings: Any
) -> None:
    with IdentityProvider() as provider, browser.new_context(locale="en-US") as context:
        page = context.new_page()
        provider.configure(settings)
        provider.claims = {"sub": "1", "name": "Nadia Ruiz", "groups": ["media-owners"]}
        page.goto(f"{live_server.url}/history/")
        page.get_by_role("button", name="SSO").click()
        page.wait_for_url(f"{live_server.url}/history/")

        add = f"{live_server.url}/admin/auth/user/add/"
        page.goto(add)  # signing in there is no proof
        page.get_by_role("button", name="SSO").click()
        page.wait_for_url(add)
        assert provider.asked["prompt"] == "login"


def test_an_invited_person_comes_in_with_a_passkey(
    sign_in: Window, olga: User, browser: Browser, live_server: Any
) -> None:
    link = invited(sign_in("olga"), "nadia@example.org")
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        passkeys(page)
        page.goto(link)
        expect(page.get_by_label("Username")).to_have_value("nadia")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{live_server.url}/")
        page.goto(link)
        expect(page.get_by_text("You are signed in as nadia")).to_be_visible()

    nadia = User.objects.get(username="nadia")
    assert not nadia.has_usable_password()
    assert Authenticator.objects.get().user == nadia


def test_an_invited_person_comes_in_with_a_password_and_without_scripts(
    sign_in: Window, olga: User, browser: Browser, live_server: Any
) -> None:
    link = invited(sign_in("olga"), "nadia@example.org")
    with browser.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(link)
        assert page.get_by_role("button", name="Use a passkey").count() == 0
        page.get_by_label("New password").fill("correct horse battery staple")
        page.get_by_label("The same password again").fill("correct horse battery staple")
        page.get_by_role("button", name="Save and sign in").click()
        page.wait_for_url(f"{live_server.url}/")


def test_who_must_have_one_sets_it_up_first(sign_in: Window, olga: User, settings: Any) -> None:
    page = sign_in("olga")
    page.wait_for_load_state("networkidle")  # what it still asks for would be refused from now on
    settings.REQUIRE_MFA = "admins"
    page.goto("/history/")
    page.wait_for_url(f"**{ACCOUNT}")
    expect(page.get_by_text("needs a second factor before you can go on")).to_be_visible()
    passkeys(page)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/recovery-codes/")
    page.goto("/history/")
    page.wait_for_url("**/history/")


LOOKS = [("es-CO", "light", WIDE), ("pt-BR", "dark", NARROW), ("en-US", "dark", WIDE)]
LOOKS += [("es-CO", "light", NARROW)]


@pytest.mark.parametrize(
    ("locale", "scheme", "viewport"),
    LOOKS,
    ids=[f"{locale} {scheme} {viewport['width']}" for locale, scheme, viewport in LOOKS],
)
def test_the_pages_about_people_are_accessible_and_fit(
    locale: str,
    scheme: str,
    viewport: Any,
    sign_in: Window,
    browser: Browser,
    live_server: Any,
    olga: User,
    marta: User,
) -> None:
    look = {"locale": locale, "color_scheme": scheme, "viewport": viewport}
    problems: dict[str, list[str]] = {}

    def look_at(page: Page, name: str) -> None:
        page.wait_for_load_state("load")
        found = serious_issues(page)
        if "/admin/" not in page.url and sideways(page, width=viewport["width"]):
            found.append("scrolls sideways")
        if found:
            problems[name] = found
        if SHOTS:
            path = Path(SHOTS) / f"{name}-{locale}-{scheme}-{viewport['width']}.png"
            page.screenshot(path=path, full_page=True)

    page = sign_in("olga", strict=False, **look)
    page.goto("/admin/auth/user/add/")
    look_at(page, "invite")
    page.locator("#id_email").fill("nadia@example.org")
    page.locator("#id_role_0").check()
    page.locator("[name=_save]").click()
    link = page.locator("#invitation-link").input_value()
    look_at(page, "link")
    for name, address in (
        ("person", f"/admin/auth/user/{marta.pk}/change/"),
        ("sessions", "/account/sessions/"),
        ("factors", ACCOUNT),
        ("app", f"{ACCOUNT}totp/activate/"),
        ("passkey", f"{ACCOUNT}webauthn/add/"),
        ("proof", "/account/reauthenticate/?next=/"),
    ):
        page.goto(address)
        look_at(page, name)
    give_app(olga)
    give_recovery_codes(olga)
    passkeys(page)
    page.goto(f"{ACCOUNT}webauthn/add/")
    page.locator("[data-passkey] button").click()
    page.wait_for_url(f"**{ACCOUNT}")
    for name, address in (
        ("factors-set", ACCOUNT),
        ("passkeys", f"{ACCOUNT}webauthn/"),
        ("codes", f"{ACCOUNT}recovery-codes/"),
        ("new-codes", f"{ACCOUNT}recovery-codes/generate/"),
        ("remove-app", f"{ACCOUNT}totp/deactivate/"),
        ("proof-code", f"{ACCOUNT}reauthenticate/?next=/"),
        ("proof-passkey", f"{ACCOUNT}webauthn/reauthenticate/?next=/"),
    ):
        page.goto(address)
        look_at(page, name)
    with browser.new_context(base_url=live_server.url, **look) as context:
        page = context.new_page()
        page.goto("/account/sign-in/")
        look_at(page, "sign-in")
        page.locator("#id_username").fill("olga")
        page.locator("#id_password").fill("not it at all")
        page.keyboard.press("Enter")
        expect(page.locator("form [role=alert]").first).to_be_visible()
        look_at(page, "sign-in-wrong")
        page.locator("#id_password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{ACCOUNT}authenticate/")
        look_at(page, "second-factor")
        page.goto(link)
        look_at(page, "invitation")
        page.goto("/account/invitation/made-up/")
        look_at(page, "invitation-over")
    assert problems == {}
