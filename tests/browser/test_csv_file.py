"""A CSV file beside typed lines: nothing goes without it while it has a problem."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from media_assets import roles
from media_assets.models import Batch, Upload
from tests.browser.conftest import TOKEN
from tests.factories import make_connector, make_operation, make_user, team

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STORAGE = "https://storage.googleapis.com/wvox-0042/"


def a_file(text: str, *, encoding: str = "utf-8") -> Any:
    return {"name": "files.csv", "mimeType": "text/csv", "buffer": text.encode(encoding)}


def test_a_file_with_a_problem_holds_the_form_back_until_it_is_removed_or_replaced(
    sign_in: Callable[..., Page], box: Any
) -> None:
    make_connector(make_operation(server="0042", token=TOKEN))
    make_user(roles.MARKETING, username="marta", groups=[team()])
    page = sign_in("marta")
    page.goto("/uploads/new/")
    page.locator("#id_urls").fill(STORAGE + "a.jpg")
    expect(page.locator("#check-summary")).to_have_text("1 ready to send")
    field, problem = page.locator("#id_csv_file"), page.locator("#file-problem")
    field.set_input_files(a_file("where,who\nhttps://a.co/a.jpg,me"))
    expect(problem).to_contain_text("Nothing is sent while the CSV file has a problem")
    page.locator("#send").click()
    expect(problem).to_contain_text("Nothing has been sent, because the CSV file had a problem")
    assert not Batch.objects.exists()

    field.set_input_files(a_file(""))
    expect(problem).to_contain_text("The file is empty.")
    page.get_by_role("button", name="Remove the file").click()
    expect(problem).to_have_text("")
    expect(page.locator("#csv-errors")).to_have_text("")
    assert field.input_value() == ""
    expect(page.locator("#check-summary")).to_have_text("1 ready to send")
    page.wait_for_load_state("networkidle")  # the check that follows the removal

    field.set_input_files(a_file(f"enlace\tnombre\r\n{STORAGE}b.jpg\tDos", encoding="utf-16"))
    expect(page.locator("#id_urls")).to_have_value(f"{STORAGE}a.jpg\n{STORAGE}b.jpg\tDos")
    page.get_by_role("button", name="Send 2 files").click()
    page.wait_for_url("**/batches/**")
    assert Upload.objects.count() == 2
