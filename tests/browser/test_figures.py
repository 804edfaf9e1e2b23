"""Charts in a real browser, under the product's own policy."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from media_assets import roles
from media_assets.models import Status
from tests.browser.test_accessibility import serious_issues, sideways
from tests.factories import make_connector, make_upload, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NARROW = {"width": 360, "height": 740}
PICTURE = "canvas => canvas.toDataURL()"
EMPTY = """() => {
    const { width, height } = document.querySelector("canvas");
    return Object.assign(document.createElement("canvas"), { width, height }).toDataURL();
}"""


@pytest.fixture
def uploads(box: Any, transactional_db: None) -> None:
    make_user(roles.SUPERVISOR, username="sofia")
    connector = make_connector()
    for status in (Status.READY, Status.READY, Status.FAILED, Status.CANCELLED):
        make_upload(connector, status=status)


def wait_for_chart(page: Page) -> None:
    """Until the library has taken a canvas over; the policy leaves no `eval` to wait with."""
    expect(page.locator("canvas").first).to_have_attribute("style", re.compile("display"))


def test_the_history_unfolds_its_figures_and_remembers_that(
    sign_in: Callable[..., Page], uploads: None
) -> None:
    page = sign_in("sofia")
    page.goto("/history/")
    expect(page.locator(".figures-head")).to_contain_text("4 uploads: 50% ready, 25% failed.")
    assert page.locator("script[src*=chart]").count() == 1  # ours; the library only when it opens

    page.locator(".figures-head").click()
    wait_for_chart(page)
    page.reload()

    wait_for_chart(page)
    assert page.locator("canvas").first.evaluate(PICTURE) != page.evaluate(EMPTY)


def test_colours_follow_the_theme_while_the_page_is_open(
    sign_in: Callable[..., Page], uploads: None
) -> None:
    page = sign_in("sofia", color_scheme="light")
    page.goto("/history/figures/")
    wait_for_chart(page)
    light = page.locator("canvas").first.evaluate(PICTURE)

    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    for _ in range(50):
        if (dark := page.locator("canvas").first.evaluate(PICTURE)) != light:
            break
        page.wait_for_timeout(100)
    assert dark != light


def test_the_table_behind_a_chart_opens_by_keyboard(
    sign_in: Callable[..., Page], uploads: None
) -> None:
    page = sign_in("sofia", viewport=NARROW, color_scheme="dark")
    page.goto("/history/figures/")
    summary = page.locator(".figures-table > summary").first
    summary.focus()
    page.keyboard.press("Enter")

    today = timezone.localdate().strftime("%m/%d/%Y")
    row = page.locator(".figures-table").first.locator("tr", has_text=today)
    assert row.locator("td").all_inner_texts() == ["4", "2", "1", "1"]
    assert not sideways(page, width=NARROW["width"])


@pytest.mark.parametrize("viewport", [NARROW, {"width": 1280, "height": 900}])
def test_unfolded_figures_have_no_serious_issue(
    viewport: dict[str, int], sign_in: Callable[..., Page], uploads: None
) -> None:
    page = sign_in("sofia", strict=False, viewport=viewport)  # axe itself meets the strict CSP
    page.goto("/history/")
    page.locator(".figures-head").click()
    wait_for_chart(page)
    for summary in page.locator(".figures-table > summary").all():
        summary.click()

    assert serious_issues(page) == []
    assert not sideways(page, width=viewport["width"])


def test_without_scripts_there_are_a_link_sentences_and_tables(
    sign_in: Callable[..., Page], browser: Browser, live_server: Any, uploads: None
) -> None:
    state = sign_in("sofia").context.storage_state()
    with browser.new_context(
        base_url=live_server.url, storage_state=state, java_script_enabled=False, locale="en-US"
    ) as context:
        page = context.new_page()
        page.goto("/history/")
        page.get_by_role("link", name="Figures").click()

        expect(page.locator("#figures-uploads-said")).to_contain_text("4 uploads: 50% ready")
        expect(page.locator("canvas").first).to_be_hidden()
        expect(page.get_by_role("table", name="By person")).to_be_visible()
