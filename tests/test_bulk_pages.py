"""Several rows of a list at once: who is offered what, what is asked, and what is said."""

import html
import json
import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_assets import roles
from media_assets.models import AuditEvent, Batch, Status, Upload
from media_assets.views import bulk as bulk_view
from tests.factories import make_batch, make_connector, make_upload, make_user, team

pytestmark = pytest.mark.django_db
CHANGES = ["retry", "renew", "cancel", "campaign"]
STATUS_FOR = {"retry": "failed", "renew": "ready", "cancel": "queued", "campaign": "ready"}


@pytest.fixture
def batch(marketing):
    return make_batch(make_connector(name="Ventas"), marketing, campaign="Julio")


@pytest.fixture
def marta(client_for, marketing):
    return client_for(marketing)


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def address(action, *uploads, page="history", **filters):
    """Where the list's form leads for these ticked rows, or for all that fits these filters."""
    ticked = [f"upload={upload.code.hex}" for upload in uploads]
    chosen = ["scope=ticked" if uploads else "scope=all"]
    chosen += ticked + [f"{name}={value}" for name, value in filters.items()]
    name, arguments = ("bulk_copy", [page]) if action == "copy" else ("bulk", [page, action])
    return reverse(name, args=arguments) + "?" + "&".join(chosen)


def answer(browser, url, **more):
    """Press the button of the question at `url`."""
    page = text_of(browser.get(url))
    fields = dict(re.findall(r'<input type="hidden" name="(asked\w*)" value="([^"]*)"', page))
    assert set(fields) == {"asked", "asked_at"}
    return browser.post(url, fields | more)


def said(browser, response):
    """What the page to which a post has led says in its messages."""
    assert response.status_code == 303
    page = text_of(browser.get(response.headers["location"]))
    return re.findall(r'alert note note-\w+">.*?<span class="note-text">(.*?)</span>', page)


# Who is offered what


OFFERED = {
    "marketing": {"retry", "renew", "cancel", "campaign", "copy"},
    "stranger": {"retry", "renew", "cancel", "campaign", "copy"},
    "supervisor": {"copy"},
    "connector_admin": {"cancel", "copy"},
    "owner": {"retry", "renew", "cancel", "campaign", "copy"},
    "nobody": set(),
}


@pytest.fixture
def nobody(db):
    return make_user(None)


@pytest.mark.parametrize("who", OFFERED)
@pytest.mark.parametrize("action", [*CHANGES, "copy"])
def test_what_is_not_for_somebody_is_not_there_for_them(request, client_for, batch, who, action):
    upload = make_upload(batch=batch)
    browser = client_for(request.getfixturevalue(who))

    for url in (address(action), address(action, upload)):
        # to a stranger the list is open, and this upload is not there
        may = action in OFFERED[who] and not (who == "stranger" and url == address(action, upload))
        assert browser.get(url).status_code == (200 if may else 404)
        if action != "copy" and not may:
            assert browser.post(url, {"asked": 1, "asked_at": timezone.now()}).status_code == 404


@pytest.mark.parametrize("who", OFFERED)
def test_buttons_are_there_for_those_who_may(request, client_for, batch, who):
    make_upload(batch=batch)
    make_upload(make_connector(groups=[team("Brazil")]))
    browser = client_for(request.getfixturevalue(who))
    lists = {"history": OFFERED[who], "handles": OFFERED[who] - {"retry", "cancel"}}
    for page, offered in lists.items():
        shown = text_of(browser.get(reverse(page)))
        assert set(re.findall(rf'formaction="/bulk/{page}/(\w+)/"', shown)) == offered


@pytest.mark.parametrize(("who", "rows"), [("marketing", 4), ("supervisor", 0), ("owner", 4)])
def test_a_rows_buttons_fit_its_state_and_the_person(request, client_for, batch, who, rows):
    uploads = {status.value: make_upload(batch=batch, status=status) for status in Status}
    page = text_of(client_for(request.getfixturevalue(who)).get(reverse("history")))
    wanted = [("renew", "ready"), ("cancel", "queued"), ("retry", "failed"), ("retry", "cancelled")]
    shown = re.findall(r'form="one" formaction="([^"]+)"', page)
    expected = {reverse(name, args=[uploads[status].code]) for name, status in wanted}
    assert set(shown) == (expected if rows else set())
    assert len(shown) == rows
    assert reverse("copied", args=[uploads["ready"].code]) in page


def test_a_colleague_is_not_offered_to_cancel(client_for, batch):
    upload = make_upload(batch=batch, status=Status.QUEUED)
    carla = make_user(roles.MARKETING, username="carla", groups=[team()])
    page = text_of(client_for(carla).get(reverse("history")))
    assert str(upload.code) in page
    assert reverse("cancel", args=[upload.code]) not in page


def test_a_rows_button_leads_back_to_the_list_as_it_was(marta, batch):
    upload = make_upload(batch=batch, status=Status.FAILED)
    here = reverse("history") + "?state=failed&sort=oldest"
    page = text_of(marta.get(here))
    assert f'<input type="hidden" name="back" value="{here}">' in page

    response = marta.post(reverse("retry", args=[upload.code]), {"back": here})

    assert (response.status_code, response.headers["location"]) == (303, here)
    assert said(marta, response) == ["It is in the queue again."]


@pytest.mark.parametrize("back", ["//evil.test/", "https://evil.test/", "/\\evil.test", "evil", ""])
def test_a_form_leads_to_no_other_site(marta, batch, back):
    upload = make_upload(batch=batch, status=Status.FAILED)
    response = marta.post(reverse("retry", args=[upload.code]), {"back": back})
    assert response.headers["location"] == upload.get_absolute_url()


@pytest.mark.parametrize("action", [*CHANGES, "copy"])
def test_nobody_is_let_in_without_signing_in(client, batch, action):
    url = address(action, make_upload(batch=batch))
    assert client.get(url).headers["location"].startswith(reverse("login"))


def test_another_site_cannot_post_it(batch, marketing):
    upload = make_upload(batch=batch, status=Status.FAILED)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(marketing)
    assert browser.post(address("retry", upload)).status_code == 403
    assert browser.post(reverse("bulk_copied")).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/bulk/history/explode/", "/bulk/audit/retry/", "/bulk/handles/retry/", "/bulk/x/copy/"],
)
def test_what_does_not_exist_is_answered_like_what_is_not_permitted(marta, path):
    assert marta.get(path, {"scope": "all"}).status_code == 404


# The question


@pytest.mark.parametrize(
    ("action", "title"),
    [
        ("retry", "Retry 2 uploads?"),
        ("renew", "Renew 2 handles?"),
        ("cancel", "Cancel 2 uploads that are waiting?"),
        ("campaign", "Set the campaign of 2 uploads?"),
    ],
)
def test_the_question_names_the_number_and_the_files(marta, batch, action, title):
    uploads = [make_upload(batch=batch, status=STATUS_FOR[action], label=label) for label in "ab"]
    page = text_of(marta.get(address(action, *uploads)))
    assert f">{title}<" in page
    assert uploads[0].full_name in page


def test_a_question_changes_nothing(marta, batch):
    upload = make_upload(batch=batch, status=Status.FAILED)
    marta.get(address("retry", upload))
    marta.get(address("retry"))
    assert Upload.objects.get().status == Status.FAILED
    assert not AuditEvent.objects.exists()


def test_it_says_for_how_many_it_cannot_be_done_and_why(marta, batch):
    uploads = [make_upload(batch=batch, status=status) for status in Status]
    disabled = make_connector(is_active=False)
    uploads.append(make_upload(disabled, status=Status.FAILED))

    page = text_of(marta.get(address("retry", *uploads)))

    assert ">Retry 2 uploads?<" in page
    reasons = re.findall(r"<li>(1 [^<]+)</li>", page)
    assert set(reasons) == {
        "1 is ready",
        "1 is waiting to be sent",
        "1 is being sent just now",
        "1 belongs to a connector that you cannot use or that is disabled",
    }


def test_of_a_colleagues_it_says_that_they_are_somebody_elses(marta, batch):
    upload = make_upload(make_connector(), status=Status.QUEUED)
    page = text_of(marta.get(address("cancel", upload)))
    assert "There is nothing to do" in page
    assert "1 was submitted by somebody else" in page
    assert '<button class="btn btn-primary' not in page


def test_what_others_have_is_silently_not_among_the_chosen(marta, batch):
    own = make_upload(batch=batch, status=Status.FAILED, label="own")
    foreign = make_upload(
        make_connector(groups=[team("Brazil")]), status=Status.FAILED, label="of Brazil"
    )
    url = address("retry", own, foreign)

    page = text_of(marta.get(url))
    assert ">Retry 1 upload?<" in page
    assert "of Brazil" not in page
    assert "stay as they are" not in page

    answer(marta, url)
    foreign.refresh_from_db()
    assert foreign.status == Status.FAILED


def test_all_that_match_travel_as_filters_and_not_as_codes(marta, batch):
    wanted = make_upload(batch=batch, status=Status.FAILED, label="verano uno")
    make_upload(batch=batch, status=Status.FAILED, label="invierno")
    page = text_of(marta.get(reverse("history"), {"q": "verano", "state": "failed"}))
    found = re.search(r'<form id="bulk".*?</form>', page)
    assert found
    form = found[0]
    assert set(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form)) == {
        ("q", "verano"),
        ("state", "failed"),
    }
    assert "All that the filters show" in form

    url = address("retry", q="verano", state="failed")
    asked = text_of(marta.get(url))
    assert ">Retry 1 upload?<" in asked
    assert "State: <strong>Failed</strong>" in asked
    assert wanted.code.hex not in asked

    response = answer(marta, url)
    assert response.headers["location"] == reverse("history") + "?q=verano&state=failed"
    assert AuditEvent.objects.get(action="upload.retried_many").data == {
        "uploads": 1,
        "filters": {"q": "verano", "state": "failed"},
    }


def test_without_filters_it_says_that_all_of_the_list_are_meant(marta, batch):
    make_upload(batch=batch, status=Status.FAILED)
    assert "The whole list" in text_of(marta.get(reverse("history")))
    assert "All uploads of the list, because no filter is set." in text_of(
        marta.get(address("retry"))
    )


def test_the_library_chooses_from_what_is_ready(marta, batch):
    make_upload(batch=batch)
    make_upload(batch=batch, status=Status.FAILED)
    assert ">Set the campaign of 1 upload?<" in text_of(
        marta.get(address("campaign", page="handles"))
    )
    assert ">Set the campaign of 2 uploads?<" in text_of(marta.get(address("campaign")))


def test_a_filter_whose_value_does_not_exist_chooses_nothing(marta, batch):
    make_upload(batch=batch, status=Status.FAILED)
    assert "There is nothing to do" in text_of(marta.get(address("retry", state="lost")))


def test_who_ticks_nothing_is_told_what_to_do(marta, batch):
    make_upload(batch=batch, status=Status.FAILED)
    for action in (*CHANGES, "copy"):
        url = address(action, page="history").replace("scope=all", "scope=ticked&state=failed")
        response = marta.get(url)
        assert response.headers["location"] == reverse("history") + "?state=failed"
        page = text_of(marta.get(response.headers["location"]))
        assert "Tick the rows first, or choose all that the filters show." in page


def test_codes_that_are_none_are_nothing(marta, batch):
    upload = make_upload(batch=batch, status=Status.FAILED)
    url = f"{address('retry', upload)}&upload=x&upload={uuid.uuid4().hex}&upload="
    assert ">Retry 1 upload?<" in text_of(marta.get(url))


def test_too_many_are_not_done_and_it_says_what_helps(marta, batch, settings):
    settings.BULK_MAX = 2
    for _ in range(3):
        make_upload(batch=batch, status=Status.FAILED)
    url = address("retry")

    page = text_of(marta.get(url))
    assert "These are more than 2 uploads" in page
    assert "Narrow the filters" in page
    assert '<button class="btn btn-primary' not in page

    answered = answer(marta, url)
    assert answered.status_code == 200
    assert "These are more than 2 uploads" in text_of(answered)
    assert not Upload.objects.queued().exists()


# The deed


def test_retry(marta, batch):
    uploads = [make_upload(batch=batch, status=status) for status in ("failed", "cancelled")]
    response = answer(marta, address("retry", *uploads))
    assert said(marta, response) == ["2 uploads are in the queue again."]
    assert Upload.objects.queued().count() == 2


def test_renew(marta, batch):
    uploads = [make_upload(batch=batch) for _ in range(2)]
    response = answer(marta, address("renew", *uploads, page="handles"))
    assert response.headers["location"] == reverse("handles")
    assert said(marta, response) == [
        "2 fresh handles are on their way; the earlier ones stay as they are."
    ]
    assert Batch.objects.exclude(pk=batch.pk).get().uploads.queued().count() == 2


def test_cancel(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.QUEUED) for _ in range(2)]
    response = answer(marta, address("cancel", *uploads))
    assert said(marta, response) == ["2 uploads are cancelled."]
    assert set(Upload.objects.values_list("status", flat=True)) == {Status.CANCELLED}


def test_set_a_campaign(marta, batch):
    uploads = [make_upload(batch=batch, campaign=name) for name in ("Julio", "", "Verano")]
    url = address("campaign", *uploads)
    assert '<option value="Julio">' in text_of(marta.get(url))

    response = answer(marta, url, campaign="  Verano ")

    assert said(marta, response) == [
        "The campaign of 2 uploads is changed. 1 had this campaign already."
    ]
    assert set(Upload.objects.values_list("campaign", flat=True)) == {"Verano"}


def test_a_campaign_can_be_taken_away(marta, batch):
    answer(marta, address("campaign", make_upload(batch=batch)), campaign="")
    assert Upload.objects.get().campaign == ""


def test_a_campaign_that_is_too_long_is_asked_for_again(marta, batch):
    response = answer(marta, address("campaign", make_upload(batch=batch)), campaign="x" * 121)
    assert response.status_code == 200
    assert "at most 120 characters" in text_of(response)
    assert Upload.objects.get().campaign == "Julio"


def test_a_filter_by_campaign_does_not_stand_in_the_way_of_another_campaign(marta, batch):
    make_upload(batch=batch)
    response = answer(marta, address("campaign", campaign="Julio"), campaign="Agosto")
    assert response.headers["location"] == reverse("history") + "?campaign=Julio"
    assert Upload.objects.get().campaign == "Agosto"


def test_what_has_changed_since_the_question_stays_and_is_told(marta, batch):
    uploads = [make_upload(batch=batch, status=Status.FAILED) for _ in range(3)]
    url = address("retry", *uploads)
    page = text_of(marta.get(url))
    fields = dict(re.findall(r'name="(asked\w*)" value="([^"]*)"', page))
    marta.post(reverse("retry", args=[uploads[0].code]))
    late = make_upload(batch=batch, status=Status.FAILED, created_at=timezone.now())

    response = marta.post(url, fields)

    assert said(marta, response) == [
        "It is in the queue again.",
        "2 uploads are in the queue again. 1 has changed in the meantime and was not retried.",
    ]
    late.refresh_from_db()
    assert late.status == Status.FAILED


@pytest.mark.parametrize("action", CHANGES)
def test_what_has_come_since_the_question_stays(marta, batch, action):
    make_upload(batch=batch, status=STATUS_FOR[action])
    url = address(action, campaign="Julio")
    page = text_of(marta.get(url))
    fields = dict(re.findall(r'name="(asked\w*)" value="([^"]*)"', page))
    late = make_upload(
        batch=batch,
        status=STATUS_FOR[action],
        created_at=timezone.now(),
        changed_at=timezone.now() - timedelta(days=1),
    )

    marta.post(url, fields | {"campaign": "Agosto"})

    late.refresh_from_db()
    assert (late.status, late.campaign) == (STATUS_FOR[action], "Julio")
    assert not late.renewals.exists()
    assert AuditEvent.objects.filter(action__endswith="_many").get().data["uploads"] == 1


def test_who_retries_reads_how_many_were_cancelled(marta, batch):
    for status in (Status.FAILED, Status.CANCELLED, Status.CANCELLED):
        make_upload(batch=batch, status=status)

    page = text_of(marta.get(address("retry")))

    assert "Retry 3 uploads?" in page
    assert "2 of them have been cancelled by somebody." in page
    assert "cancelled by somebody" not in text_of(marta.get(address("retry", state="failed")))


def test_sent_twice_it_is_done_once(marta, batch):
    uploads = [make_upload(batch=batch) for _ in range(2)]
    url = address("renew", *uploads)
    fields = dict(re.findall(r'name="(asked\w*)" value="([^"]*)"', text_of(marta.get(url))))

    first, second = marta.post(url, fields), marta.post(url, fields)

    assert first.status_code == second.status_code == 303
    assert Upload.objects.queued().count() == 2
    assert said(marta, second)[-1] == "2 have been renewed in the meantime."


@pytest.mark.parametrize("asked_at", ["", "now", "2026-13-45T00:00", "2026-01-01 00:00", "\0"])
def test_who_has_not_been_asked_is_asked(marta, batch, asked_at):
    url = address("retry", make_upload(batch=batch, status=Status.FAILED))
    response = marta.post(url, {"asked": "1", "asked_at": asked_at})
    assert response.status_code == 200
    assert ">Retry 1 upload?<" in text_of(response)
    assert Upload.objects.get().status == Status.FAILED


def test_a_number_that_is_none_is_no_reason_to_fail(marta, batch):
    url = address("retry", make_upload(batch=batch, status=Status.FAILED))
    response = answer(marta, url, asked="many")
    assert said(marta, response) == ["1 upload is in the queue again."]


def test_the_number_of_queries_does_not_grow_with_the_rows(
    marta, batch, django_assert_max_num_queries
):
    for _ in range(30):
        make_upload(batch=batch, status=Status.FAILED)
    with django_assert_max_num_queries(14):
        marta.get(address("retry", state="failed"))


def test_campaigns_are_offered_from_the_own_connectors_only(marta, batch, monkeypatch):
    make_batch(make_connector(groups=[team("Brazil")]), campaign="Secreta")
    page = text_of(marta.get(address("campaign", make_upload(batch=batch))))
    assert re.findall(r'<option value="([^"]+)">', page) == ["Julio"]
    monkeypatch.setattr(bulk_view, "CAMPAIGNS", 0)
    assert "<option" not in text_of(marta.get(address("campaign", make_upload(batch=batch))))


# Copying


def blocks_of(response):
    found = re.findall(
        r'<script id="([\w-]+)" type="application/json">(.*?)</script>', response.content.decode()
    )
    return {name: json.loads(text) for name, text in found}


def test_handles_are_offered_newest_first_byte_for_byte(marta, batch):
    now = timezone.now()
    old = make_upload(batch=batch, created_at=now - timedelta(hours=2), label="=uno\tdos")
    new = make_upload(batch=batch, created_at=now - timedelta(hours=1), label="tres")
    failed = make_upload(batch=batch, status=Status.FAILED)
    Upload.objects.filter(pk=new.pk).update(handle=f'{new.handle}\n4::"otro"')
    new.refresh_from_db()

    response = marta.get(address("copy", old, new, failed))

    blocks, page = blocks_of(response), text_of(response)
    assert blocks["all-handles"] == f"{new.handle}\n{old.handle}"
    quoted = new.handle.replace('"', '""')
    assert blocks["with-labels"] == f'tres\t"{quoted}"\n\'=uno dos\t{old.handle}'
    assert blocks["copied-codes"] == f"{new.code.hex},{old.code.hex}"
    assert "2 handles to copy" in page
    assert "1 of them has several lines." in page
    assert "1 of the chosen uploads has no handle." in page
    assert not AuditEvent.objects.exists()


def test_no_cell_for_a_spreadsheet_is_a_formula(marta, batch):
    upload = make_upload(batch=batch, label="=1+1")
    Upload.objects.filter(pk=upload.pk).update(handle="=HYPERLINK(0)")

    blocks = blocks_of(marta.get(address("copy", upload)))

    assert blocks["with-labels"] == "'=1+1\t'=HYPERLINK(0)"
    assert blocks["all-handles"] == "=HYPERLINK(0)"


def test_no_more_than_500_are_offered_and_it_says_so(marta, batch, monkeypatch):
    monkeypatch.setattr("media_assets.views.copying.COPIED_MOST", 2)
    for _ in range(3):
        make_upload(batch=batch)
    response = marta.get(address("copy", page="handles"))
    assert len(response.context["uploads"]) == 2
    assert "These are the newest 2" in text_of(response)


def test_without_ready_uploads_there_is_nothing_to_copy(marta, batch):
    page = text_of(marta.get(address("copy", make_upload(batch=batch, status=Status.FAILED))))
    assert "None of the chosen uploads is ready" in page


@pytest.mark.parametrize("snippet", ["handle", "label_and_handle"])
def test_who_has_copied_them_is_recorded_for_each(supervisor, client_for, batch, snippet):
    uploads = [make_upload(batch=batch) for _ in range(2)]
    codes = ",".join(upload.code.hex for upload in uploads)

    response = client_for(supervisor).post(
        reverse("bulk_copied"), {"codes": codes, "snippet": snippet}
    )

    assert response.status_code == 204
    for upload in uploads:
        event = AuditEvent.objects.about(upload).get()
        assert (event.action, event.actor_name) == ("handle.copied", "sofia")
        assert event.data == {"snippet": snippet}


@pytest.mark.parametrize(
    "sent",
    [
        {"codes": "", "snippet": "handle"},
        {"codes": "x,y", "snippet": "handle"},
        {"snippet": "handle"},
        {"codes": "own", "snippet": "curl"},
        {"codes": "foreign", "snippet": "handle"},
        {"codes": "failed", "snippet": "handle"},
    ],
)
def test_what_cannot_have_been_copied_is_not_recorded(marta, batch, sent):
    codes = {
        "own": make_upload(batch=batch).code.hex,
        "foreign": make_upload(make_connector(groups=[team("Brazil")])).code.hex,
        "failed": make_upload(batch=batch, status=Status.FAILED).code.hex,
    }
    sent = {name: codes.get(value, value) for name, value in sent.items()}
    is_foreign = sent["codes"] == codes["foreign"] if "codes" in sent else False

    assert marta.post(reverse("bulk_copied"), sent).status_code == (404 if is_foreign else 400)
    assert not AuditEvent.objects.exclude(action="access.refused").exists()


def test_who_may_copy_nothing_finds_no_such_address(client_for, nobody):
    sent = {"codes": uuid.uuid4().hex, "snippet": "handle"}
    assert client_for(nobody).post(reverse("bulk_copied"), sent).status_code == 404
    assert client_for(nobody).get(reverse("bulk_copied")).status_code == 405


@pytest.mark.parametrize(
    ("who", "may"),
    [("marketing", True), ("supervisor", True), ("stranger", False), ("nobody", False)],
)
def test_a_list_fetches_a_handle_for_whoever_may_see_it(request, client_for, batch, who, may):
    upload = make_upload(batch=batch, handle='4::uno\r\n4::"dos" ñ')
    failed = make_upload(batch=batch, status=Status.FAILED)
    browser = client_for(request.getfixturevalue(who))

    response = browser.get(reverse("upload_handle", args=[upload.code]))

    assert response.status_code == (200 if may else 404)
    if may:
        assert response.json() == upload.handle
        assert response.headers["cache-control"] == "no-store"
    assert browser.get(reverse("upload_handle", args=[failed.code])).status_code == 404


def test_the_history_does_not_read_handles(marta, batch):
    upload = make_upload(batch=batch)
    page = marta.get(reverse("history")).content.decode()
    assert f'data-copy-url="{reverse("upload_handle", args=[upload.code])}"' in page
    assert upload.handle not in page


# Sorting


@pytest.mark.parametrize(
    ("query", "sort", "link"),
    [
        ("?state=failed&after=1.1", "descending", "?state=failed&sort=oldest"),
        ("?state=failed&sort=oldest&before=1.1", "ascending", "?state=failed"),
    ],
)
def test_the_order_is_said_and_can_be_turned_round(marta, batch, query, sort, link):
    make_upload(batch=batch, status=Status.FAILED, created_at=timezone.now() - timedelta(days=1))
    page = text_of(marta.get(reverse("history") + query.partition("&after")[0]))
    heading = re.search(
        r'<th scope="col" aria-sort="(\w+)"><a class="sort-link" href="([^"]+)"', page
    )
    assert heading
    assert heading.groups() == (sort, link)
