"""Tags that lists show in every row, and what they keep for the next row."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse, set_script_prefix
from django.utils import timezone, translation

from media_assets.models import Status
from media_assets.templatetags import product
from tests.factories import make_upload

NOON = datetime(2026, 3, 9, 17, 30, tzinfo=UTC)


@pytest.fixture
def below_a_folder():
    set_script_prefix("/handles-app/")
    yield
    set_script_prefix("/")


@pytest.mark.parametrize("name", ["upload", "renew", "upload_handle"])
def test_the_address_of_an_upload_is_that_of_its_url(db, name):
    one, other = make_upload(), make_upload()

    assert product.url_of(one, name) == reverse(name, args=[one.code])
    assert product.url_of(other, name) == reverse(name, args=[other.code])


def test_the_address_of_an_upload_follows_the_folder_of_the_application(db, below_a_folder):
    upload = make_upload()

    assert product.url_of(upload, "upload") == f"/handles-app/uploads/{upload.code}/"


def test_a_moment_is_written_as_each_reader_writes_it():
    with translation.override("en"), timezone.override("America/Bogota"):
        assert "03/09/2026 12:30" in product.moment(NOON)
    with translation.override("es"), timezone.override("America/Bogota"):
        assert "09/03/2026 12:30" in product.moment(NOON)
    with translation.override("es"), timezone.override("Asia/Tokyo"):
        assert "10/03/2026 02:30" in product.moment(NOON)


def test_a_state_is_told_in_each_readers_language(db):
    upload = make_upload(status=Status.CANCELLED)

    assert "Cancelled" in product.status_badge(upload)
    with translation.override("es"):
        assert "Cancelad" in product.status_badge(upload)
