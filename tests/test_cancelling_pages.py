"""Cancelling on the pages: who may, what is asked and said, and what the figures count."""

import csv
import html
import io
import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_assets import roles
from media_assets.models import AuditEvent, Outcome, Status, Upload
from tests.factories import make_batch, make_connector, make_operation, make_upload, make_user, team

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector():
    return make_connector(make_operation(token="a" * 52, name="Tienda Andina"), name="Ventas")


@pytest.fixture
def batch(connector, marketing):
    return make_batch(connector, marketing)


@pytest.fixture
def colleague():
    """A marketing person of the same group, who has submitted nothing."""
    return make_user(roles.MARKETING, username="carla", groups=[team()])


@pytest.fixture
def marta(client_for, marketing):
    return client_for(marketing)


def one(upload):
    return reverse("cancel", args=[upload.code])


def whole(upload):
    return reverse("cancel_batch", args=[upload.batch.code])


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def said(browser, response):
    """What the page to which a post has led says in its messages."""
    assert response.status_code == 303
    page = text_of(browser.get(response.headers["location"]))
    return re.findall(r'<span class="note-text">(.*?)</span>', page)


MAY = [
    ("marketing", True),
    ("colleague", False),
    ("stranger", False),
    ("supervisor", False),
    ("connector_admin", True),
    ("owner", True),
]


@pytest.mark.parametrize(("who", "may"), MAY)
@pytest.mark.parametrize("address", [one, whole])
def test_who_submitted_it_and_admins_may_cancel(request, client_for, batch, who, may, address):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    browser = client_for(request.getfixturevalue(who))

    response = browser.post(address(upload))

    assert response.status_code == (303 if may else 404)
    upload.refresh_from_db()
    assert upload.status == (Status.CANCELLED if may else Status.QUEUED)
    assert AuditEvent.objects.exclude(action="access.refused").exists() == may


@pytest.mark.parametrize(("who", "may"), MAY)
def test_the_question_is_put_to_those_who_may(request, client_for, batch, who, may):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    browser = client_for(request.getfixturevalue(who))
    assert browser.get(whole(upload)).status_code == (200 if may else 404)


@pytest.mark.parametrize(("who", "may"), MAY)
def test_buttons_are_there_for_those_who_may(request, client_for, batch, who, may):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    browser = client_for(request.getfixturevalue(who))
    if who == "stranger":
        assert browser.get(batch.get_absolute_url()).status_code == 404
        return
    pages = [batch.get_absolute_url(), reverse("batch_progress", args=[batch.code])]
    for page in pages:
        assert (whole(upload) in text_of(browser.get(page))) == may
    pages = [batch.get_absolute_url(), upload.get_absolute_url()]
    pages.append(reverse("upload_progress", args=[upload.code]))
    for page in pages:
        assert (one(upload) in text_of(browser.get(page))) == may


@pytest.mark.parametrize("address", [one, whole])
def test_nobody_is_let_in_without_signing_in(client, batch, address):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    response = client.post(address(upload))
    assert response.headers["location"].startswith(reverse("login"))
    assert Upload.objects.get().status == Status.QUEUED


@pytest.mark.parametrize("address", [one, whole])
def test_another_site_cannot_post_it(batch, marketing, address):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(marketing)
    assert browser.post(address(upload)).status_code == 403


@pytest.mark.parametrize("name", ["cancel", "cancel_batch"])
def test_what_does_not_exist_is_answered_like_what_is_not_permitted(marta, name):
    assert marta.post(reverse(name, args=[uuid.uuid4()])).status_code == 404


def test_a_link_cancels_nothing(marta, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    assert marta.get(one(upload)).status_code == 405
    assert marta.get(whole(upload)).status_code == 200
    assert Upload.objects.get().status == Status.QUEUED


@pytest.mark.parametrize("address", [one, whole])
def test_who_has_left_the_group_may_not_cancel_any_more(marta, marketing, batch, address):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    marketing.groups.remove(team())
    assert marta.post(address(upload)).status_code == 404


def test_one_upload_is_cancelled_and_its_page_says_so(marta, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    asks = re.search(r'hx-get="([^"]+)"', marta.get(upload.get_absolute_url()).content.decode())
    assert asks

    response = marta.post(one(upload), REMOTE_ADDR="192.0.2.7")

    assert response.headers["location"] == upload.get_absolute_url()
    assert said(marta, response) == ["It is cancelled and will not be sent."]
    assert AuditEvent.objects.about(upload).get().address == "192.0.2.7"
    for page in (upload.get_absolute_url(), asks[1]):
        shown = text_of(marta.get(page))
        for words in (
            "Cancelled before it was sent.",
            "By marta,",
            reverse("retry", args=[upload.code]),
        ):
            assert words in shown
        assert "hx-trigger" not in shown
        assert one(upload) not in shown


def test_who_comes_too_late_is_told_so(marta, batch):
    upload = make_upload(batch=batch, status=Status.SENDING)
    message = "It could not be cancelled: it is not waiting any more."
    assert said(marta, marta.post(one(upload))) == [message]


def test_who_cancels_in_the_batch_stays_there(marta, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    response = marta.post(one(upload), {"to_batch": "1"})
    assert response.headers["location"] == batch.get_absolute_url()


def test_the_question_names_the_number_and_the_answer_how_many_it_was(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(3)]
    page = marta.get(whole(uploads[0]))
    assert "Cancel 3 uploads that are waiting?" in text_of(page)
    assert 'name="waiting" value="3"' in text_of(page)
    Upload.objects.filter(pk=uploads[0].pk).update(
        status=Status.SENDING, lease_until=timezone.now() + timedelta(minutes=1)
    )

    response = marta.post(whole(uploads[0]), {"waiting": "3"})

    assert said(marta, response) == [
        "2 uploads are cancelled. 1 could not be cancelled any more: "
        "it was already under way or done."
    ]


@pytest.mark.parametrize("asked", ["", "x", "-1", "9" * 9])
def test_an_invented_number_does_no_harm(marta, batch, asked):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    assert said(marta, marta.post(whole(upload), {"waiting": asked})) == ["1 upload is cancelled."]


def test_when_nothing_waits_any_more_nothing_is_asked(marta, batch):
    upload = make_upload(batch=batch)
    for ask in (marta.get, marta.post):
        page = text_of(marta.get(ask(whole(upload)).headers["location"]))
        assert "Nothing of this batch waits any more." in page


def test_a_page_that_is_open_learns_of_it(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(2)]
    make_upload(batch=batch, status=Status.SENDING)
    page = marta.get(batch.get_absolute_url()).content.decode()
    assert "Cancel what is waiting (2)" in page
    asks = re.search(r'hx-get="([^"]+)"', page)
    assert asks

    marta.post(whole(uploads[0]))

    news = text_of(marta.get(html.unescape(asks[1])))
    assert set(re.findall(r'<li id="upload-([0-9a-f-]+)"', news)) == {
        str(upload.code) for upload in uploads
    }
    assert "2 of 3 finished" in news
    assert "2 cancelled" in news
    assert "Cancel what is waiting" not in news
    assert one(uploads[0]) not in news
    assert reverse("retry", args=[uploads[0].code]) in news
    assert "hx-trigger" in news


@pytest.mark.parametrize(
    ("statuses", "sentence", "title"),
    [
        (["cancelled"], "The upload was cancelled", "Cancelled"),
        (["cancelled"] * 2, "All 2 uploads were cancelled", "Cancelled"),
        (["ready", "cancelled"], "Finished: 1 of 2 handles are ready, 1 cancelled", "Ready"),
        (
            ["ready", "failed", "cancelled"],
            "Finished: 1 of 3 handles are ready, 1 failed, 1 cancelled",
            "1 failed",
        ),
        (
            ["failed", "cancelled"],
            "Finished: 0 of 2 handles are ready, 1 failed, 1 cancelled",
            "1 failed",
        ),
    ],
)
def test_a_finished_batch_counts_them_apart(marta, batch, statuses, sentence, title):
    for status in statuses:
        make_upload(batch=batch, status=status)
    page = text_of(marta.get(batch.get_absolute_url()))
    assert f">{sentence} <" in page
    assert re.search(rf"<title>\s*{title} ·", page)
    assert "hx-trigger" not in page
    assert "state-cancelled" in page


def test_between_two_tries_the_last_result_stays_readable(marta, batch):
    upload = make_upload(batch=batch, status=Status.CANCELLED, last_outcome=Outcome.BUSY)
    sentence = "Cancelled before another try. Last time: wolkvox is busy or in maintenance."
    for page in (upload.get_absolute_url(), batch.get_absolute_url(), reverse("history")):
        assert sentence in text_of(marta.get(page))


def test_the_history_finds_and_exports_them(client_for, supervisor, marketing, connector):
    browser = client_for(supervisor)
    make_upload(connector, marketing, label="sent")
    make_upload(connector, marketing, status=Status.CANCELLED, label="stopped")

    page = browser.get(reverse("history"), {"state": "cancelled"})
    exported = browser.get(reverse("history_csv"), {"state": "cancelled"})

    assert [upload.label for upload in page.context["page"]] == ["stopped"]
    assert "State: <strong>Cancelled</strong>" in text_of(page)
    text = b"".join(exported).decode().removeprefix("\ufeff")
    header, row, *_rest = csv.reader(io.StringIO(text, newline=""))
    assert dict(zip(header, row, strict=True))["State"] == "Cancelled"


def test_a_cancelled_upload_is_no_failure_on_the_overview(marta, batch):
    make_upload(batch=batch, status=Status.CANCELLED)
    context = marta.get(reverse("overview")).context
    assert (context["failed_count"], context["waiting"], list(context["under_way"])) == (0, 0, [])
