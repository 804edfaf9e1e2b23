"""A real browser, told to overlook the policy, runs no stored text on any page for anybody."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page

from media_assets import roles
from tests.factories import make_user
from tests.security.stored import store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_no_stored_text_is_run(sign_in: Callable[..., Page], box: Any) -> None:
    pages = store()
    ran: list[str] = []

    def opened(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    seen: set[str] = set()  # what the roles see alike is loaded once; `tests/security` reads all
    for username, paths in pages.items():
        page = sign_in(username, strict=False, bypass_csp=True)
        page.on("dialog", opened)
        page.route("https://**", lambda route: route.abort())  # thumbnails, which nobody waits for
        page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1; };")
        for path in [path for path in paths if path not in seen]:
            seen.add(path)
            page.goto(path)
            hits, marked = page.evaluate("[window.hits, document.querySelectorAll('#pwn').length]")
            if hits or marked:
                ran.append(f"{username} {path}: {hits} {marked}")
    assert ran == []


def test_the_browser_would_have_run_them(sign_in: Callable[..., Page], box: Any) -> None:
    """The control of the test above: the same payload as markup is run and noticed."""
    make_user(roles.MARKETING, username="marta")
    page = sign_in("marta", strict=False, bypass_csp=True)
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1; };")
    page.goto("/")
    page.evaluate("document.querySelector('main').innerHTML += '<img src=x onerror=hit(1)>'")
    page.wait_for_function("window.hits === 1")
