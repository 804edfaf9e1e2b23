"""The audit list's page, its filters, and the events on an upload's own page."""

import html
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from media_assets import paging, roles
from media_assets.audit_filters import AuditFilters
from media_assets.models import AuditEvent, Chain, Status
from media_assets.views import events as telling
from tests.factories import make_batch, make_connector, make_operation, make_upload, make_user, team

pytestmark = pytest.mark.django_db
AUDIT = "/audit/"
TABLE = "media_assets_auditevent"


@pytest.fixture
def sofia(client_for, supervisor):
    return client_for(supervisor)


def record(action="person.signed_in", *, by=None, on=None, days_ago=0, **data):
    """An event, also one of an earlier day."""
    if not days_ago:
        return AuditEvent.objects.record(action, by=by, on=on, **data)
    at = timezone.now() - timedelta(days=days_ago)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuditEvent._meta.get_field("created_at"), "_get_default", lambda: at)
        return AuditEvent.objects.record(action, by=by, on=on, **data)


def shown(client, query=""):
    """The actions on the first page, newest first."""
    response = client.get(f"{AUDIT}?{query}")
    return [row.event.action for row in response.context["rows"]]


def text(client, url):
    return html.unescape(client.get(url).content.decode())


@pytest.mark.parametrize("role", [roles.MARKETING, roles.CONNECTOR_ADMIN, None])
def test_who_may_not_read_it_finds_no_such_page_and_no_way_to_it(role, client_for):
    client = client_for(make_user(role, groups=[team()]))

    assert client.get(AUDIT).status_code == 404
    assert f'href="{AUDIT}"' not in text(client, "/")


def test_supervisors_and_owners_read_it_and_have_it_in_the_navigation(client_for, owner, sofia):
    for client in (client_for(owner), sofia):
        assert client.get(AUDIT).status_code == 200
        assert f'href="{AUDIT}"' in text(client, "/")


def test_nobody_signed_in_is_asked_who_they_are(client):
    assert client.get(AUDIT).url.startswith(reverse("login"))


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_only_read(sofia, method):
    assert getattr(sofia, method)(AUDIT).status_code == 405


def test_an_event_is_told_in_words_with_its_code_its_data_and_its_address(sofia, owner):
    upload = make_upload(label="Promo <julio>")
    record("handle.copied", by=owner, on=upload, address="192.0.2.7", snippet="curl")

    page = sofia.get(AUDIT).content.decode()

    for part in ("Copied a handle", "handle.copied", "cURL command", "192.0.2.7", owner.username):
        assert part in page
    assert "Promo &lt;julio&gt;" in page
    assert f'href="{upload.get_absolute_url()}"' in page
    assert "&quot;snippet&quot;: &quot;curl&quot;" in page


def test_without_any_event_it_says_so(sofia):
    assert "Nothing is recorded yet" in text(sofia, AUDIT)


def test_links_lead_to_what_is_there_and_may_be_seen(sofia, client_for, owner, supervisor):
    upload, group = make_upload(), Group.objects.create(name="Chile")
    gone = make_connector(name="Antiguo")
    for target in (upload, upload.batch, upload.operation, upload.connector, owner, group, gone):
        record("batch.submitted", by=owner, on=target)
    gone.delete()

    pages = {
        upload.get_absolute_url(),
        upload.batch.get_absolute_url(),
        f"/admin/media_assets/operation/{upload.operation_id}/change/",
        f"/admin/media_assets/connector/{upload.connector_id}/change/",
    }
    people = {f"/admin/auth/user/{owner.pk}/change/", f"/admin/auth/group/{group.pk}/change/"}
    seen = {row.url for row in sofia.get(AUDIT).context["rows"]}
    assert seen == pages | {""}
    client = client_for(owner)
    seen = {row.url for row in client.get(AUDIT).context["rows"]}
    assert seen == pages | people | {""}
    for url in pages | people:
        assert client.get(url).status_code == 200
    assert "Antiguo" in text(sofia, AUDIT)


@pytest.mark.parametrize("kind", ["batch", "operation", "upload", "user"])
def test_an_event_with_a_code_that_is_none_does_not_break_the_page(client_for, owner, kind):
    event = record("person.signed_in", by=owner, on=owner)
    columns = "created_at, actor_id, actor_name, action, object_label, data, lane, digest"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({columns}, object_type, object_code, number) "
            f"SELECT {columns}, '{kind}', 'x''1', 99 FROM {TABLE} WHERE id = {event.pk}"
        )

    assert client_for(owner).get(AUDIT).status_code == 200


def test_a_removed_persons_name_stays_and_can_be_filtered_by(sofia):
    person = make_user(roles.SUPERVISOR, username="renata")
    record("person.signed_in", by=person, on=person)
    person.delete()

    assert shown(sofia, "person=renata") == ["person.signed_in"]
    assert "renata" in text(sofia, AUDIT)


def test_filters_by_person_action_subject_and_day(sofia, owner, supervisor):
    upload = make_upload()
    record("upload.ready", on=upload)
    record("upload.failed", on=upload)
    record("person.signed_in", by=owner, on=owner, days_ago=3)
    record("person.signed_in", by=supervisor, on=supervisor)
    today = timezone.localdate()

    assert shown(sofia, "person=worker") == ["upload.failed", "upload.ready"]
    assert shown(sofia, f"person={owner.username}") == ["person.signed_in"]
    assert shown(sofia, "action=upload.ready") == ["upload.ready"]
    assert shown(sofia, "action=upload") == ["upload.failed", "upload.ready"]
    assert shown(sofia, "action=operation") == []
    assert len(shown(sofia, f"since={today}")) == 3
    assert len(shown(sofia, f"until={today - timedelta(days=2)}")) == 1
    assert len(shown(sofia, "period=today")) == 3
    assert shown(sofia, f"action=person&person={owner.username}&until={today}") == [
        "person.signed_in"
    ]


@pytest.mark.parametrize("query", ["person=nobody", "action=upload.unheard", "since=yesterday"])
def test_a_value_that_does_not_exist_shows_nothing(sofia, query):
    record()

    assert shown(sofia, query) == []


def test_a_search_finds_people_names_from_their_beginning_and_codes(sofia, owner):
    person = make_user(roles.SUPERVISOR, username="martínez")
    upload = make_upload(label="Promoción de julio")
    batch = make_batch()
    record("upload.ready", on=upload)
    record("person.signed_in", by=person, on=person)
    record("batch.submitted", by=owner, on=batch)

    assert shown(sofia, "q=TINEZ") == ["person.signed_in"]
    assert shown(sofia, "q=promoción de") == ["upload.ready"]
    assert shown(sofia, f"q={str(upload.code).upper()}") == ["upload.ready"]
    assert shown(sofia, f"q={batch.code}") == ["batch.submitted"]
    assert shown(sofia, "q=nothing like it") == []
    assert shown(sofia, "q=%") == []
    assert shown(sofia, "q=\0") == []


def test_active_filters_are_chips_that_can_be_taken_away(sofia, owner):
    record("person.signed_in", by=owner, on=owner)

    page = text(sofia, f"{AUDIT}?person={owner.username}&action=person")

    assert 'href="?action=person"' in page
    assert f'href="?person={owner.username}"' in page
    assert "People and signing in" in page


def test_pages_go_on_by_keys_and_keep_the_filters(sofia, owner, monkeypatch):
    monkeypatch.setattr(paging, "page_of", _small(paging.page_of))
    for number in range(5):
        record("history.exported", by=owner, rows=number)
        record("person.signed_in", by=owner, on=owner)

    first = sofia.get(f"{AUDIT}?action=history")
    assert [row.event.data["rows"] for row in first.context["rows"]] == [4, 3]
    after = first.context["page"].next
    second = sofia.get(f"{AUDIT}?action=history&after={after}")
    assert [row.event.data["rows"] for row in second.context["rows"]] == [2, 1]
    last = sofia.get(f"{AUDIT}?action=history&last=1")
    assert [row.event.data["rows"] for row in last.context["rows"]] == [1, 0]
    assert "action=history" in text(sofia, f"{AUDIT}?action=history&after={after}")


def _small(page_of):
    return lambda *args, **kwargs: page_of(*args, size=2, **kwargs)


def test_the_rows_for_exports_are_those_of_the_list(rf, supervisor, owner):
    upload = make_upload(label="Promo")
    record("upload.ready", on=upload)
    record("person.signed_in", by=owner, on=owner)
    request = rf.get(AUDIT, {"q": "promo", "action": "upload"})
    request.user = supervisor

    filters = AuditFilters(request.GET, queryset=AuditEvent.objects.all(), request=request)

    assert [event.action for event in filters.rows.newest_first()] == ["upload.ready"]
    assert filters.active == {"q": "promo", "action": "upload"}
    assert filters.query == "q=promo&action=upload"


@pytest.mark.parametrize("number", [1, 8])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    number, sofia, django_assert_max_num_queries
):
    for _ in range(number):
        record("upload.ready", on=make_upload())

    with django_assert_max_num_queries(12):
        sofia.get(AUDIT)


QUERIES = [
    "",
    "person=worker",
    "action=upload.ready",
    "action=upload",
    "q=promo",
    "q=marta",
    "person=worker&action=upload.ready&since=2026-01-01",
    "last=1",
]


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_of_the_list_reads_the_whole_table(query, sofia, owner):
    uploads = [make_upload(label=f"Promo {number}") for number in range(3)]
    for number in range(400):
        AuditEvent.objects.record_each("upload.ready", by=None, on=uploads)
        record("person.signed_in", by=owner, on=owner, n=number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as captured:
        sofia.get(f"{AUDIT}?{query}")

    asked = [each["sql"] for each in captured.captured_queries if TABLE in each["sql"]]
    assert asked
    for sql in asked:
        assert not _scans(sql), sql


def _scans(sql):
    """Steps of the plan that read the table; PostgreSQL is asked whether it can do without."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps = [row[3] for row in cursor.fetchall()]
            return [
                step for step in steps if step.startswith(f"SCAN {TABLE}") and "USING" not in step
            ]
        cursor.execute("SET LOCAL enable_seqscan = off")  # the rows of a test fit into one page
        cursor.execute(f"EXPLAIN {sql}")
        return [row[0] for row in cursor.fetchall() if f"Seq Scan on {TABLE}" in row[0]]


# On an upload's page


def test_everybody_who_sees_an_upload_reads_there_who_copied_it_and_when(
    client_for, marketing, owner
):
    upload = make_upload(make_connector())
    record("handle.copied", by=owner, on=upload, snippet="header_handle", address="192.0.2.9")

    page = text(client_for(marketing), upload.get_absolute_url())

    assert "What happened" in page
    assert owner.username in page
    assert "Copied a handle" in page
    assert "Header with the handle" in page
    assert "192.0.2.9" not in page
    assert f"{AUDIT}?q=" not in page


def test_copying_all_handles_of_a_batch_shows_on_each_of_its_uploads(client_for, marketing):
    batch = make_batch(make_connector())
    uploads = [make_upload(batch=batch, status=Status.READY) for _ in range(2)]
    client = client_for(marketing)

    client.post(reverse("batch_copied", args=[batch.code]))

    for upload in uploads:
        assert "Copied all handles of a batch" in text(client, upload.get_absolute_url())


def test_events_of_other_uploads_are_not_shown(client_for, marketing):
    connector = make_connector()
    mine, other = make_upload(connector), make_upload(connector)
    record("upload.interrupted", on=other)

    assert "A call was interrupted" not in text(client_for(marketing), mine.get_absolute_url())


def test_only_the_newest_are_shown_with_the_way_to_all_for_those_who_may(
    sofia, client_for, marketing, monkeypatch
):
    monkeypatch.setattr(telling, "MOST_EVENTS", 2)
    monkeypatch.setattr("media_assets.views.uploads.MOST_EVENTS", 2)
    upload = make_upload(make_connector())
    for action in ("upload.interrupted", "upload.postponed", "upload.ready"):
        record(action, on=upload)

    page = text(sofia, upload.get_absolute_url())
    assert "Received a handle" in page
    assert "A call was interrupted" not in page
    link = f"{AUDIT}?q={upload.code}"
    assert f'href="{link}"' in page
    assert len(shown(sofia, f"q={upload.code}")) == 3
    assert "supervisors can read" in text(client_for(marketing), upload.get_absolute_url())


# Exports and saved views


def test_the_list_is_exported_as_it_is_filtered_and_the_export_is_recorded(sofia, supervisor):
    upload = make_upload(label="=1+1")
    record("upload.ready", on=upload, attempt=1)
    record("person.signed_in", by=supervisor, on=supervisor, address="2001:db8::1")

    lines = _export(sofia, "audit_csv", "?action=upload")
    assert len(lines) == 3
    assert "Received a handle" in lines[1]
    assert "'=1+1" in lines[1]
    assert lines[2] == '"Rows","1"'
    machine = _export(sofia, "audit_csv", "?machine=1&q=" + supervisor.username)
    assert machine[0].startswith('"created_at","person","action"')
    assert '"2001:db8::1"' in "".join(machine)
    response = sofia.get(reverse("audit_xlsx"))
    assert b"".join(response.streaming_content).startswith(b"PK")

    told = AuditEvent.objects.filter(action="audit.exported").order_by("id")
    assert [event.data["rows"] for event in told] == [1, 2, 4]
    assert told[0].data["filters"] == {"action": "upload"}


def _export(client, name, query):
    response = client.get(reverse(name) + query)
    return b"".join(response.streaming_content).decode("utf-8-sig").splitlines()


@pytest.mark.parametrize("role", [roles.MARKETING, roles.CONNECTOR_ADMIN, None])
@pytest.mark.parametrize("name", ["audit_csv", "audit_xlsx"])
def test_who_may_not_read_the_list_does_not_get_it_as_a_file(client_for, role, name):
    client = client_for(make_user(role, groups=[team()]))

    assert client.get(reverse(name)).status_code == 404
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


def test_filters_of_the_list_are_kept_as_a_view_by_those_who_may_read_it(
    sofia, client_for, marketing
):
    record("upload.ready", on=make_upload())
    url = reverse("save_view", args=["audit"])

    sofia.post(url, {"name": "Handles", "query": "action=upload"})
    assert 'href="/audit/?action=upload"' in text(sofia, AUDIT)
    stranger = client_for(marketing)
    assert stranger.post(url, {"name": "x", "query": "action=upload"}).status_code == 404
    assert stranger.get(reverse("saved_views", args=["audit"])).status_code == 404


@pytest.mark.django_db
def test_what_is_recorded_out_of_its_lanes_order_is_not_written():
    operation = make_operation()
    chain = Chain()
    AuditEvent.objects.statements("upload.ready", chain=chain, by=None, on=operation)
    with pytest.raises(RuntimeError), transaction.atomic():
        AuditEvent.objects.record("operation.paused", by=None, on=operation, chain=chain)

    assert not AuditEvent.objects.exists()
