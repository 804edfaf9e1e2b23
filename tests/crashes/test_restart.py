"""PostgreSQL is restarted in the middle of calls; the workers come back by themselves."""

import signal
import uuid
from functools import partial

import pytest

from media_assets import submission
from media_assets.models import Upload
from tests.crashes.databases import cluster_running
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files
from tests.crashes.workers import SHORT, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]
# Long enough that a worker which does not listen again is found out.
NO_POLL = {**SHORT, "DELIVERY_POLL": "120"}


@pytest.fixture
def cluster(transactional_db):
    with cluster_running() as cluster:
        yield cluster


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_nothing_is_lost_and_the_workers_come_back(mode, cluster, box, workers, connector_of):
    connectors = [connector_of(server) for server in ("0042", "0043", "0044")]
    for connector in connectors:
        queue_files(connector, count=30)
    box.hold("received")
    both = [workers.start(settings=NO_POLL) for _ in range(2)]
    workers.wait_for("received", calls=2)
    cluster.restart(mode)
    box.latency = 0.02
    box.release("received")
    for restart_at in (30, 60):
        wait_until(partial(has_calls, box, restart_at), else_say=workers.said)
        cluster.restart(mode)
    workers.wait_until_finished()
    promises_hold(box, accepted=90)

    url = "https://storage.googleapis.com/wvox-0044/con-nombre9999.jpg"
    checked = submission.check(url, connector=connectors[2])
    person = Upload.objects.earliest("id").submitted_by
    submission.submit(checked, connector=connectors[2], by=person, key=uuid.uuid4())
    workers.wait_until_finished(seconds=20)
    promises_hold(box, accepted=91)
    for worker in both:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.said


def has_calls(box, count):
    return len(box.ledger.calls) >= count
