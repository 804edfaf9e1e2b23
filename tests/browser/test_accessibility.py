"""axe-core on every page, wide in light and narrow in dark colours."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, Page

from media_assets import roles
from tests.browser.conftest import TOKEN
from tests.factories import make_connector, make_operation, make_upload, make_user, team

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1440, "height": 900}


@pytest.fixture
def pages(box: Any, transactional_db: None) -> dict[str, list[str]]:
    """Every kind of page, by the person who looks at it."""
    operation = make_operation(server="0042", token=TOKEN)
    connector = make_connector(operation, connector_id="1266")
    marta = make_user(roles.MARKETING, username="marta", groups=[team()])
    olga = make_user("Owner", username="olga")
    uploads = [
        make_upload(connector, by=marta, status=status, label="Un nombre largo para la campaña")
        for status in ("ready", "failed", "queued", "sending", "cancelled")
    ]
    own = ["/", "/uploads/new/", "/handles/", "/history/", "/history/figures/"]
    own += ["/account/password/", "/nowhere/"]
    own += [upload.get_absolute_url() for upload in uploads]
    own += [upload.batch.get_absolute_url() for upload in uploads]
    own.append(reverse("cancel_batch", args=[uploads[2].batch.code]))
    models = ("media_assets/operation", "media_assets/connector", "media_assets/auditevent")
    admin = [f"/admin/{model}/" for model in (*models, "auth/user", "auth/group")]
    admin += [
        "/admin/",
        "/admin/media_assets/operation/add/",
        f"/admin/media_assets/operation/{operation.pk}/change/",
        f"/admin/media_assets/connector/{connector.pk}/change/",
        f"/admin/auth/user/{olga.pk}/change/",
    ]
    return {"marta": own, "olga": ["/", "/history/", *admin]}


def test_no_page_makes_the_browser_complain(
    sign_in: Callable[..., Page], pages: dict[str, list[str]]
) -> None:
    for username, paths in pages.items():
        page = sign_in(username)
        for path in paths:
            page.goto(path, wait_until="networkidle")


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", NARROW)], ids=["light wide", "dark narrow"]
)
def test_no_page_has_a_serious_issue_or_scrolls_sideways(
    scheme: str,
    viewport: dict[str, int],
    sign_in: Callable[..., Page],
    pages: dict[str, list[str]],
) -> None:
    problems = {}
    for username, paths in pages.items():
        look = {"color_scheme": scheme, "viewport": viewport, "locale": "es-CO"}
        page = sign_in(username, strict=False, **look)  # axe itself meets the strict CSP
        for path in paths:
            page.goto(path)
            found = serious_issues(page)
            # the stock admin's tables may scroll within the page, ours may not
            if not path.startswith("/admin/") and sideways(page, width=viewport["width"]):
                found.append("scrolls sideways")
            if found:
                problems[f"{username} {path}"] = found
    assert problems == {}


def test_the_sign_in_page_has_no_serious_issue(browser: Browser, live_server: Any) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(f"{live_server.url}/account/sign-in/")
        assert serious_issues(page) == []


def serious_issues(page: Page) -> list[str]:
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


def sideways(page: Page, *, width: int) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") > width)
