"""What somebody has typed stays theirs until it is sent: in this window, and for them alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from media_assets import roles
from media_assets.models import Upload
from tests.browser.conftest import TOKEN
from tests.factories import PASSWORD, make_connector, make_operation, make_user, team

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]
STORAGE = "https://storage.googleapis.com/wvox-0042/"
LINES = f"{STORAGE}a.jpg\tUno\nnonsense"


@pytest.fixture
def marta(sign_in: Window, box: Any) -> Page:
    make_connector(make_operation(server="0042", token=TOKEN))
    make_user(roles.MARKETING, username="marta", groups=[team()])
    make_user(roles.MARKETING, username="maria", groups=[team()])
    return sign_in("marta")


def sign_in_again(page: Page, username: str = "marta") -> None:
    page.locator("#id_username").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def sign_out(page: Page) -> None:
    page.locator("summary", has=page.locator(".tool-name")).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/sign-in/")


def speak(page: Page, language: str) -> None:
    page.locator("summary", has=page.locator(".tool-code")).click()
    page.locator(f"button[name=language][value={language}]").click()
    expect(page.locator("html")).to_have_attribute("lang", language)


def test_the_language_may_be_changed_while_lines_are_typed(marta: Page) -> None:
    marta.goto("/uploads/new/")
    marta.locator("#id_urls").fill(LINES)
    marta.locator("#id_label").fill("Promo")
    speak(marta, "es")
    expect(marta.locator("#id_urls")).to_have_value(LINES)
    expect(marta.locator("#id_label")).to_have_value("Promo")

    expect(marta.locator("#check-summary")).to_be_visible()
    marta.locator("#id_urls").fill("nonsense")
    marta.locator("#send").click()
    expect(marta.get_by_role("alert").first).to_be_visible()
    speak(marta, "pt-br")
    expect(marta.locator("#id_urls")).to_have_value("nonsense")


def test_the_language_may_be_changed_beside_the_overviews_form(marta: Page) -> None:
    marta.locator("#quick-urls").fill(STORAGE + "a.jpg")
    speak(marta, "es")
    expect(marta.locator("#quick-urls")).to_have_value(STORAGE + "a.jpg")


@pytest.mark.parametrize("back", ["by the browser's button", "by a link"])
def test_who_looks_at_another_page_finds_the_lines_again(marta: Page, back: str) -> None:
    marta.goto("/uploads/new/")
    marta.locator("#id_urls").fill(LINES)
    marta.get_by_role("navigation").get_by_role("link", name="History").click()
    marta.wait_for_url("**/history/")
    if back == "by a link":
        marta.get_by_role("navigation").get_by_role("link", name="New upload").click()
    else:
        marta.go_back()
    expect(marta.locator("#id_urls")).to_have_value(LINES)


def test_a_link_that_brings_lines_is_not_overruled(marta: Page) -> None:
    marta.goto("/uploads/new/")
    marta.locator("#id_urls").fill(LINES)
    marta.goto(f"/uploads/new/?url={STORAGE}b.jpg")
    expect(marta.locator("#id_urls")).to_have_value(f"{STORAGE}b.jpg")


@pytest.mark.parametrize("form", ["large", "quick"])
def test_what_was_sent_does_not_come_back(marta: Page, form: str) -> None:
    field = "#id_urls" if form == "large" else "#quick-urls"
    address = "/uploads/new/" if form == "large" else "/"
    marta.goto(address)
    marta.locator(field).fill(STORAGE + "a.jpg")
    marta.get_by_role("button", name="Send").click()
    marta.wait_for_url("**/batches/**")
    marta.go_back()
    marta.wait_for_load_state()
    expect(marta.locator(field)).to_have_value("")
    marta.goto(address)
    expect(marta.locator(field)).to_have_value("")


def test_a_line_of_the_overview_outlives_the_session(marta: Page) -> None:
    marta.locator("#quick-urls").fill(STORAGE + "a.jpg")
    Session.objects.all().delete()
    marta.get_by_role("button", name="Send").click()
    expect(marta.get_by_text("Your session has ended and nothing was sent.")).to_be_visible()
    sign_in_again(marta)
    marta.wait_for_url("**/uploads/new/")
    expect(marta.locator("#id_urls")).to_have_value(STORAGE + "a.jpg")
    expect(marta.locator("#check-summary")).to_have_text("1 ready to send")
    marta.get_by_role("button", name="Send 1 file").click()
    marta.wait_for_url("**/batches/**")
    assert Upload.objects.count() == 1
    marta.goto("/uploads/new/")
    expect(marta.locator("#id_urls")).to_have_value("")


def test_the_sign_in_page_says_that_the_lines_are_kept(marta: Page) -> None:
    marta.goto("/uploads/new/")
    Session.objects.all().delete()
    marta.locator("#id_urls").fill(LINES)
    marta.wait_for_url("**/account/sign-in/**")
    expect(marta.get_by_text("what you typed is kept in this browser")).to_be_visible()
    expect(marta.locator(".note:visible")).to_have_count(1)


@pytest.mark.parametrize("left", ["signed out", "session ended", "session ended on sending"])
def test_nobody_sees_what_another_person_typed(marta: Page, left: str) -> None:
    marta.goto("/uploads/new/")
    marta.locator("#id_urls").fill(LINES)
    expect(marta.locator("#check-summary")).to_be_visible()
    if left == "signed out":
        sign_out(marta)
        sign_in_again(marta, "maria")
    else:
        Session.objects.all().delete()
        if left.endswith("sending"):
            marta.locator("#send").click()
        else:
            marta.reload()
        expect(marta.locator("#id_username")).to_be_visible()
        sign_in_again(marta, "maria")
        marta.wait_for_url("**/uploads/new/")
    marta.goto("/uploads/new/")
    expect(marta.locator("#id_urls")).to_have_value("")
    # the browser itself asks before it opens the answer to a form again
    for _ in range(0 if left.endswith("sending") else 3):
        marta.go_back()
        marta.wait_for_load_state()
        for field in marta.locator("#id_urls").all():
            expect(field).to_have_value("")


def test_signing_out_forgets_what_was_typed(marta: Page) -> None:
    marta.goto("/uploads/new/")
    marta.locator("#id_urls").fill(LINES)
    sign_out(marta)
    sign_in_again(marta)
    marta.goto("/uploads/new/")
    expect(marta.locator("#id_urls")).to_have_value("")


@pytest.mark.parametrize("scripts", [True, False])
def test_back_from_an_expired_form_the_lines_still_stand(
    marta: Page, sign_in: Window, scripts: bool
) -> None:
    page = sign_in("marta", java_script_enabled=scripts, strict=False)
    page.goto("/uploads/new/")
    page.locator("#id_urls").fill(LINES)
    page.context.clear_cookies(name="csrftoken")
    with page.expect_navigation():
        page.locator("#send").click()
    expect(page.get_by_role("heading", name="The form has expired")).to_be_visible()
    page.go_back()
    expect(page.locator("#id_urls")).to_have_value(LINES)


def test_without_scripts_lines_outlive_the_session_too(marta: Page, sign_in: Window) -> None:
    page = sign_in("marta", java_script_enabled=False)
    page.goto("/uploads/new/")
    page.locator("#id_urls").fill(LINES)
    page.locator("#id_label").fill("Promo")
    Session.objects.all().delete()
    page.locator("#send").click()
    page.locator("#id_username").fill("marta")
    page.locator("#id_password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".note-error:visible")).to_be_visible()
    sign_in_again(page)
    expect(page.locator("#id_urls")).to_have_value(LINES)
    expect(page.locator("#id_label")).to_have_value("Promo")
    page.goto("/uploads/new/")
    expect(page.locator("#id_urls")).to_have_value("")
