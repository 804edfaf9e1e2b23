"""What a page tells its reader when it is refused something, or gets no answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from media_assets import roles
from media_assets.models import AuditEvent, Connector
from media_assets.models.downloads import Download
from tests.factories import make_connector, make_operation, make_upload, make_user, team

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]


@pytest.fixture
def marta(box: Any) -> User:
    return make_user(roles.MARKETING, username="marta", groups=[team()])


@pytest.fixture
def connector(box: Any) -> Connector:
    return make_connector(make_operation(server="0042"), connector_id="1266")


def test_a_page_that_is_taken_away_while_it_is_looked_at_says_so(
    sign_in: Window, connector: Connector, marta: User
) -> None:
    upload = make_upload(
        connector, by=make_user(roles.MARKETING, username="maria"), status="queued"
    )
    page = sign_in("marta", strict=False)  # the browser complains about the status
    page.goto(upload.get_absolute_url())
    expect(page.get_by_role("heading", level=1)).to_contain_text(upload.file_name)

    connector.groups.clear()

    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    refused = AuditEvent.objects.filter(action="access.refused")
    before = refused.count()
    page.wait_for_timeout(2_500)  # two polls later nothing has asked again
    assert refused.count() == before


def test_a_handle_that_could_not_be_fetched_is_said_not_to_be_copied(
    sign_in: Window, connector: Connector, marta: User
) -> None:
    upload = make_upload(connector, by=marta)
    page = sign_in("marta", strict=False)  # the browser complains about the line
    page.goto("/history/")
    button = page.get_by_role("button", name=f"Copy {upload.full_name}")
    page.context.set_offline(True)
    button.click()
    expect(page.get_by_text("Nothing was copied: it could not be fetched").first).to_be_visible()

    page.context.set_offline(False)
    button.click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    expect(page.locator(".copy-hint")).to_have_count(0)
    assert page.evaluate("navigator.clipboard.readText()") == upload.handle


def test_why_an_export_is_refused_can_be_read(
    sign_in: Window, connector: Connector, settings: Any
) -> None:
    sofia = make_user(roles.SUPERVISOR, username="sofia")
    make_upload(connector)
    settings.LIMIT_EXPORTS = 1
    Download.objects.create(person=sofia)
    page = sign_in("sofia", strict=False)  # the browser complains about the status
    page.goto("/history/")
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("link", name="CSV Begins at once").click()
    expect(page.get_by_text("is still being downloaded")).to_be_visible()
