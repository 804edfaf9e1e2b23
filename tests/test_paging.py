"""Pages by key: every row once, in order, whatever happens to the list meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from media_assets import paging
from media_assets.models import Upload
from media_assets.selection import Count, Selection
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
    assert _walk("next", "after") == [uploads[:4], uploads[4:8], uploads[8:]]


def test_newer_pages_lead_back_the_same_way(uploads):
    oldest = _page(after=_page(after=_page().next).next)
    middle = _page(before=oldest.previous)
    newest = _page(before=middle.previous)

    assert [row.pk for row in middle] == uploads[4:8]
    assert [row.pk for row in newest] == uploads[:4]
    assert newest.previous == ""


def test_the_first_page_has_nothing_newer_and_the_last_nothing_older(uploads):
    assert _page().previous == ""
    assert _page(after=_page(after=_page().next).next).next == ""


def test_a_full_last_page_offers_no_empty_page_after_it(uploads):
    assert _page(size=len(uploads)).next == ""


def test_rows_that_come_meanwhile_do_not_shift_the_older_page(uploads):
    following = _page().next
    make_upload()

    assert [row.pk for row in _page(after=following)] == uploads[4:8]


def test_going_back_to_less_than_a_page_shows_the_whole_newest_page(uploads):
    position = _page(size=2).next

    assert [row.pk for row in _page(before=position)] == uploads[:4]


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "-1.2", "9" * 17 + ".1", "1.2.3", "1.2\n"])
def test_an_unreadable_position_gives_the_newest_page(text, uploads):
    assert [row.pk for row in _page(after=text)] == uploads[:4]


def test_a_page_costs_two_queries_however_deep(uploads, django_assert_num_queries):
    position = _page(after=_page().next).next

    with django_assert_num_queries(2):
        _page(after=position)


def test_the_last_page_is_the_end_of_the_list_and_leads_back(uploads):
    last = _page(last="1")

    assert [row.pk for row in last] == uploads[-4:]
    assert last.next == ""
    assert [row.pk for row in _page(before=last.previous)] == uploads[3:7]


def test_the_list_can_be_read_from_its_oldest_end(uploads):
    oldest = uploads[::-1]

    first = _page(sort="oldest")
    second = _page(sort="oldest", after=first.next)

    assert [row.pk for row in first] == oldest[:4]
    assert [row.pk for row in second] == oldest[4:8]
    assert [row.pk for row in _page(sort="oldest", before=second.previous)] == oldest[:4]
    assert [row.pk for row in _page(sort="oldest", last="1")] == oldest[-4:]


def test_parts_are_merged_into_one_list(uploads):
    halves = [Upload.objects.filter(pk__in=uploads[half::2]) for half in (0, 1)]
    selection = Selection(halves)

    first = paging.page_of(selection, shown=Upload.objects.all(), params={}, size=4)
    second = paging.page_of(
        selection, shown=Upload.objects.all(), params={"after": first.next}, size=4
    )

    assert [row.pk for row in [*first, *second]] == uploads[:8]
    assert selection.count == Count(11, is_exact=True)


def test_a_selection_without_parts_is_empty():
    page = paging.page_of(Selection([]), shown=Upload.objects.all(), params={})

    assert (page.rows, page.previous, page.next) == ([], "", "")
    assert Selection([]).count == Count(0, is_exact=True)


def _page(size: int = 4, **params: str) -> paging.Page:
    selection = Selection([Upload.objects.all()])
    return paging.page_of(selection, shown=Upload.objects.all(), params=params, size=size)


def _walk(position: str, param: str) -> list[list[int]]:
    pages = [_page()]
    while following := getattr(pages[-1], position):
        pages.append(_page(**{param: following}))
    return [[row.pk for row in page] for page in pages]
