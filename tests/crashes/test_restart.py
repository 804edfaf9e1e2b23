"""PostgreSQL is restarted in the middle of calls; the workers come back by themselves."""

import signal
import uuid
from functools import partial

import pytest
from django.db import connection

from media_assets import submission
from media_assets.models import Upload
from tests.crashes.databases import cluster_running
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files
from tests.crashes.workers import SHORT, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]
# The last upload is noticed by notice alone.
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
    box.release("received")
    for restart_at in (30, 60):
        wait_until(partial(has_calls, box, restart_at), else_say=workers.said)
        cluster.restart(mode)
    workers.wait_until_finished()
    promises_hold(box, accepted=90)

    wait_until(lambda: listening() == 2, else_say=workers.said)
    url = "https://storage.googleapis.com/wvox-0044/con-nombre9999.jpg"
    checked = submission.check(url, connector=connectors[2])
    person = Upload.objects.earliest("id").submitted_by
    submission.submit(checked, connector=connectors[2], by=person, key=uuid.uuid4())
    cluster.restart("immediate")  # what was accepted has to be on the disk by now
    workers.wait_until_finished()
    promises_hold(box, accepted=91)
    for worker in both:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.said


def has_calls(box, count):
    return len(box.ledger.calls) >= count


def listening():
    """How many sessions wait for notices."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
        return cursor.fetchone()[0]
