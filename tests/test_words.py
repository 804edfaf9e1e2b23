"""Why nothing is sent, in words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from media_assets import words
from tests.factories import make_connector, make_operation, make_upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector():
    return make_connector(make_operation(token="a" * 52))


def test_that_no_worker_runs_is_said_when_something_is_long_due_and_nobody_calls(connector):
    long_ago = timezone.now() - timedelta(minutes=10)
    waiting = make_upload(connector, status="queued", due_at=long_ago)
    assert "worker" in words.hold_of(connector)[1]

    waiting.attempts.create(number=1, started_at=timezone.now())
    assert words.hold_of(connector) == ("", "")


def test_what_has_just_been_submitted_is_nobodys_fault(connector):
    make_upload(connector, status="queued")
    assert words.hold_of(connector) == ("", "")
