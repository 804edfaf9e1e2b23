"""/uploads/<code>/: the state in words, everything to copy, and who may retry or renew."""

import html
import json
import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_assets import submission
from media_assets.models import Attempt, AuditEvent, Operation, Outcome, PauseReason, Status, Upload
from media_assets.models.clock import now_in_database
from media_assets.views.snippet_words import SNIPPETS
from tests.factories import make_connector, make_handle, make_operation, make_upload

ENGLISH = {"accept-language": "en"}
POSTED = ["retry", "renew", "copied"]


@pytest.fixture
def connector(db):
    return make_connector(make_operation(token="a" * 52, name="Tienda Andina"), name="Ventas")


@pytest.fixture
def marta(client_for, marketing):
    return client_for(marketing)


def address(name, upload):
    return reverse(name, args=[upload.code])


def show(browser, upload):
    return browser.get(address("upload", upload), headers=ENGLISH)


def text_of(response):
    return html.unescape(response.content.decode())


def blocks_in(response):
    """Every JSON block of the page by its id, read as a browser does."""
    pattern = r'<script id="source-([^"]+)" type="application/json">(.*?)</script>'
    found = re.findall(pattern, response.content.decode(), re.DOTALL)
    return {name: json.loads(text) for name, text in found}


@pytest.mark.parametrize("name", ["upload", "upload_progress"])
def test_an_upload_of_another_groups_connector_does_not_exist(
    client_for, stranger, connector, name
):
    assert client_for(stranger).get(address(name, make_upload(connector))).status_code == 404


@pytest.mark.parametrize("name", POSTED)
def test_who_may_not_see_an_upload_cannot_touch_it(client_for, stranger, connector, name):
    status = Status.FAILED if name == "retry" else Status.READY
    upload = make_upload(connector, status=status)
    response = client_for(stranger).post(address(name, upload), {"snippet": "handle"})
    assert response.status_code == 404
    assert Upload.objects.count() == 1
    assert AuditEvent.objects.get().action == "access.refused"


@pytest.mark.parametrize("who", ["supervisor", "connector_admin"])
@pytest.mark.parametrize(("name", "status"), [("retry", Status.FAILED), ("renew", Status.READY)])
def test_who_only_reads_sees_no_buttons_and_cannot_use_them(
    request, client_for, connector, who, name, status
):
    upload = make_upload(connector, status=status)
    browser = client_for(request.getfixturevalue(who))
    page = show(browser, upload)
    assert page.status_code == 200
    assert address(name, upload) not in text_of(page)
    assert browser.post(address(name, upload)).status_code == 404
    assert Upload.objects.get().status == status


@pytest.mark.parametrize("name", POSTED)
def test_what_changes_something_cannot_be_reached_by_a_link(marta, connector, name):
    assert marta.get(address(name, make_upload(connector))).status_code == 405


@pytest.mark.parametrize("name", ["upload", "upload_progress", *POSTED])
def test_nobody_is_let_in_without_signing_in(client, connector, name):
    response = client.get(address(name, make_upload(connector)))
    assert response.headers["location"].startswith(reverse("login"))


def test_an_upload_that_is_not_there_is_answered_alike(marta):
    assert marta.get(reverse("upload", args=[uuid.uuid4()])).status_code == 404


def test_a_connector_that_was_disabled_can_be_read_but_not_used(marta, connector):
    upload = make_upload(connector)
    connector.is_active = False
    connector.save()
    assert show(marta, upload).status_code == 200
    assert marta.post(address("renew", upload)).status_code == 404


def test_a_ready_upload_offers_every_snippet_with_the_handle_in_it(marta, connector):
    upload = make_upload(connector)

    response = show(marta, upload)

    blocks = blocks_in(response)
    assert set(blocks) == set(SNIPPETS) - {"first_line"}
    assert blocks["handle"] == upload.handle
    assert blocks["public_url"] == upload.file_url
    template = json.loads(blocks["create_template"])
    assert template["connector_id"] == connector.connector_id
    assert template["components"][0]["example"]["header_handle"] == upload.handle
    page = text_of(response)
    for name in blocks:
        assert f'data-copied-snippet="{name}"' in page
        assert f'data-copy-select="text-{name}"' in page
        assert f'id="text-{name}"' in page
    assert "only the sample that Meta reviews" in page


def test_a_handle_of_several_lines_is_said_to_belong_together(marta, connector):
    upload = make_upload(connector, handle="4::one\n4::two\n4::three")
    response = show(marta, upload)
    assert blocks_in(response)["first_line"] == "4::one"
    assert "This handle has 3 lines. They belong together" in text_of(response)


@given(
    handle=st.text(min_size=1, max_size=80).filter(
        lambda text: "\0" not in text and not text.strip().lower().startswith("http")
    )
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_handle_reaches_the_copy_button_byte_for_byte(marta, connector, marketing, handle):
    upload = make_upload(connector, marketing, handle=handle)
    blocks = blocks_in(show(marta, upload))
    assert blocks["handle"] == handle
    header = json.loads(blocks["create_template"])["components"][0]
    assert header["example"]["header_handle"] == handle


def test_the_page_names_the_connector_that_the_handle_belongs_to(marta, connector):
    page = text_of(show(marta, make_upload(connector)))
    assert str(connector) in page
    assert "Tienda Andina" in page
    assert "The handle belongs to this connector." in page


def test_what_can_be_read_of_the_handle_is_among_the_details(marta, connector):
    page = text_of(show(marta, make_upload(connector, handle=make_handle(mime_type="image/png"))))
    assert "Type: image/png" in page
    assert "Meta app: 634974688087057" in page
    opaque = make_upload(connector, handle="opaque", handle_expires_at=None)
    assert "What the handle says" not in text_of(show(marta, opaque))


def test_an_expired_handle_says_what_to_do(marta, connector):
    upload = make_upload(connector, created_at=timezone.now() - timedelta(days=9))
    page = text_of(show(marta, upload))
    assert "By our estimate the handle has expired." in page
    assert address("renew", upload) in page


def test_a_failed_upload_shows_why_in_full_and_what_to_do(marta, connector):
    said = "<script>alert(1)</script>\nsegunda línea " + "x" * 500
    upload = make_upload(connector, status=Status.FAILED, vendor_message=said)

    response = show(marta, upload)

    assert "<script>alert" not in response.content.decode()
    assert html.escape(said) in response.content.decode()
    assert "wolkvox refused the file." in text_of(response)
    assert "Read what wolkvox says" in text_of(response)
    assert blocks_in(response) == {}


def test_a_waiting_upload_says_when_and_why(marta, connector):
    due_at = timezone.now() + timedelta(minutes=3)
    upload = make_upload(connector, status=Status.QUEUED, last_outcome=Outcome.BUSY, due_at=due_at)
    page = text_of(show(marta, upload))
    assert f"Tried again at {timezone.localtime(due_at):%H:%M}." in page
    assert "there is nothing to do" in page


def test_a_paused_operation_and_a_disabled_connector_are_named_as_the_reason(marta, connector):
    upload = make_upload(connector, status=Status.QUEUED)
    operations = type(connector.operation).objects.filter(pk=connector.operation_id)
    operations.pause(PauseReason.QUOTA, until=timezone.now() + timedelta(hours=1))
    assert "The daily limit of the token is used up" in text_of(show(marta, upload))
    type(connector).objects.filter(pk=connector.pk).update(is_active=False)
    assert "The connector is disabled." in text_of(show(marta, upload))


def test_every_attempt_is_listed_the_interrupted_one_too(marta, connector):
    upload = make_upload(connector, attempt_count=3)
    began = timezone.now() - timedelta(minutes=5)
    values = {"upload": upload, "started_at": began, "finished_at": began + timedelta(seconds=2.5)}
    Attempt.objects.create(number=1, outcome=Outcome.INTERRUPTED, **values)
    Attempt.objects.create(
        number=2,
        outcome=Outcome.UNCLEAR,
        http_status=502,
        vendor_code="E-17",
        message="<b>Bad gateway</b>",
        late_handle="4::late",
        **values,
    )
    Attempt.objects.create(number=3, upload=upload, started_at=began)

    response = show(marta, upload)

    page = text_of(response)
    for shown in ("Interrupted", "502", "E-17", "4::late", "2.5", "In progress"):
        assert shown in page
    assert "&lt;b&gt;Bad gateway&lt;/b&gt;" in response.content.decode()


def test_an_unfinished_page_asks_again_and_is_answered_only_when_something_changed(
    marta, connector
):
    upload = make_upload(connector, status=Status.QUEUED)
    asks = re.search(r'hx-get="([^"]+)"', show(marta, upload).content.decode())
    assert asks
    assert marta.get(asks[1], headers=ENGLISH).status_code == 204

    Upload.objects.filter(pk=upload.pk).update(
        status=Status.READY, handle="4::new", changed_at=timezone.now()
    )

    answer = marta.get(asks[1], headers=ENGLISH)
    assert answer.status_code == 200
    assert blocks_in(answer)["handle"] == "4::new"
    assert "hx-trigger" not in text_of(answer)
    assert re.search(r"<title>\s*Ready", text_of(answer))


def test_a_pause_that_begins_meanwhile_is_shown(marta, connector):
    upload = make_upload(connector, status=Status.QUEUED)
    asks = re.search(r'hx-get="([^"]+)"', show(marta, upload).content.decode())
    assert asks
    operations = type(connector.operation).objects.filter(pk=connector.operation_id)
    operations.pause(PauseReason.TOKEN, until=None)
    assert "wolkvox refused the token" in text_of(marta.get(asks[1], headers=ENGLISH))


def test_a_failed_upload_is_queued_again_once(marta, marketing, connector):
    upload = make_upload(connector, status=Status.FAILED)

    response = marta.post(address("retry", upload), REMOTE_ADDR="192.0.2.7")
    marta.post(address("retry", upload))

    assert (response.status_code, response.headers["location"]) == (303, upload.get_absolute_url())
    upload.refresh_from_db()
    assert upload.status == Status.QUEUED
    event = AuditEvent.objects.get(action="upload.retried")
    assert (event.actor_name, event.address) == (marketing.username, "192.0.2.7")


def test_who_retries_from_the_batch_stays_there(marta, connector):
    upload = make_upload(connector, status=Status.FAILED)
    response = marta.post(address("retry", upload), {"to_batch": "1"})
    assert response.headers["location"] == upload.batch.get_absolute_url()


def test_retrying_what_is_ready_changes_nothing(marta, connector):
    upload = make_upload(connector)
    assert marta.post(address("retry", upload)).status_code == 303
    upload.refresh_from_db()
    assert upload.status == Status.READY
    assert not AuditEvent.objects.exists()


def test_renewing_makes_another_upload_and_both_know_each_other(marta, connector):
    upload = make_upload(connector, label="Julio")

    response = marta.post(address("renew", upload))
    again = marta.post(address("renew", upload))

    renewal = Upload.objects.exclude(pk=upload.pk).get()
    assert response.headers["location"] == again.headers["location"] == renewal.get_absolute_url()
    assert (renewal.renews, renewal.label, renewal.status) == (upload, "Julio", Status.QUEUED)
    assert renewal.get_absolute_url() in text_of(show(marta, upload))
    assert upload.get_absolute_url() in text_of(show(marta, renewal))


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.FAILED])
def test_only_what_is_ready_can_be_renewed(marta, connector, status):
    upload = make_upload(connector, status=status)
    assert marta.post(address("renew", upload)).status_code == 404
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("who", ["marketing", "supervisor", "connector_admin", "owner"])
@pytest.mark.parametrize("snippet", sorted(SNIPPETS))
def test_copying_is_recorded_for_everybody_who_may_see_it(
    request, client_for, connector, who, snippet
):
    upload = make_upload(connector)
    person = request.getfixturevalue(who)
    response = client_for(person).post(address("copied", upload), {"snippet": snippet})
    assert (response.status_code, response.content) == (204, b"")
    event = AuditEvent.objects.get(action="handle.copied")
    assert (event.actor_name, event.data) == (person.username, {"snippet": snippet})


@pytest.mark.parametrize("snippet", ["", "anything", "<script>", "handle\0"])
def test_other_names_of_snippets_are_refused(marta, connector, snippet):
    response = marta.post(address("copied", make_upload(connector)), {"snippet": snippet})
    assert response.status_code == 400
    assert not AuditEvent.objects.exists()


def test_what_has_no_handle_cannot_have_been_copied(marta, connector):
    upload = make_upload(connector, status=Status.FAILED)
    assert marta.post(address("copied", upload), {"snippet": "handle"}).status_code == 400


def test_a_page_costs_a_fixed_number_of_queries(marta, connector, django_assert_max_num_queries):
    upload = make_upload(connector)
    for number in range(1, 20):
        Attempt.objects.create(upload=upload, number=number, started_at=timezone.now())
        make_upload(connector, renews=upload)
    with django_assert_max_num_queries(14):
        show(marta, upload)


def test_an_operation_with_a_damaged_server_still_shows_its_handles(marta, connector):
    ready = make_upload(connector)
    Operation.objects.update(server="@e.t")

    response = marta.get(ready.get_absolute_url())

    assert response.status_code == 200
    names = {panel.name for panel in response.context["main"] + response.context["panels"]}
    assert {"handle", "meta"} <= names
    assert not names & {"curl", "python"}


def test_what_is_purged_between_the_page_and_the_button_is_not_found(marta, connector, monkeypatch):
    upload = make_upload(connector)

    def purged_meanwhile(*_args, **_named):
        raise Upload.DoesNotExist

    monkeypatch.setattr(submission, "renew", purged_meanwhile)

    assert marta.post(address("renew", upload)).status_code == 404


def test_the_page_of_a_renewal_says_who_asked_for_it(marta, marketing, connector):
    upload = make_upload(connector)
    one = submission.renew(upload, by=marketing)
    page = show(marta, one).content.decode()
    assert page.count("Renewed a handle") == 1

    Upload.objects.filter(pk=one.pk).update(status=Status.FAILED, finished_at=timezone.now())
    chosen = Upload.objects.filter(pk=upload.pk)
    submission.renew_each(chosen, by=marketing, asked_at=now_in_database())
    page = show(marta, upload.renewals.queued().get()).content.decode()
    assert page.count("Renewed a handle") == 1
