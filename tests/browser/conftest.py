"""A real Chromium against the whole product: pages, worker and sandbox in this process."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page

from media_assets.delivery import Worker
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import PASSWORD

TOKEN = "776f6c6b766f78" + "0123456789" * 3 + "abcdef01"
OTHER_TOKEN = "776f6c6b766f78" + "9876543210" * 3 + "abcdef01"


@pytest.fixture(autouse=True, scope="session")
def _database_beside_a_loop() -> Iterator[None]:
    """Playwright's loop runs in this thread, where Django would refuse its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    }


@pytest.fixture
def box(settings: Any) -> Iterator[Sandbox]:
    """The sandbox, and a product that points at it."""
    with Sandbox(port=0, operations={"0042": TOKEN, "0077": OTHER_TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [box.origin]
        directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        settings.CONTENT_SECURITY_POLICY = {
            "DIRECTIVES": {**directives, "img-src": ["'self'", "data:", box.origin]}
        }
        yield box


@pytest.fixture
def worker(box: Sandbox, transactional_db: None) -> Iterator[Worker]:
    worker = Worker(threads=8)

    def work() -> None:
        worker.run()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield worker
    worker.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()


@pytest.fixture
def sign_in(
    browser: Browser, live_server: Any, box: Sandbox, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Open a window in which a person signs in by the form; a picture of it if the test fails.

    Whatever the browser complains about, a blocked script for one, fails the test if `strict`.
    """
    pages: list[Page] = []
    complaints: list[str] = []

    def complain(kind: str, text: str) -> None:
        # a test that asks for what is not there says so itself
        if kind in {"error", "warning"} and "status of 404" not in text:
            complaints.append(f"{text} ({pages[-1].url})")

    def open_window(username: str, *, strict: bool = True, **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            permissions=["clipboard-read", "clipboard-write"],
            **{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options},
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        pages.append(page)
        if strict:
            page.on("console", lambda said: complain(said.type, said.text))
            page.on("pageerror", lambda error: complain("error", str(error)))
        page.goto("/")
        page.locator("#id_username").fill(username)
        page.locator("#id_password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{live_server.url}/")
        return page

    failed_before = request.session.testsfailed
    yield open_window
    if request.session.testsfailed > failed_before or complaints:
        Path("test-results").mkdir(exist_ok=True)
        for number, page in enumerate(pages):
            page.screenshot(path=f"test-results/{request.node.name}-{number}.png", full_page=True)
    for page in pages:
        page.context.close()
    assert complaints == []
