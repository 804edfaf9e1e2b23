"""Several rows at once, by mouse and keyboard in a real browser."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from media_assets import roles
from media_assets.models import AuditEvent, SavedView, Status, Upload
from tests.browser.conftest import TOKEN
from tests.factories import make_batch, make_connector, make_operation, make_upload, make_user, team
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]
NARROW = {"width": 360, "height": 740}


@pytest.fixture
def marta(transactional_db: None) -> User:
    return make_user(roles.MARKETING, username="marta", groups=[team()])


@pytest.fixture
def uploads(marta: User, box: Any) -> dict[str, Upload]:
    """One of each state, and one more that failed; no worker looks after them."""
    connector = make_connector(make_operation(server="0042", token=TOKEN), name="Ventas")
    batch = make_batch(connector, marta, campaign="Julio")
    made = {
        status.value: make_upload(batch=batch, status=status, label=f"Etiqueta {status}")
        for status in Status
    }
    made["failed too"] = make_upload(batch=batch, status=Status.FAILED, label="Otra que falló")
    return made


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def tick(page: Page, upload: Upload) -> None:
    page.get_by_label(f"Choose {upload.full_name}").check()


def test_rows_are_ticked_retried_and_the_number_is_confirmed(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta")
    page.goto("/history/?sort=oldest")
    scope = page.locator("#bulk-scope")
    scope.select_option("all")
    for name in ("failed", "cancelled", "ready"):
        tick(page, uploads[name])
    expect(scope).to_have_value("ticked")
    expect(scope.locator("option").first).to_have_text("The ticked rows (3)")

    page.locator("#bulk").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("heading", name="Retry 2 uploads?")).to_be_visible()
    expect(page.get_by_text("1 is ready")).to_be_visible()
    page.get_by_role("button", name="Retry 2 uploads").click()

    page.wait_for_url("**/history/?sort=oldest")
    expect(page.get_by_text("2 uploads are in the queue again.")).to_be_visible()
    assert {upload.label for upload in Upload.objects.queued()} == {
        "Etiqueta queued",
        "Etiqueta failed",
        "Etiqueta cancelled",
    }


def test_all_on_the_page_are_ticked_by_keyboard(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta")
    page.goto("/history/")
    everything = page.get_by_label("All on this page")
    everything.focus()
    page.keyboard.press("Space")
    expect(page.locator("tbody input:checked")).to_have_count(len(uploads))
    tick = page.get_by_label(f"Choose {uploads['ready'].full_name}")
    tick.focus()
    page.keyboard.press("Space")
    assert everything.evaluate("box => box.indeterminate")
    expect(page.locator("#bulk-scope option").first).to_have_text("The ticked rows (5)")

    page.locator("#bulk").get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Cancel 1 upload")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 upload is cancelled.")).to_be_visible()


def test_all_that_the_filters_show_get_a_campaign_without_javascript_too(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta", java_script_enabled=False, viewport=NARROW)
    page.goto("/history/?state=failed")
    expect(page.get_by_label("All on this page")).to_be_hidden()
    page.locator("#bulk-scope").select_option("all")
    page.get_by_role("button", name="Set campaign").click()
    expect(page.get_by_role("heading", name="Set the campaign of 2 uploads?")).to_be_visible()
    page.get_by_label("Campaign").fill("Navidad")
    page.get_by_role("button", name="Set the campaign of 2 uploads").click()
    expect(page.get_by_text("The campaign of 2 uploads is changed.")).to_be_visible()
    assert set(Upload.objects.failed().values_list("campaign", flat=True)) == {"Navidad"}
    assert Upload.objects.filter(campaign="Navidad").count() == 2


def test_a_question_that_is_answered_by_a_double_click_is_answered_once(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta")
    page.goto("/handles/")
    tick(page, uploads["ready"])
    page.locator("#bulk").get_by_role("button", name="Renew").click()
    page.get_by_role("button", name="Renew 1 handle").dblclick()
    page.wait_for_url("**/handles/")
    wait_until(lambda: AuditEvent.objects.filter(action="upload.renewed").exists())
    assert uploads["ready"].renewals.count() == 1


def test_handles_are_copied_in_one_go_and_each_is_recorded(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    other = make_upload(batch=uploads["ready"].batch, label="Nuevo")
    page = sign_in("marta")
    page.goto("/handles/")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Copy handles").click()
    page.get_by_role("button", name="Copy all 2 handles").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert clipboard(page) == f"{other.handle}\n{uploads['ready'].handle}"
    for upload in (other, uploads["ready"]):
        events = AuditEvent.objects.about(upload).filter(action="handle.copied")
        wait_until(events.exists)

    page.get_by_role("button", name="Copy labels and handles").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    wait_until(lambda: clipboard(page).startswith("Nuevo\t4::"))
    lines = clipboard(page).split("\n")
    assert lines == [
        f"Nuevo\t{other.handle}",
        f"Etiqueta ready\t{uploads['ready'].handle}",
    ]


def test_a_rows_own_button_leads_back_to_the_same_list(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta")
    page.goto("/history/?state=failed")
    name = f"Retry {uploads['failed'].full_name}"
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/history/?state=failed")
    expect(page.get_by_text("It is in the queue again.")).to_be_visible()
    expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_handle_is_copied_from_the_history(sign_in: Window, uploads: dict[str, Upload]) -> None:
    page = sign_in("marta")
    page.goto("/history/")
    page.get_by_role("button", name=f"Copy {uploads['ready'].full_name}").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert clipboard(page) == uploads["ready"].handle
    wait_until(AuditEvent.objects.about(uploads["ready"]).filter(action="handle.copied").exists)


def test_a_view_is_saved_opened_renamed_and_deleted(
    sign_in: Window, uploads: dict[str, Upload]
) -> None:
    page = sign_in("marta")
    page.goto("/history/?state=failed")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Fallos")
    page.keyboard.press("Enter")
    views = page.get_by_role("navigation", name="Saved views")
    expect(views.get_by_role("link", name="Fallos")).to_have_attribute("aria-current", "page")
    page.goto("/history/")
    views.get_by_role("link", name="Fallos").click()
    page.wait_for_url("**/history/?state=failed")

    views.get_by_role("link", name="Rename or delete").click()
    page.get_by_label("Name of the view").fill("Errores")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("The view is called “Errores” now.")).to_be_visible()
    page.get_by_role("button", name="Delete Errores").click()
    expect(page.get_by_text("No saved views")).to_be_visible()
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_new_page_has_a_serious_issue_or_scrolls_sideways(
    sign_in: Window, uploads: dict[str, Upload], marta: User, scheme: str
) -> None:
    SavedView.objects.keep(marta, page="history", name="Una vista " * 5, query="state=failed")
    look = {"color_scheme": scheme, "viewport": NARROW, "locale": "es-CO"}
    page = sign_in("marta", strict=False, **look)  # axe itself meets the strict CSP
    problems = {}
    for path in (
        "/history/?state=failed",
        "/history/?q=etiqueta&sort=oldest",
        "/handles/",
        "/bulk/history/retry/?scope=all",
        "/bulk/history/cancel/?scope=all&state=failed",
        "/bulk/history/campaign/?scope=all&q=etiqueta",
        f"/bulk/history/renew/?upload={uploads['ready'].code.hex}",
        "/bulk/handles/copy/?scope=all",
        "/saved-views/history/",
        "/saved-views/handles/",
    ):
        page.goto(path)
        violations = Axe().run(page, options={"preload": False}).response["violations"]
        found = [
            f"{violation['id']}: {json.dumps(node['html'])[:160]}"
            for violation in violations
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            found.append("scrolls sideways")
        if found:
            problems[path] = found
    assert problems == {}
