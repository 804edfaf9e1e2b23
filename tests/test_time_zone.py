"""Days and times are those of the person's own zone, which the browser tells in a cookie."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_upload

LATE = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)  # 21:30 of the day before in Bogota


@pytest.fixture
def client_in(supervisor, client_for):
    """A supervisor's browser in this zone; none has told its zone yet."""

    def opened(zone=None):
        client = client_for(supervisor)
        if zone is not None:
            client.cookies["time_zone"] = zone
        return client

    return opened


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (None, "03/01/2026 21:30"),
        ("America/Bogota", "03/01/2026 21:30"),
        ("America/Sao_Paulo", "03/01/2026 23:30"),
        ("Europe/Madrid", "03/02/2026 03:30"),
        ("Asia/Calcutta", "03/02/2026 08:00"),  # as Chromium still calls it
    ],
)
def test_the_history_shows_times_of_the_persons_zone(zone, shown, client_in):
    make_upload(created_at=LATE)

    html = client_in(zone).get(reverse("history")).content.decode()

    assert f">{shown}</time>" in html


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "America", "UTC\0", "x" * 5000],
)
def test_whatever_is_no_zone_leaves_the_installations(zone, client_in):
    make_upload(created_at=LATE)

    html = client_in(zone).get(reverse("history")).content.decode()

    assert ">03/01/2026 21:30</time>" in html
    assert "Times in America/Bogota" in html


def test_days_in_filters_begin_and_end_in_the_persons_zone(client_in):
    make_upload(created_at=LATE, label="late")
    first, second = {"until": "2026-03-01"}, {"since": "2026-03-02"}

    def labels(zone, params):
        page = client_in(zone).get(reverse("history"), params).context["page"]
        return [upload.label for upload in page]

    assert labels("America/Bogota", first) == ["late"]
    assert labels("America/Bogota", second) == []
    assert labels("Europe/Madrid", first) == []
    assert labels("Europe/Madrid", second) == ["late"]


def test_a_file_is_in_the_zone_that_was_active_when_it_began(client_in):
    make_upload(created_at=LATE)

    response = client_in("Europe/Madrid").get(reverse("history_csv"))

    assert timezone.get_current_timezone_name() == "America/Bogota"
    text = b"".join(response.streaming_content).decode()
    assert "Submitted (Europe/Madrid)" in text
    assert "2026-03-02 03:30:00+01:00" in text
    at = timezone.now().astimezone(ZoneInfo("Europe/Madrid"))
    assert f"history-{at:%Y-%m-%d}" in response.headers["Content-Disposition"]


def test_for_machines_a_file_is_in_utc_wherever_they_are(client_in):
    make_upload(created_at=LATE)

    response = client_in("Europe/Madrid").get(reverse("history_csv"), {"machine": "1"})

    assert b"2026-03-02T02:30:00Z" in b"".join(response.streaming_content)


def test_the_next_request_does_not_inherit_the_zone(client_in, client):
    client_in("Europe/Madrid").get(reverse("history"))

    assert timezone.get_current_timezone_name() == "America/Bogota"
    client.cookies["time_zone"] = "Asia/Tokyo"
    client.get("/no/such/page/")
    assert timezone.get_current_timezone_name() == "America/Bogota"


def test_the_account_menu_says_which_zone_is_used(client_in):
    html = client_in("Europe/Madrid").get(reverse("overview")).content.decode()

    assert "Times in Europe/Madrid" in html


def test_the_administration_follows_too(owner, client_for):
    client = client_for(owner)
    upload = make_upload()
    client.post(reverse("copied", args=[upload.code]), {"snippet": "handle"})
    page = "/admin/media_assets/auditevent/"

    here = timezone.localtime(timezone=ZoneInfo("Pacific/Kiritimati"))
    client.cookies["time_zone"] = "Pacific/Kiritimati"

    assert f"{here:%m/%d/%Y %H:}" in client.get(page).content.decode()


@pytest.mark.parametrize("page", ["/account/sign-in/", "/", "/admin/"])
def test_every_page_asks_the_browser_for_its_zone(page, owner, client, client_for):
    asked = client if page == "/account/sign-in/" else client_for(owner)

    assert "media_assets/time_zone.js" in asked.get(page).content.decode()
