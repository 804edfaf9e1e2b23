"""What the history weighs for a browser that has never seen it."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import sync_playwright

from tools.benchmarks import SIZES, Figure, benchmark, say
from tools.benchmarks.filling import SUPERVISOR
from tools.benchmarks.programs import web
from tools.benchmarks.signing_in import sign_in
from tools.test import BROWSERS

QUIET = 1500  # milliseconds in which nothing more may be asked for


@benchmark(
    Figure(name="history_page_kb", unit="kB", goal=250),
    Figure(name="history_page_requests"),
    runs=5,
    sizes=(max(SIZES),),
)
def page_weight(runs: int) -> Iterator[tuple[float, ...]]:
    """Bytes over the wire of the first page and all it loads, late fragments too, in Chromium.

    Cold: a new profile each time. Compressed as the web server of production compresses; a proxy
    in front of it may compress pages, too, and is not measured. Headers are included.
    """
    client = Client()
    sign_in(client, User.objects.get(username=SUPERVISOR))
    name = settings.SESSION_COOKIE_NAME
    session = client.cookies[name].value
    with web() as (origin, _server), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        for _run in range(runs):
            context = chromium.new_context()
            context.add_cookies([{"name": name, "value": session, "url": origin}])
            yield _weight(context.new_page(), f"{origin}/history/")
            context.close()
        chromium.close()


def _weight(page: Any, url: str) -> tuple[float, float]:
    """Kilobytes and requests."""
    bytes_of: dict[str, float] = {}
    addresses: dict[str, str] = {}
    network = page.context.new_cdp_session(page)
    network.on("Network.requestWillBeSent", lambda event: _note(addresses, event))
    network.on(
        "Network.loadingFinished",
        lambda event: bytes_of.update({event["requestId"]: event["encodedDataLength"]}),
    )
    network.send("Network.enable")
    answer = page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(QUIET)
    if answer is None or answer.status != 200 or not page.url.endswith("/history/"):
        raise RuntimeError(f"{url} was not shown")
    heaviest = sorted(bytes_of.items(), key=lambda item: -item[1])[:6]
    for request, size in heaviest:
        say(f"{size / 1000:7.1f} kB  {addresses.get(request, '?')[len(url) - 9 :][:90]}")
    return sum(bytes_of.values()) / 1000, float(len(bytes_of))


def _note(addresses: dict[str, str], event: Any) -> None:
    addresses[event["requestId"]] = event["request"]["url"]


def _browser() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError("there is no Chromium: install it, or name one in CHROMIUM")
    return found
