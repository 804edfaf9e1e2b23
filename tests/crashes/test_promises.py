"""The comparison that all tests of crashes rely on finds each kind of broken promise."""

import pytest
from django.utils import timezone

from media_assets.models import Attempt, Operation, Status, Upload
from media_assets.wolkvox.sandbox.handle import new_handle
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivered(box, workers, connector_of):
    """Two files of one token, delivered in order."""
    uploads = queue_files(connector_of("0042"), count=2)
    assert workers.start(arguments=["--until-idle"]).wait() == 0
    promises_hold(box, accepted=2)
    return uploads


def test_each_kind_of_broken_promise_is_found(box, delivered):
    first, second = Upload.objects.order_by("id")
    one, other = box.ledger.calls
    with pytest.raises(AssertionError, match=r"1: 3 uploads were accepted, 2 are there"):
        promises_hold(box, accepted=3)

    one.ended = other.arrived + 0.001
    with pytest.raises(AssertionError, match=r"3: 2 calls of one token at once, 1 are allowed"):
        promises_hold(box, accepted=2)
    Operation.objects.update(max_in_flight=2)
    promises_hold(box, accepted=2)
    other.file_url = one.file_url
    with pytest.raises(AssertionError, match=r"2: .* was sent twice at once"):
        promises_hold(box, accepted=2)
    other.file_url = second.file_url
    one.ended = one.arrived

    Attempt.objects.filter(upload=first).update(started_at=timezone.now())
    with pytest.raises(AssertionError, match=r"7: .* called without an attempt"):
        promises_hold(box, accepted=2)
    Attempt.objects.filter(upload=first).update(started_at=first.created_at)

    Upload.objects.filter(pk=first.pk).update(handle=second.handle)
    with pytest.raises(AssertionError, match=r"4: .* has the handle of"):
        promises_hold(box, accepted=2)
    Upload.objects.filter(pk=first.pk).update(handle=first.handle + " ")
    with pytest.raises(AssertionError, match=r"4: .* never given"):
        promises_hold(box, accepted=2)
    Upload.objects.filter(pk=first.pk).update(handle=new_handle(first.file_name, server="0042"))
    promises_hold(box, accepted=2)

    lease = {"status": Status.SENDING, "lease_until": timezone.now()}
    Upload.objects.filter(pk=first.pk).update(**lease)
    with pytest.raises(AssertionError, match=r"5: .* is sending"):
        promises_hold(box, accepted=2)
    Attempt.objects.filter(upload=first).delete()
    with pytest.raises(AssertionError, match=r"7: .* has the attempts"):
        promises_hold(box, accepted=2)
