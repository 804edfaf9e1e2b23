"""Figures on the pages: which uploads they are of, and what is said about them."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from media_assets import roles
from media_assets.figures import Figures, Shown, Tally, refreshing, words
from media_assets.models import DayFigures, FiguresState, Format, Outcome, Status
from media_assets.search import terms
from tests.factories import make_connector, make_operation, make_upload, make_user, team

DAY = timedelta(days=1)
URL = "/history/figures/"


@pytest.fixture
def shown(supervisor, client_for):
    """What `supervisor` is shown under some filters."""
    client = client_for(supervisor)

    def figures(**params):
        response = client.get(URL, params)
        assert response.status_code == 200
        return response.context["shown"]

    return figures


def test_who_has_not_signed_in_is_sent_to_the_sign_in_page(client, db):
    response = client.get(URL)

    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


def test_figures_are_only_looked_at(supervisor, client_for):
    assert client_for(supervisor).post(URL).status_code == 405


def test_marketing_is_shown_figures_of_the_own_connectors(marketing, client_for):
    make_upload()
    make_upload(make_connector(name="Foreign line", groups=[team("Brazil")]))

    response = client_for(marketing).get(URL)

    assert response.context["shown"].total.uploads == 1
    assert "Foreign line" not in response.content.decode()


def test_a_filter_by_somebody_elses_connector_is_one_that_does_not_exist(marketing, client_for):
    foreign = make_connector(groups=[team("Brazil")])
    make_upload(foreign)

    response = client_for(marketing).get(URL, {"connector": foreign.code})

    assert response.context["shown"].total.uploads == 0


def test_a_person_without_a_role_is_shown_nothing(db, client_for):
    make_upload()

    assert client_for(make_user(None)).get(URL).context["shown"].total.uploads == 0


def test_nobody_has_chosen_days_so_it_is_the_last_30(supervisor, client_for):
    for days in (0, 29, 30):
        make_upload(created_at=timezone.now() - days * DAY)

    response = client_for(supervisor).get(URL)

    assert response.context["shown"].total.uploads == 2
    assert "The last 30 days" in response.content.decode()
    assert len(response.context["shown"].periods) == 30


def test_chosen_days_are_those_of_the_figures(shown):
    today = timezone.localdate()
    for days in (0, 3, 4, 50):
        make_upload(created_at=timezone.now() - days * DAY)

    assert shown(since=today - 4 * DAY, until=today - 3 * DAY).total.uploads == 2
    assert shown(since=today - 4 * DAY).total.uploads == 3
    assert shown(until=today - 4 * DAY).total.uploads == 2
    assert shown(period="7d").total.uploads == 3
    assert shown(since=today - 4 * DAY, until=today - 9 * DAY).total.uploads == 0


@pytest.mark.parametrize("zone", ["America/Bogota", "Asia/Tokyo"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_days_at_the_ends_of_time_are_answered(shown, name, day, zone, settings):
    settings.TIME_ZONE = zone
    make_upload()

    assert shown(**{name: day}).total.uploads in {0, 1}
    assert shown(**{name: day, "q": "promo"}).total.uploads in {0, 1}


@pytest.mark.parametrize(
    "params",
    [
        {"state": "failed"},
        {"format": Format.VIDEO},
        {"person": "ana"},
        {"campaign": "julio"},
        {"q": "needle"},
        {"q": "needle", "state": "failed", "person": "ana"},
    ],
)
def test_every_filter_of_the_history_holds(shown, params):
    ana = make_user(roles.MARKETING, username="ana", groups=[team()])
    make_upload(by=ana, status=Status.FAILED, campaign="Julio", format=Format.VIDEO, label="needle")
    make_upload()

    assert shown(**params).total.uploads == 1


def test_the_filter_by_connector_holds(shown):
    upload = make_upload()
    make_upload()

    assert shown(connector=upload.connector.code).total.uploads == 1


def test_a_filter_that_makes_no_sense_leaves_nothing(shown):
    make_upload()

    assert shown(state="nonsense").total.uploads == 0


def test_a_search_that_finds_too_much_is_left_out_and_the_page_says_so(
    supervisor, client_for, monkeypatch
):
    monkeypatch.setattr(terms, "FEW", 1)
    for label in ("needle", "needle", "other"):
        make_upload(label=label)

    response = client_for(supervisor).get(URL, {"q": "needle"})

    assert response.context["shown"].total.uploads == 3
    assert "The search is left out" in response.content.decode()


def test_what_happened_since_is_in_the_figures_of_the_next_look(shown):
    upload = make_upload(status=Status.QUEUED)
    assert shown().total.others == 1
    FiguresState.objects.update(seen_until=timezone.now() - timedelta(minutes=1))

    upload.set_cancelled(timezone.now())

    assert shown().total.others == 1
    assert DayFigures.objects.get().status == Status.CANCELLED


def test_a_page_says_when_something_is_still_to_be_counted(supervisor, client_for, monkeypatch):
    make_upload()
    monkeypatch.setattr(refreshing, "PAGE_BUDGET", 0)

    html = client_for(supervisor).get(URL).content.decode()

    assert "still being counted" in html


def test_failures_are_ordered_by_how_often_they_happened(shown):
    for outcome in (Outcome.BUSY, Outcome.REFUSED, Outcome.REFUSED):
        make_upload(status=Status.FAILED, last_outcome=outcome)
    make_upload()

    reasons = shown().reasons

    assert [(reason.label, reason.uploads, reason.share) for reason in reasons] == [
        ("wolkvox refused the file", 2, "67%"),
        ("wolkvox is busy or in maintenance", 1, "33%"),
    ]


def test_times_run_from_the_submission_to_the_handle(shown):
    at = timezone.now()
    for seconds in (2, 4, 60):
        make_upload(created_at=at, finished_at=at + timedelta(seconds=seconds))
    make_upload(status=Status.FAILED, created_at=at)

    total = shown().total

    assert total.median == pytest.approx(4, rel=0.1)
    assert total.p95 == pytest.approx(60, rel=0.1)


def test_the_ten_with_the_most_uploads_stand_there_and_the_others_together(shown):
    connector = make_connector()
    for count in range(1, 13):
        person = make_user(roles.MARKETING, username=f"p{count:02}", groups=[team()])
        for _ in range(count):
            make_upload(connector, person)

    people = shown().people

    assert [row.label for row in people[:2]] == ["p12", "p11"]
    assert (people[10].label, people[10].tally.uploads) == ("2 others", 3)
    assert len(people) == 11
    assert [row.tally.uploads for row in shown().connectors] == [78]


def test_a_row_leads_to_the_uploads_it_counts(supervisor, client_for):
    make_upload(campaign="Julio")
    upload = make_upload(campaign="Julio")
    make_upload(upload.connector, created_at=timezone.now() - 60 * DAY, campaign="Julio")
    client = client_for(supervisor)

    html = client.get(URL, {"campaign": "julio"}).content.decode()
    link = re.search(rf'href="(/history/[^"]*{upload.connector.code}[^"]*)"', html)

    assert link
    page = client.get(link[1].replace("&amp;", "&"))
    assert [row.pk for row in page.context["page"]] == [upload.pk]


@pytest.mark.parametrize(
    ("days", "unit", "periods"), [(92, "day", 92), (93, "week", 14), (800, "month", 27)]
)
def test_many_days_are_drawn_as_weeks_and_very_many_as_months(days, unit, periods):
    last = date(2026, 7, 15)
    figures = Figures()
    figures.add_day(last - (days - 1) * DAY, Status.READY, 3)
    figures.add_day(last, Status.FAILED, 2)

    shown = Shown(figures, since=last - (days - 1) * DAY, until=last)

    assert (shown.unit, len(shown.periods)) == (unit, periods)
    assert sum(period.tally.uploads for period in shown.periods) == 5


def test_years_without_any_upload_are_not_drawn():
    figures = Figures()
    figures.add_day(date(2026, 7, 10), Status.READY, 3)

    shown = Shown(figures, since=date(1, 1, 1), until=date(2026, 7, 15))

    assert next(period.short for period in shown.periods) == "10 Jul"


def test_what_charts_draw_stands_in_tables_too(supervisor, client_for):
    make_upload()
    make_upload(status=Status.FAILED)

    html = client_for(supervisor).get(URL).content.decode()

    block = re.search(r'<script id="figures-drawn" type="application/json">(.*?)</script>', html)
    assert block
    drawn = json.loads(block[1])
    assert (drawn["ready"][-1], drawn["failed"][-1]) == (1, 1)
    assert html.count('role="img" aria-labelledby=') == html.count("<canvas") == 2
    assert html.count("<table") == html.count("<caption") == 5


def test_the_history_has_a_link_to_its_figures_for_who_has_no_scripts(supervisor, client_for):
    html = client_for(supervisor).get("/history/", {"state": "failed"}).content.decode()

    assert f'<a href="{URL}?state=failed">' in html
    assert f'hx-get="{URL}?state=failed"' in html


@pytest.mark.parametrize(("params", "beginning"), [({}, "<details"), ({"as": "open"}, "<section")])
def test_other_pages_get_only_the_part_that_they_ask_for(params, beginning, supervisor, client_for):
    response = client_for(supervisor).get(URL, params, headers={"HX-Request": "true"})

    assert response.content.decode().strip().startswith(beginning)
    assert "HX-Request" in response.headers["Vary"]


def test_nothing_to_show_is_said_in_a_sentence(supervisor, client_for):
    html = client_for(supervisor).get(URL).content.decode()

    assert "Nothing that fits was submitted in the last 30 days." in html
    assert "<canvas" not in html


def test_whose_days_begin_elsewhere_is_told(supervisor, client_for, settings):
    settings.TIME_ZONE = "America/Bogota"
    make_upload()

    client = client_for(supervisor)
    sentence = "Days here begin at midnight in America/Bogota."

    client.cookies["time_zone"] = "Asia/Tokyo"
    assert sentence in client.get(URL).content.decode()

    client.cookies["time_zone"] = "America/Lima"  # where they begin at the same time
    assert sentence not in client.get(URL).content.decode()


@pytest.mark.parametrize("connectors", [1, 4])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    connectors, supervisor, client_for, django_assert_max_num_queries
):
    for _ in range(connectors):
        make_upload(make_connector(make_operation()))
    client = client_for(supervisor)
    client.get(URL)

    with django_assert_max_num_queries(20):
        client.get(URL)


@pytest.mark.parametrize(
    ("language", "number", "percent", "time"),
    [
        ("en", "1,204", "96%", "4.2\xa0s"),
        ("es", "1\xa0204", "96\xa0%", "4,2\xa0s"),
        ("pt-br", "1.204", "96%", "4,2\xa0s"),
    ],
)
def test_numbers_are_written_as_the_reader_writes_them(language, number, percent, time):
    with translation.override(language):
        assert words.number(1204) == number
        assert words.percentage(96, 100) == percent
        assert words.duration(4.2) == time


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0%"),
        (0, 5, "0%"),
        (5, 5, "100%"),
        (1, 1000, "<\xa01%"),
        (999, 1000, ">\xa099%"),
        (1, 3, "33%"),
    ],
)
def test_a_little_is_not_none_and_nearly_all_is_not_all(part, whole, text):
    assert words.percentage(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.3, "0.3\xa0s"),
        (42.4, "42\xa0s"),
        (150, "2.5\xa0min"),
        (4000, "67\xa0min"),
        (7200, "2.0\xa0h"),
        (400_000, "4.6\xa0d"),
    ],
)
def test_durations_have_two_digits_and_a_unit(seconds, text):
    assert words.duration(seconds) == text


def test_tallies_add_up():
    both = Tally(ready=1, times=1) + Tally(failed=2, others=3, times=1 << 32)

    assert both == Tally(ready=1, failed=2, others=3, times=1 + (1 << 32))
    assert both.uploads == 6


def test_the_day_is_that_of_the_installation_for_every_reader(settings, supervisor):
    settings.TIME_ZONE = "America/Bogota"
    make_upload(created_at=datetime.now(UTC).replace(hour=3))
    client = Client(headers={"accept-language": "en"})
    client.force_login(supervisor)

    client.cookies["time_zone"] = "Pacific/Kiritimati"
    shown = client.get(URL).context["shown"]

    assert list(shown.figures.days) == [
        timezone.localdate(datetime.now(UTC).replace(hour=3), timezone.get_default_timezone())
    ]
