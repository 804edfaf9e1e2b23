"""The library of ready handles."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from media_assets import paging
from media_assets.models import Status
from tests.factories import make_batch, make_connector, make_upload, make_user, team

HOUR = timedelta(hours=1)


@pytest.fixture
def library(marketing, client_for):
    """The labels on the page that `marketing` gets for some filters."""
    client = client_for(marketing)

    def labels(**params):
        response = client.get(reverse("handles"), params)
        assert response.status_code == 200
        return [upload.label for upload in response.context["page"]]

    return labels


def test_ready_handles_of_the_own_connectors_newest_first(library):
    now = timezone.now()
    make_upload(label="older", created_at=now - HOUR)
    make_upload(label="newer", created_at=now)
    make_upload(label="failed", status=Status.FAILED)
    make_upload(make_connector(groups=[team("Brazil")]), label="of somebody else")

    assert library() == ["newer", "older"]


def test_a_stranger_sees_none_of_it(stranger, client_for):
    make_upload(label="of Colombia")

    assert "of Colombia" not in client_for(stranger).get(reverse("handles")).content.decode()


def test_who_has_no_role_sees_nothing(db, client_for):
    make_upload(label="of Colombia")

    response = client_for(make_user(None)).get(reverse("handles"))

    assert "of Colombia" not in response.content.decode()


def test_search_finds_address_label_campaign_connector_and_handle(library):
    connector = make_connector(name="Ventas", connector_id="77123")
    file_url = "https://storage.googleapis.com/wvox-demo/de otoño/verano 100%25 verde.jpg"
    found = make_upload(connector, label="wanted", campaign="Julio", file_url=file_url)
    make_upload(label="other")

    for text in [
        "verano",
        "otoño/ver",
        "de oto",
        "100% v",
        "oto%C3%B1o",
        "WANTED",
        "julio",
        "ventas",
        "77123",
        found.handle[:70],
    ]:
        assert library(q=text) == ["wanted"], text


def test_a_pasted_handle_finds_its_upload_although_the_browser_drops_line_breaks(library):
    found = make_upload(label="wanted")
    found.handle += "\n" + make_upload(label="other").handle
    found.save()

    assert library(q=found.handle.replace("\n", " ")) == ["wanted"]


def test_what_every_handle_begins_with_is_no_search_for_handles(library):
    make_upload(label="any")

    assert library(q="4::") == []


def test_filters_narrow_the_list(library, marketing):
    connector = make_connector()
    make_upload(connector, marketing, label="mine", campaign="Julio")
    make_upload(label="film", file_url="https://storage.googleapis.com/wvox-demo/film.mp4")

    assert library(connector=connector.code) == ["mine"]
    assert library(format="VIDEO") == ["film"]
    assert library(campaign="jul") == ["mine"]
    assert library(mine="on") == ["mine"]


def test_expiry_is_a_filter(library):
    now = timezone.now()
    make_upload(label="live", handle_expires_at=now + 50 * HOUR, created_at=now)
    make_upload(label="soon", handle_expires_at=now + HOUR, created_at=now - HOUR)
    make_upload(label="over", handle_expires_at=now - HOUR, created_at=now - 2 * HOUR)

    assert library(expiring="live") == ["live", "soon"]
    assert library(expiring="soon") == ["soon"]
    assert library(expiring="over") == ["over"]


@pytest.mark.parametrize("params", [{"connector": "x"}, {"format": "GIF"}, {"expiring": "never"}])
def test_a_filter_that_does_not_exist_finds_nothing(params, library):
    make_upload()

    assert library(**params) == []


def test_a_connector_of_others_cannot_be_asked_for(library):
    other = make_connector(groups=[team("Brazil")])
    make_upload(other)

    assert library(connector=other.code) == []


def test_active_filters_stand_there_in_words_and_can_be_taken_away(marketing, client_for):
    connector = make_connector(name="Ventas", connector_id="77")
    make_upload(connector)

    response = client_for(marketing).get(
        reverse("handles"), {"connector": connector.code, "format": "IMAGE"}
    )

    chips = response.context["filters"].chips
    assert [(chip.label, chip.value) for chip in chips] == [
        ("Connector", "Ventas (77)"),
        ("Format", "Image"),
    ]
    assert chips[0].query == "?format=IMAGE"


def test_filters_survive_paging(marketing, client_for):
    batch = make_batch(campaign="Julio")
    for _ in range(paging.SIZE + 1):
        make_upload(batch=batch)

    html = client_for(marketing).get(reverse("handles"), {"q": "julio"}).content.decode()

    assert "?q=julio&amp;after=" in html


def test_a_row_has_the_beginning_of_the_handle_and_buttons_for_all_of_it(marketing, client_for):
    upload = make_upload()

    html = client_for(marketing).get(reverse("handles")).content.decode()

    assert upload.handle[:30] in html
    assert f'id="handle-{upload.code}" type="application/json"' in html
    assert f'data-copied-url="{reverse("copied", args=[upload.code])}"' in html
    assert 'data-copied-snippet="public_url"' in html
    assert reverse("renew", args=[upload.code]) in html


def test_a_supervisor_may_copy_and_not_renew(supervisor, client_for):
    upload = make_upload()

    html = client_for(supervisor).get(reverse("handles")).content.decode()

    assert reverse("copied", args=[upload.code]) in html
    assert reverse("renew", args=[upload.code]) not in html


def test_a_disabled_connectors_handles_stay_but_cannot_be_renewed(marketing, client_for):
    upload = make_upload(make_connector(is_active=False))

    html = client_for(marketing).get(reverse("handles")).content.decode()

    assert upload.get_absolute_url() in html
    assert reverse("renew", args=[upload.code]) not in html


def test_an_empty_library_says_what_to_do_first(marketing, client_for):
    html = client_for(marketing).get(reverse("handles")).content.decode()

    assert "No handles yet" in html


def test_filters_that_fit_nothing_say_so(marketing, client_for):
    html = client_for(marketing).get(reverse("handles"), {"q": "zzz"}).content.decode()

    assert "No handle fits these filters" in html


@pytest.mark.parametrize("uploads", [1, 6])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    uploads, marketing, client_for, django_assert_num_queries
):
    client = client_for(marketing)
    batch = make_batch()
    for _ in range(uploads):
        make_upload(batch=batch)

    with django_assert_num_queries(14):  # one asks for the session
        client.get(reverse("handles"))
