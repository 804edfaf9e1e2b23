"""A worker that stands still in the middle of a transaction, with its locks."""

import pytest
from django.db import connection

from tests.crashes.promises import promises_hold
from tests.crashes.rows import outcomes_of, queue_file
from tests.crashes.workers import database_url, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]
HURRIED = "?options=-c%20idle_in_transaction_session_timeout%3D1500"  # milliseconds


@pytest.mark.parametrize("point", ["claim written", "result written"])
def test_it_holds_the_others_up_for_a_limited_time(point, box, workers, connector_of):
    upload = queue_file(connector_of("0042"))
    still = workers.start(pause_at=point, database=database_url() + HURRIED)
    still.wait_at_point()
    workers.finish()

    assert outcomes_of(upload)[-1] == "ready"
    promises_hold(box, accepted=1)


def test_it_comes_back_by_itself(box, workers, connector_of):
    connector = connector_of("0042")
    queue_file(connector)
    still = workers.start(pause_at="claim written", database=database_url() + HURRIED)
    still.wait_at_point()
    workers.finish()
    still.go_on()
    later = queue_file(connector)

    wait_until(lambda: outcomes_of(later) == ["ready"] or not still.is_alive)
    assert still.is_alive, still.said
    promises_hold(box, accepted=2)


def test_the_limit_is_set_for_every_connection(db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("30s",)
