"""SQLite on a disk that fills up, and is freed again."""

import signal
import sqlite3
import uuid
from contextlib import closing

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from media_assets import roles
from media_assets.models import Batch, Upload
from media_assets.views import overview
from tests.crashes.databases import at_database, small_disk
from tests.crashes.promises import promises_hold
from tests.crashes.rows import queue_files
from tests.crashes.workers import wait_until
from tests.factories import make_user, team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]


@pytest.fixture
def disk(transactional_db):
    with small_disk(megabytes=8) as folder, at_database(NAME=str(folder / "db.sqlite3")):
        yield folder


def fill(folder):
    """Take every byte that is free there; returns the file that does."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_accepted_stays_accepted_and_it_goes_on_when_there_is_room_again(
    disk, box, workers, connector_of
):
    connector = connector_of("0042")
    person = make_user(roles.MARKETING, groups=[team()])
    browser = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    browser.force_login(person)
    queue_files(connector, count=20)
    box.hold("received")
    worker = workers.start()
    workers.wait_for("received")
    filler = fill(disk)
    box.release("received")
    wait_until(lambda: "the database does not answer" in worker.said, else_say=workers.said)
    form = {
        "connector": connector.code,
        "urls": "https://storage.googleapis.com/wvox-0042/con-nombre9998.jpg\tFor July",
        "campaign": "Winter sale",
        "key": uuid.uuid4(),
    }
    refused = browser.post(reverse("new_upload"), form)
    page = refused.content.decode()
    assert refused.status_code == 503
    assert "Nothing was saved" in page
    for typed in ("con-nombre9998.jpg\tFor July", "Winter sale", str(form["key"])):
        assert typed in page
    assert (Upload.objects.count(), Batch.objects.count()) == (20, 1)

    filler.unlink()
    workers.wait_until_finished()
    assert browser.post(reverse("new_upload"), form).status_code in {302, 303}
    workers.wait_until_finished()
    promises_hold(box, accepted=21)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0, worker.said
    assert integrity(disk / "db.sqlite3") == "ok"


def test_a_worker_killed_on_a_full_disk_leaves_a_whole_database(disk, box, workers, connector_of):
    queue_files(connector_of("0042"), count=20)
    box.hold("received")
    killed = workers.start()
    workers.wait_for("received")
    filler = fill(disk)
    box.release("received")
    wait_until(lambda: "the database does not answer" in killed.said, else_say=workers.said)
    killed.kill()
    assert integrity(disk / "db.sqlite3") == "ok"
    filler.unlink()
    workers.finish()

    promises_hold(box, accepted=20)


def test_other_pages_say_that_the_database_is_away(client_for, marketing, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("database or disk is full")

    browser = client_for(marketing)
    browser.raise_request_exception = False
    monkeypatch.setattr(overview, "render", away)
    answer = browser.get(reverse("overview"))

    assert answer.status_code == 503
    assert "its disk may be full" in answer.content.decode()


def integrity(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchone()[0]
