"""The three journeys that the product is for, by mouse and keyboard in a real browser."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from media_assets import roles
from media_assets.models import AuditEvent, Connector, Operation, PauseReason, Upload
from tests.browser.conftest import OTHER_TOKEN, TOKEN
from tests.factories import (
    PASSWORD,
    make_connector,
    make_operation,
    make_upload,
    make_user,
    team,
)
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_an_admin_sets_up_an_operation_tests_it_and_imports_its_connectors(
    sign_in: Window, box: Any
) -> None:
    make_user(roles.CONNECTOR_ADMIN, username="adrian")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("adrian")
    page.goto("/admin/")
    page.get_by_role("link", name="Operations", exact=True).click()
    page.get_by_role("link", name="Add operation").click()
    page.get_by_label("Name:", exact=True).first.fill("Tienda Andina")
    page.locator("#id_server").fill("https://wv0042.wolkvox.com/")
    page.locator("#id_new_token").fill(TOKEN)
    page.get_by_role("button", name="Save and continue editing").click()

    operation = Operation.objects.get()
    assert (operation.server, operation.reveal_token()) == ("0042", TOKEN)
    assert TOKEN not in page.content()

    page.get_by_role("link", name="Test connection").click()
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".messagelist")).to_contain_text("1")
    assert box.ledger.calls[-1].api == "token_info"

    page.get_by_role("link", name="Import connectors").click()
    page.get_by_role("button", name="Read the list").click()
    page.get_by_label("Colombia").check()
    page.get_by_role("button", name="Import the chosen ones").click()
    assert set(Connector.objects.values_list("connector_id", flat=True)) == {"1266", "1267"}
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"operation.created", "operation.token_set", "operation.tested"} <= actions
    assert TOKEN not in str(list(AuditEvent.objects.values()))


def test_marketing_sends_one_file_and_copies_its_handle_by_keyboard(
    sign_in: Window, box: Any, worker: Any
) -> None:
    connector = make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta")
    page.locator("textarea[name=urls], input[name=urls]").fill(box.storage_url("promo-julio.jpg"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/**")
    copy = page.get_by_role("button", name="Copy handle")
    expect(copy).to_be_visible()
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied").first).to_be_visible()

    upload = Upload.objects.get()
    assert clipboard(page) == upload.handle
    assert upload.connector == connector
    page.wait_for_function("document.readyState === 'complete'")
    wait_until(lambda: AuditEvent.objects.about(upload).filter(action="handle.copied").exists())


def test_marketing_pastes_25_urls_of_which_3_are_bad_and_copies_every_snippet(
    sign_in: Window, box: Any, worker: Any
) -> None:
    make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    good = [box.storage_url(f"muestra-{number:03}.jpg") for number in range(1, 22)]
    good.append(box.storage_url("multiline.jpg"))
    bad = [box.storage_url("restringido.jpg"), "ftp://example.org/a.jpg", good[0]]
    page = sign_in("marta")
    page.goto("/uploads/new/")
    page.locator("#id_urls").fill("\n".join(good + bad))
    expect(page.locator("#check-summary")).to_have_text("22 ready to send, 3 need attention")
    page.get_by_role("button", name="Send the 22 that are fine").click()
    page.wait_for_url("**/batches/**")
    expect(page.get_by_role("heading", name="All 22 handles are ready")).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_text("3 lines were not sent")).to_be_visible()
    page.get_by_role("button", name="Copy all 22 handles").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    handles = list(Upload.objects.order_by("id").values_list("handle", flat=True))
    assert clipboard(page) == "\n".join(handles)

    page.get_by_role("link", name="multiline.jpg").click()
    handle = Upload.objects.get(file_url__endswith="multiline.jpg").handle
    copied = copy_every_snippet(page)
    assert copied["handle"] == handle
    assert copied["first_line"] == handle.partition("\n")[0]
    assert copied["public_url"] == box.storage_url("multiline.jpg")
    header = json.loads(copied["header_handle"])
    assert header["example"]["header_handle"] == handle
    for name in ("create_template", "create_utility_template"):
        body = json.loads(copied[name])
        assert body["connector_id"] == "1266"
        assert body["components"][0]["example"]["header_handle"] == handle
    assert json.loads(copied["meta"])["components"][0]["example"]["header_handle"] == [handle]
    answer = subprocess.run(
        ["bash", "-c", copied["curl"]],
        env={**os.environ, "WOLKVOX_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout)["data"]["status"] == "PENDING"
    assert TOKEN not in page.content() + "".join(copied.values())


@pytest.mark.parametrize("noticed", ["by the check", "on sending"])
def test_what_was_typed_outlives_the_session(sign_in: Window, box: Any, noticed: str) -> None:
    make_connector(make_operation(server="0042", token=TOKEN), name="Alpha")
    chosen = make_connector(make_operation(server="0077", token=OTHER_TOKEN), name="Beta")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    url = box.storage_url("promo-julio.jpg")
    page = sign_in("marta")
    page.goto("/uploads/new/")
    page.locator("#id_connector").select_option(str(chosen.code))
    page.locator("#id_label").fill("Promo")
    page.locator("#id_campaign").fill("Julio")
    if noticed == "on sending":
        page.locator("#id_urls").fill(url)
        expect(page.locator("#check-summary")).to_have_text("1 ready to send")
    Session.objects.all().delete()
    if noticed == "on sending":
        page.locator("#send").click()
    else:
        page.locator("#id_urls").fill(url)
    page.locator("#id_username").fill("marta")
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.locator("#id_urls")).to_have_value(url)
    expect(page.locator("#id_connector")).to_have_value(str(chosen.code))
    expect(page.locator("#id_label")).to_have_value("Promo")
    expect(page.locator("#id_campaign")).to_have_value("Julio")
    expect(page.locator("#check-summary")).to_have_text("1 ready to send")
    page.get_by_role("button", name="Send 1 file").click()
    page.wait_for_url("**/batches/**")
    assert (Upload.objects.get().label, Upload.objects.get().connector) == ("Promo", chosen)
    page.goto("/uploads/new/")
    expect(page.locator("#id_urls")).to_have_value("")


def test_a_changed_connector_makes_the_check_forget_what_was_seen(
    sign_in: Window, box: Any
) -> None:
    make_connector(make_operation(server="0042", token=TOKEN), name="Alpha")
    other = make_connector(make_operation(server="0077", token=OTHER_TOKEN), name="Beta")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta")
    page.goto("/uploads/new/")
    page.locator("#id_urls").fill(f"{box.storage_url('promo-julio.jpg')}\nnonsense")
    expect(page.locator("#check-summary")).to_contain_text("1 needs attention")
    page.route("**/check/", lambda route: None)  # the answer never comes
    page.locator("#id_connector").select_option(str(other.code))
    expect(page.locator("#send")).to_have_attribute("value", "")


BROKEN_WORDS = """() => [...document.querySelectorAll(".brand span, .figure-text")].flatMap(
  (element) => [...element.textContent.matchAll(/\\S+/g)].filter((word) => {
    const range = document.createRange();
    range.setStart(element.firstChild, word.index);
    range.setEnd(element.firstChild, word.index + word[0].length);
    const frame = element.getBoundingClientRect();
    return range.getClientRects().length > 1
      || range.getBoundingClientRect().right > frame.right + 1;
  }).map((word) => word[0]))"""


@pytest.mark.parametrize("locale", ["es-CO", "pt-BR", "en-US"])
def test_a_narrow_screen_shows_names_and_figures_whole(
    sign_in: Window, box: Any, locale: str
) -> None:
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta", locale=locale, viewport={"width": 360, "height": 740})
    assert page.evaluate(BROKEN_WORDS) == []


def test_where_the_clipboard_is_refused_the_text_is_selected(sign_in: Window, box: Any) -> None:
    upload = make_upload()
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta")
    page.goto(upload.get_absolute_url())
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }"
    )
    page.locator("[data-copied-snippet=handle]").click()
    expect(page.get_by_text("Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == upload.handle


def test_a_supervisor_reviews_a_failure_and_exports_the_history(sign_in: Window, box: Any) -> None:
    marta = make_user(roles.MARKETING, username="marta", groups=[team()])
    make_user(roles.SUPERVISOR, username="sofia")
    make_upload(by=marta, label="Promo de julio")
    failed = make_upload(by=marta, status="failed", label="=Catálogo")
    page = sign_in("sofia")
    page.get_by_role("navigation").get_by_role("link", name="History").click()
    ready = page.get_by_role("link", name="Promo de julio", exact=True)
    expect(ready).to_be_visible()
    page.get_by_label("State").select_option("failed")
    page.get_by_role("button", name="Apply filters").click()
    expect(ready).to_be_hidden()
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV Begins at once").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert "'=Catálogo" in text
    assert "Promo de julio" not in text
    event = AuditEvent.objects.get(action="history.exported")
    assert event.actor_name == "sofia"

    page.get_by_role("link", name="=Catálogo").click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    assert page.goto("/uploads/new/").status == 404  # type: ignore[union-attr]
    assert failed.status == "failed"


def test_marketing_cancels_one_then_the_rest_and_retries_one(
    sign_in: Window, box: Any, worker: Any
) -> None:
    operation = make_operation(server="0042", token=TOKEN)
    make_connector(operation, connector_id="1266")
    make_user(roles.MARKETING, username="marta", groups=[team()])
    operations = Operation.objects.filter(pk=operation.pk)
    operations.pause(PauseReason.MANUAL, until=None)
    page = sign_in("marta")
    page.goto("/uploads/new/")
    urls = [box.storage_url(f"muestra-{number:03}.jpg") for number in range(1, 5)]
    page.locator("#id_urls").fill("\n".join(urls))
    page.get_by_role("button", name="Send 4 files").click()
    page.wait_for_url("**/batches/**")
    expect(page.get_by_text("Paused by a person. It goes on when")).to_be_visible()

    page.get_by_role("button", name="Cancel muestra-002.jpg").click()
    expect(page.get_by_text("It is cancelled and will not be sent.")).to_be_visible()
    expect(page.locator(".batch-row .state-cancelled")).to_have_count(1)

    page.get_by_role("link", name="Cancel what is waiting (3)").click()
    expect(page.get_by_role("heading")).to_have_text("Cancel 3 uploads that are waiting?")
    page.get_by_role("button", name="Cancel 3 uploads").click()
    expect(page.get_by_text("3 uploads are cancelled.")).to_be_visible()
    expect(page.get_by_role("heading", name="All 4 uploads were cancelled")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel what is waiting")).to_have_count(0)

    operations.resume()
    page.get_by_role("button", name="Retry muestra-003.jpg").click()
    page.wait_for_load_state()
    heading = "Finished: 1 of 4 handles are ready, 3 cancelled"
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert [call.file_url for call in box.ledger.calls if call.file_url] == [urls[2]]


def test_two_operations_are_kept_apart(sign_in: Window, box: Any) -> None:
    make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")
    foreign = make_connector(
        make_operation(server="0077", token=OTHER_TOKEN),
        groups=[team("Brazil")],
        name="Linha do Brasil",
    )
    upload = make_upload(foreign)
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta")
    page.goto("/uploads/new/")
    expect(page.locator("#id_connector")).not_to_contain_text("Linha do Brasil")
    assert page.request.get(upload.get_absolute_url()).status == 404


def copy_every_snippet(page: Page) -> dict[str, str]:
    copied = {}
    for button in page.locator("button[data-copied-snippet]").all():
        name = button.get_attribute("data-copied-snippet")
        assert name is not None
        page.evaluate("navigator.clipboard.writeText('')")
        button.click()
        page.wait_for_function("navigator.clipboard.readText().then((text) => text !== '')")
        copied[name] = clipboard(page)
    return copied
