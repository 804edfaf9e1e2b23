"""The history: every upload with its result."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from media_assets.models import Outcome, Status
from tests.factories import make_connector, make_upload, make_user, team


@pytest.fixture
def history(supervisor, client_for):
    """The labels on the page that `supervisor` gets for some filters."""
    client = client_for(supervisor)

    def labels(**params):
        response = client.get(reverse("history"), params)
        assert response.status_code == 200
        return sorted(upload.label for upload in response.context["page"])

    return labels


def test_a_supervisor_sees_every_upload_in_every_state(history):
    for status in Status:
        make_upload(status=status, label=status)
    make_upload(make_connector(groups=[team("Brazil")]), label="of Brazil")

    assert history() == ["cancelled", "failed", "of Brazil", "queued", "ready", "sending"]


def test_marketing_sees_the_uploads_of_the_own_connectors(marketing, client_for):
    make_upload(label="of Colombia")
    make_upload(make_connector(groups=[team("Brazil")]), label="of Brazil")

    html = client_for(marketing).get(reverse("history")).content.decode()

    assert "of Colombia" in html
    assert "of Brazil" not in html


def test_a_failure_says_why(supervisor, client_for):
    make_upload(status=Status.FAILED, last_outcome=Outcome.REFUSED, vendor_message="No such file")

    html = client_for(supervisor).get(reverse("history")).content.decode()

    assert "wolkvox refused the file" in html
    assert "No such file" in html


def test_what_is_tried_again_says_when_and_why(supervisor, client_for):
    due_at = timezone.now() + timedelta(days=2)
    make_upload(status=Status.QUEUED, last_outcome=Outcome.BUSY, due_at=due_at)
    make_upload(status=Status.QUEUED, last_outcome=Outcome.UNCLEAR, due_at=_at("2026-03-01 09:30"))

    html = client_for(supervisor).get(reverse("history")).content.decode()

    day = f"{timezone.localtime(due_at):%m/%d/%Y}"
    assert f"Tried again at {day}" in html
    assert "Last time: wolkvox is busy or in maintenance." in html
    assert "Tried again as soon as possible. Last time: No clear answer." in html
    assert "09:30" not in html


def test_filters_narrow_the_list(history):
    person, connector = make_user("Marketing", username="paula"), make_connector()
    make_upload(connector, person, Status.FAILED, label="wanted", campaign="Julio")
    make_upload(label="other")

    assert history(connector=connector.code) == ["wanted"]
    assert history(state="failed") == ["wanted"]
    assert history(person="paula") == ["wanted"]
    assert history(campaign="julio") == ["wanted"]
    assert history(q="want") == ["wanted"]


def test_days_begin_and_end_in_the_persons_zone(history):
    make_upload(label="evening before", created_at=_at("2026-03-01 23:59"))
    make_upload(label="morning", created_at=_at("2026-03-02 00:00"))
    make_upload(label="night", created_at=_at("2026-03-02 23:59"))
    make_upload(label="day after", created_at=_at("2026-03-03 00:00"))

    assert history(since="2026-03-02", until="2026-03-02") == ["morning", "night"]
    assert history(since="2026-03-03") == ["day after"]
    assert history(until="2026-03-01") == ["evening before"]


@pytest.mark.parametrize(
    "params", [{"state": "lost"}, {"person": "nobody"}, {"since": "yesterday"}, {"connector": "1"}]
)
def test_a_filter_that_does_not_exist_finds_nothing(params, history):
    make_upload()

    assert history(**params) == []


@pytest.mark.parametrize(
    "name", ["q", "connector", "campaign", "state", "person", "since", "until"]
)
@pytest.mark.parametrize("page", ["history", "handles", "history_csv"])
def test_a_null_in_a_filter_finds_nothing(name, page, supervisor, client_for):
    make_upload(label="never found")

    response = client_for(supervisor).get(reverse(page), {name: "a\0b"}, follow=True)

    assert response.status_code == 200
    if response.streaming:
        assert "never found" not in b"".join(response.streaming_content).decode()
    elif page != "handles" or name in {"q", "connector", "campaign"}:
        assert "never found" not in response.content.decode()


@pytest.mark.parametrize("page", ["history", "history_csv"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_days_too(page, day, supervisor, client_for):
    make_upload(label="of today")
    late = day.startswith("9")

    response = client_for(supervisor).get(reverse(page), {"until" if late else "since": day})
    found = client_for(supervisor).get(reverse("history"), {"since" if late else "until": day})

    assert response.status_code == found.status_code == 200
    assert "of today" in b"".join(response).decode()
    assert "of today" not in found.content.decode()


def test_only_people_whose_uploads_one_sees_can_be_chosen(marketing, stranger, client_for):
    make_upload(make_connector(), marketing)
    make_upload(make_connector(groups=[team("Brazil")]), stranger)

    response = client_for(marketing).get(reverse("history"))

    people = response.context["filters"].form["person"]
    assert "marta" in str(people)
    assert "saul" not in str(people)


def test_an_empty_history_says_so(supervisor, client_for):
    html = client_for(supervisor).get(reverse("history")).content.decode()

    assert "Nothing has been uploaded yet" in html


@pytest.mark.parametrize("uploads", [1, 6])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    uploads, supervisor, client_for, django_assert_num_queries
):
    client = client_for(supervisor)
    for _ in range(uploads):
        make_upload()

    with django_assert_num_queries(13):  # one asks for the session
        client.get(reverse("history"))


def _at(text: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(text))


def test_the_order_stays_when_filters_change(supervisor, client_for):
    page = client_for(supervisor).get("/history/", {"state": "failed", "sort": "oldest"})

    assert [chip.query for chip in page.context["filters"].chips] == ["?sort=oldest"]
    assert '<input type="hidden" name="sort" value="oldest">' in page.content.decode()


@pytest.mark.parametrize("params", [{"format": "VIDEO"}, {"format": "VIDEO", "sort": "oldest"}])
def test_a_format_that_few_uploads_have_is_found_through_its_index(params, supervisor, client_for):
    client = client_for(supervisor)
    client.get("/history/", params)
    with CaptureQueriesContext(connection) as asked:
        client.get("/history/", params)

    (walk,) = (q["sql"] for q in asked.captured_queries if "LIMIT 51" in q["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # as it would be with many rows
            cursor.execute(f"EXPLAIN {walk}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {walk}")
        plan = str(cursor.fetchall())
    assert "upload_by_format" in plan
