"""Who waits for whom, while one worker runs: held at the sandbox's phases, never timed."""

import uuid

import pytest

from media_assets import submission
from media_assets.models import Operation, Upload
from media_assets.wolkvox.sandbox import Sandbox
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files
from tests.crashes.workers import workers_of
from tests.factories import make_connector, make_operation
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

BULK = 30
CALLS_AT_ONCE = 100


def submit_one(connector, *, by):
    """What the page does with one pasted line; returns its address."""
    url = f"https://storage.googleapis.com/wvox-{connector.operation.server}/con-nombre9999.jpg"
    checked = submission.check(url, connector=connector)
    submission.submit(checked, connector=connector, by=by, key=uuid.uuid4())
    return url


def test_a_colleagues_single_upload_waits_for_one_call_of_a_bulk(box, workers, connector_of):
    connector = connector_of("0042")
    bulk = queue_files(connector, count=BULK)
    box.hold("received")
    workers.start()
    workers.wait_for("received")

    single = submit_one(connector, by=bulk[0].submitted_by)
    box.release("received")
    workers.wait_until_finished()

    assert [call.file_url for call in box.ledger.calls].index(single) == 1
    promises_hold(box, accepted=BULK + 1)


def test_a_bulk_does_not_hold_up_the_single_upload_of_another_operation(box, workers, connector_of):
    bulk = queue_files(connector_of("0042"), count=BULK)
    other = connector_of("0044")
    box.hold("received")
    workers.start()
    workers.wait_for("received")

    single = submit_one(other, by=bulk[0].submitted_by)
    assert workers.wait_for("received", calls=2).file_url == single
    assert [call.ended for call in box.ledger.calls] == [None, None]

    box.release("received")
    workers.wait_until_finished()
    promises_hold(box, accepted=BULK + 1)


def test_one_worker_holds_a_hundred_calls_in_flight(settings):
    tokens = {f"{n:04}": f"776f6c6b766f78{n:04}" + "9876543210" * 3 + "abcd" for n in range(1, 51)}
    with Sandbox(port=0, operations=tokens) as box, workers_of(box) as workers:
        settings.WOLKVOX_BASE_URL, settings.SANDBOX = box.base_url, True
        for server, known in box.operations.items():
            operation = make_operation(server=server, token=known.token)
            line = known.connectors[0]["connector_id"]
            queue_files(make_connector(operation, connector_id=line), count=3)
        Operation.objects.update(max_in_flight=2)
        box.hold("received")
        workers.start(settings={"DELIVERY_THREADS": str(CALLS_AT_ONCE)})

        box.wait_for("received", timeout=PATIENCE, calls=CALLS_AT_ONCE)
        assert Upload.objects.sending().count() == CALLS_AT_ONCE
        box.release("received")
        workers.wait_until_finished()
        promises_hold(box, accepted=150)
