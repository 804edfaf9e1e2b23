"""The header of every page: whole words on every width, in every language."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_upload, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = [360, 480, 768, 1000, 1024, 1100, 1200, 1280, 1366, 1400, 1440, 1920]
# what is cut, what goes over several lines, and whether the page is wider than the window
WRONG = """() => [
  ...[...document.querySelectorAll(".brand span")].filter((each) =>
    each.scrollWidth > each.clientWidth + 1),
  ...[...document.querySelectorAll(".nav-wide .nav-entry")].filter((each) =>
    each.offsetParent && each.getBoundingClientRect().height > 45),
  ...(document.documentElement.scrollWidth > innerWidth ? [document.documentElement] : []),
].map((each) => each.textContent.trim().slice(0, 40))"""


@pytest.mark.parametrize("locale", ["es-CO", "pt-BR", "en-US"])
def test_the_header_of_an_owner_is_whole_on_every_width(
    sign_in: Callable[..., Page], box: Any, locale: str
) -> None:
    make_user("Owner", username="a-rather-long-name-of-an-owner")
    page = sign_in("a-rather-long-name-of-an-owner", locale=locale)
    wrong = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if found := page.evaluate(WRONG):
            wrong[width] = found
    assert wrong == {}


def test_without_scripts_nothing_is_offered_that_needs_them(
    sign_in: Callable[..., Page], box: Any
) -> None:
    make_user("Owner", username="olga")
    upload = make_upload()
    waiting = make_upload(status="queued")
    page = sign_in("olga", java_script_enabled=False)
    for address in ("/", "/handles/", upload.get_absolute_url(), upload.batch.get_absolute_url()):
        page.goto(address)
        assert page.locator("[data-copy-from]").count() > 0
        assert page.locator("[data-copy-from]:visible").count() == 0
    for address in (waiting.get_absolute_url(), waiting.batch.get_absolute_url()):
        page.goto(address)
        expect(page.get_by_role("link", name="Look how far it is")).to_be_visible()
