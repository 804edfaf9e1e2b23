"""Chromium finds nothing on any page that the content policy forbids."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page

from media_assets.models import AuditEvent
from tests.permission_matrix import make_world, rows

VIOLATIONS = """
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
"""
WITHOUT_A_PAGE = re.compile(r"\.(csv|xlsx)|/jsi18n/|/autocomplete/|/handle/$|/delete/$|^/static/")
ENOUGH = 150

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def crawl(page: Page, first: list[str]) -> dict[str, list[str]]:
    """Open these addresses and what they link to, and say what was refused on each."""
    refused: dict[str, list[str]] = {}
    waiting, seen = list(first), set()
    while waiting and len(refused) < ENOUGH:
        address = waiting.pop(0)
        if address in seen or WITHOUT_A_PAGE.search(urlsplit(address).path):
            continue
        seen.add(address)
        answer = page.goto(address, wait_until="load")
        if answer is None or answer.status >= 400:
            continue
        page.wait_for_timeout(50)  # for what scripts add
        refused[address] = page.evaluate("window.refused")
        links = page.locator("a[href]").evaluate_all(
            "(links) => links.map((link) => link.getAttribute('href'))"
        )
        for link in links:
            target = urlsplit(urljoin(page.url, link))
            if f"{target.scheme}://{target.netloc}" == origin(page) and target.path not in {
                urlsplit(one).path for one in [*seen, *waiting]
            }:
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    return refused


def origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


def test_an_owner_opens_every_page_and_the_policy_has_nothing_to_refuse(
    sign_in: Callable[..., Page],
):
    people, named, _private = make_world()
    AuditEvent.objects.record("person.signed_in", by=people["owner"], on=people["owner"])
    page = sign_in("olga", strict=False)
    page.add_init_script(VIOLATIONS)
    first = [row.url(named) for row in rows() if row.expected["GET"]["owner"] == "200"]

    refused = crawl(page, first)

    assert {url: found for url, found in refused.items() if found} == {}
    assert len(refused) > 70


def test_a_violation_would_be_seen(sign_in: Callable[..., Page], owner: Any):
    page = sign_in("olga", strict=False)
    page.add_init_script(VIOLATIONS)
    page.goto("/")

    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      const image = document.createElement("img");
      image.src = "https://evil.test/a.png";
      document.body.append(image);
    }""")
    page.wait_for_function("window.refused.length >= 2")

    assert page.evaluate("window.ran") is None
    assert {found.split()[0] for found in page.evaluate("window.refused")} == {
        "script-src-elem",
        "img-src",
    }
