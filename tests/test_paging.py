"""Pages by key: every row once, in order, whatever happens to the list meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from media_assets import paging
from media_assets.models import Upload
from tests.factories import make_batch, make_upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def uploads() -> list[int]:
    """Eleven uploads, newest first; the middle ones share one instant."""
    batch = make_batch()
    now = timezone.now()
    minutes = [0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6]
    made = [make_upload(batch=batch, created_at=now - timedelta(minutes=m)) for m in minutes]
    made.sort(key=lambda upload: (upload.created_at, upload.pk), reverse=True)
    return [upload.pk for upload in made]


def test_older_pages_bring_every_row_once_and_in_order(uploads):
    assert _walk("older", "after") == [uploads[:4], uploads[4:8], uploads[8:]]


def test_newer_pages_lead_back_the_same_way(uploads):
    oldest = _page(after=_page(after=_page().older).older)
    middle = _page(before=oldest.newer)
    newest = _page(before=middle.newer)

    assert [row.pk for row in middle] == uploads[4:8]
    assert [row.pk for row in newest] == uploads[:4]
    assert newest.newer == ""


def test_the_first_page_has_nothing_newer_and_the_last_nothing_older(uploads):
    assert _page().newer == ""
    assert _page(after=_page(after=_page().older).older).older == ""


def test_a_full_last_page_offers_no_empty_page_after_it(uploads):
    assert paging.page_of(Upload.objects.all(), params={}, size=len(uploads)).older == ""


def test_rows_that_come_meanwhile_do_not_shift_the_older_page(uploads):
    older = _page().older
    make_upload()

    assert [row.pk for row in _page(after=older)] == uploads[4:8]


def test_going_back_to_less_than_a_page_shows_the_whole_newest_page(uploads):
    position = paging.page_of(Upload.objects.all(), params={}, size=2).older

    assert [row.pk for row in _page(before=position)] == uploads[:4]


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "-1.2", "9" * 17 + ".1", "1.2.3", "1.2\n"])
def test_an_unreadable_position_gives_the_newest_page(text, uploads):
    assert [row.pk for row in _page(after=text)] == uploads[:4]


def test_a_page_costs_one_query_however_deep(uploads, django_assert_num_queries):
    position = _page(after=_page().older).older

    with django_assert_num_queries(1):
        _page(after=position)


def _page(**params: str) -> paging.Page:
    return paging.page_of(Upload.objects.all(), params=params, size=4)


def _walk(position: str, param: str) -> list[list[int]]:
    pages = [_page()]
    while following := getattr(pages[-1], position):
        pages.append(_page(**{param: following}))
    return [[row.pk for row in page] for page in pages]
