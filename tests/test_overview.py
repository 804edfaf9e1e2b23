"""The first page: what each role finds there."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from media_assets.models import Outcome, PauseReason, Status
from tests.factories import make_connector, make_operation, make_upload, make_user, team

HOUR = timedelta(hours=1)


def test_marketing_sees_what_waits_on_the_own_connectors_only(marketing, client_for):
    make_upload(status=Status.QUEUED, label="mine to see")
    make_upload(make_connector(groups=[team("Brazil")]), status=Status.QUEUED, label="not mine")

    html = _overview(client_for(marketing))

    assert "mine to see" in html
    assert "not mine" not in html


def test_a_failure_stands_there_with_what_to_do(marketing, client_for):
    make_upload(status=Status.FAILED, last_outcome=Outcome.REFUSED, vendor_message="No such file")

    html = _overview(client_for(marketing))

    assert "No such file" in html
    assert "check the connector" in html


def test_a_failure_of_long_ago_does_not(marketing, client_for):
    old = timezone.now() - timedelta(days=8)
    make_upload(status=Status.FAILED, label="long ago", created_at=old)

    assert "long ago" not in _overview(client_for(marketing))


def test_the_figure_of_failures_leads_to_the_failures_it_counts(marketing, client_for):
    make_upload(status=Status.FAILED, created_at=timezone.now() - timedelta(days=9), label="old")
    make_upload(status=Status.FAILED, created_at=timezone.now() - timedelta(days=6), label="new")
    client = client_for(marketing)

    link = re.search(r'href="([^"]*state=failed[^"]*)"', _overview(client))

    assert link
    page = client.get(link[1].replace("&amp;", "&"))
    assert [upload.label for upload in page.context["page"]] == ["new"]


def test_what_expires_within_a_day_can_be_renewed_from_here(marketing, client_for):
    soon = make_upload(handle_expires_at=timezone.now() + 5 * HOUR)
    later = make_upload(handle_expires_at=timezone.now() + 50 * HOUR)

    html = _overview(client_for(marketing))

    assert reverse("renew", args=[soon.code]) in html
    assert reverse("renew", args=[later.code]) not in html


def test_what_was_renewed_expires_in_peace(marketing, client_for):
    soon = make_upload(handle_expires_at=timezone.now() + 5 * HOUR)
    make_upload(soon.connector, renews=soon)

    assert reverse("renew", args=[soon.code]) not in _overview(client_for(marketing))


def test_a_supervisor_sees_what_expires_but_no_button_to_renew(supervisor, client_for):
    soon = make_upload(handle_expires_at=timezone.now() + 5 * HOUR, label="spring sale")

    html = _overview(client_for(supervisor))

    assert "Expires soon" in html
    assert reverse("renew", args=[soon.code]) not in html


def test_the_latest_handles_have_a_copy_button_with_the_exact_text(marketing, client_for):
    upload = make_upload(handle="4::a<b>&\n2nd line ", handle_expires_at=None)

    html = _overview(client_for(marketing))

    assert f'data-copy-from="handle-{upload.code}"' in html
    assert r'"4::a\u003Cb\u003E\u0026\n2nd line "' in html


def test_one_address_can_be_sent_from_here(marketing, client_for):
    mine, other = make_connector(name="Sales"), make_connector(groups=[team("Brazil")])

    html = _overview(client_for(marketing))

    assert (
        f'<form class="card-body" action="{reverse("new_upload")}" method="post" data-draft="quick"'
        in html
    )
    assert str(mine.code) in html
    assert str(other.code) not in html


def test_the_connector_used_last_is_chosen_already(marketing, client_for):
    make_connector(name="Alpha")
    last = make_connector(name="Beta")
    make_upload(last, marketing)

    assert f'value="{last.code}" selected' in _overview(client_for(marketing))


def test_marketing_without_a_connector_is_told_whom_to_ask(marketing, client_for):
    assert "No connector is yours yet" in _overview(client_for(marketing))


def test_the_very_first_visit_says_what_to_do_first(marketing, client_for):
    make_connector()

    assert "Start above: paste the public URL" in _overview(client_for(marketing))


def test_a_person_without_a_role_is_told_whom_to_ask(db, client_for):
    assert "has no role yet" in _overview(client_for(make_user(None)))


def test_a_paused_operation_is_announced_with_its_reason_and_end(marketing, client_for):
    until = timezone.now() + HOUR
    operation = make_operation(name="Tiendas", paused_reason=PauseReason.QUOTA, paused_until=until)
    make_connector(operation)

    html = _overview(client_for(marketing))

    assert "Tiendas is paused" in html
    assert "The daily limit of the token is used up" in html
    assert "The next try is at" in html


def test_a_pause_that_is_over_is_not_announced(marketing, client_for):
    over = timezone.now() - HOUR
    make_connector(make_operation(paused_reason=PauseReason.QUOTA, paused_until=over))

    assert "is paused" not in _overview(client_for(marketing))


def test_pauses_of_other_peoples_operations_are_not_announced(stranger, client_for):
    make_connector(make_operation(paused_reason=PauseReason.MANUAL))

    assert "is paused" not in _overview(client_for(stranger))


def test_a_connector_admin_finds_what_is_missing(connector_admin, client_for):
    bare = make_operation(name="No token yet")
    make_connector(make_operation(token="t" * 52), groups=[], name="Nobody's line")

    html = _overview(client_for(connector_admin))

    assert reverse("admin:media_assets_operation_change", args=[bare.pk]) in html
    assert "Has no token" in html
    assert "Nobody&#x27;s line" in html


def test_a_connector_admin_starts_with_the_first_operation(connector_admin, client_for):
    html = _overview(client_for(connector_admin))

    assert reverse("admin:media_assets_operation_add") in html


def test_marketing_is_not_bothered_with_upkeep(marketing, client_for):
    make_operation(name="No token yet")

    assert "No token yet" not in _overview(client_for(marketing))


@pytest.mark.parametrize("person", ["marketing", "supervisor", "connector_admin", "owner"])
def test_everybody_with_a_role_is_shown_the_figures(person, request, client_for):
    html = _overview(client_for(request.getfixturevalue(person)))

    assert f'hx-get="{reverse("figures")}?as=open"' in html


@pytest.mark.parametrize("uploads", [1, 4])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    uploads, marketing, client_for, django_assert_num_queries
):
    client = client_for(marketing)
    connector = make_connector()
    for status in Status:
        for _ in range(uploads):
            make_upload(connector, marketing, status)

    with django_assert_num_queries(18):  # one asks for the session
        client.get("/")


def _overview(client):
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()
