"""How much one person may do at once, over all processes, and what they read when it is enough."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connections
from django.urls import reverse
from django.utils import timezone

from media_assets import limits, submission
from media_assets.models import AuditEvent, Batch, Download, Status, Upload
from media_assets.models.downloads import LEASE
from tests.factories import make_batch, make_connector, make_upload, make_user, team

EXPORTS = ["history_csv", "history_xlsx", "audit_csv", "audit_xlsx"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector(db):
    return make_connector()


@pytest.fixture
def web(client_for, marketing):
    return client_for(marketing)


def form(connector, *names, **typed):
    urls = "\n".join(f"https://storage.googleapis.com/other/{name}.jpg" for name in names)
    return {"connector": str(connector.code), "key": str(uuid.uuid4()), "urls": urls, **typed}


def send(web, connector, *names, **typed):
    return web.post(reverse("new_upload"), form(connector, *names, **typed))


def test_so_many_submissions_in_a_minute_and_then_the_form_comes_back(web, connector, settings):
    settings.LIMIT_SUBMITS = 2
    for name in "ab":
        assert send(web, connector, name).status_code == 303

    refused = send(web, connector, "c", label="Promo", campaign="Julio")

    page = refused.content.decode()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "more than 2 submissions in a minute" in page
    assert "https://storage.googleapis.com/other/c.jpg" in page
    assert 'value="Promo"' in page
    assert 'value="Julio"' in page
    assert Batch.objects.count() == 2


def test_what_was_refused_does_not_count_and_a_minute_later_it_goes_on(web, connector, settings):
    settings.LIMIT_SUBMITS = 1
    send(web, connector, "a")
    for _ in range(3):
        assert send(web, connector, "b").status_code == 429

    assert Batch.objects.count() == Upload.objects.count() == 1
    with pytest.MonkeyPatch.context() as patch:
        later = timezone.now() + timedelta(seconds=61)
        patch.setattr("django.utils.timezone.now", lambda: later)
        assert send(web, connector, "b").status_code == 303


def test_a_form_that_is_sent_twice_is_never_too_much(web, connector, settings):
    settings.LIMIT_SUBMITS = 1
    settings.LIMIT_WAITING = 1
    sent = form(connector, "a")

    answers = [web.post(reverse("new_upload"), sent) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.url for answer in answers}) == 1


def test_others_are_not_concerned(web, connector, client_for, settings):
    settings.LIMIT_SUBMITS = settings.LIMIT_WAITING = 1
    colleague = make_user("Marketing", groups=[team()])
    send(web, connector, "a")

    assert send(client_for(colleague), connector, "b").status_code == 303


@pytest.mark.parametrize("name", ["LIMIT_SUBMITS", "LIMIT_WAITING"])
def test_0_is_no_limit(web, connector, settings, name):
    setattr(settings, name, 0)

    for number in range(4):
        assert send(web, connector, str(number)).status_code == 303


def test_so_many_files_may_wait(web, connector, marketing, settings):
    settings.LIMIT_WAITING = 3
    batch = make_batch(connector, marketing)
    make_upload(batch=batch, status=Status.QUEUED)
    make_upload(batch=batch, status=Status.SENDING)
    make_upload(batch=batch, status=Status.READY)

    refused = send(web, connector, "a", "b")
    page = refused.content.decode()
    assert refused.status_code == 429
    assert "2 of your files are waiting and at most 3 may, so 2 more were not queued" in page
    assert "other/b.jpg" in page
    assert send(web, connector, "a").status_code == 303


def test_renewals_wait_too(web, connector, marketing, settings):
    settings.LIMIT_WAITING = 1
    batch = make_batch(connector, marketing)
    ready = [make_upload(batch=batch) for _ in range(2)]
    make_upload(batch=batch, status=Status.QUEUED)
    back = reverse("handles")
    many = (
        reverse("bulk", args=["handles", "renew"])
        + f"?upload={ready[0].code}&upload={ready[1].code}"
    )
    sent = [
        (reverse("renew", args=[ready[0].code]), {"back": back}),
        (many, {"asked": "2", "asked_at": timezone.now().isoformat()}),
    ]

    for url, fields in sent:
        answer = web.post(url, fields, follow=True)
        assert answer.redirect_chain[0][1] == 303
        assert "at most 1 may" in answer.content.decode()
    assert Upload.objects.count() == 3


@pytest.mark.parametrize("name", EXPORTS)
def test_so_many_exports_at_once(client_for, supervisor, settings, name):
    settings.LIMIT_EXPORTS = 2
    make_upload()
    web = client_for(supervisor)
    running = [web.get(reverse("history_csv")), web.get(reverse("audit_xlsx"))]
    recorded = AuditEvent.objects.count()

    refused = web.get(reverse(name))

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "120"
    assert "2 exports of yours are still being downloaded" in refused.content.decode()
    assert AuditEvent.objects.count() == recorded
    running[0].getvalue()
    assert web.get(reverse(name)).status_code == 200


def test_exports_of_others_do_not_count(client_for, supervisor, owner, settings):
    settings.LIMIT_EXPORTS = 1
    first, other = client_for(supervisor), client_for(owner)
    kept = first.get(reverse("history_csv"))

    assert first.get(reverse("history_csv")).status_code == 429
    assert other.get(reverse("history_csv")).status_code == 200
    kept.getvalue()


def test_a_reader_who_goes_away_gives_the_place_back(supervisor):
    for parts_read in (0, 1):
        download = limits.begin_download(supervisor)
        parts = limits.Counted((str(number) for number in range(5)), download=download)
        for _ in range(parts_read):
            next(parts)
        assert Download.objects.under_way().count() == 1
        parts.close()
        assert not Download.objects.exists()


def test_a_killed_process_gives_the_place_back_after_a_while(supervisor, settings):
    settings.LIMIT_EXPORTS = 1
    left_behind = limits.begin_download(supervisor)
    with pytest.raises(limits.LimitReached):
        limits.begin_download(supervisor)

    Download.objects.update(seen_at=timezone.now() - LEASE)

    limits.begin_download(supervisor)
    assert not Download.objects.filter(pk=left_behind.pk).exists()


def test_a_long_export_keeps_its_place(supervisor, monkeypatch):
    monkeypatch.setattr(limits, "KEEP_EVERY", -1)
    download = limits.begin_download(supervisor)
    Download.objects.update(seen_at=timezone.now() - LEASE)

    next(limits.Counted(["a", "b"], download=download))

    assert Download.objects.under_way().get() == download


def test_an_export_arrives_although_it_cannot_be_counted(supervisor, monkeypatch):
    def fail(_download):
        raise OperationalError("disk full")

    monkeypatch.setattr(Download, "end", fail)
    monkeypatch.setattr(Download, "keep", fail)
    monkeypatch.setattr(limits, "KEEP_EVERY", -1)
    download = limits.begin_download(supervisor)

    assert list(limits.Counted(["a", "b"], download=download)) == ["a", "b"]


def test_an_export_that_is_not_recorded_does_not_begin(client_for, supervisor, monkeypatch):
    def fail(*_args, **_data):
        raise RuntimeError("the audit list is broken")

    monkeypatch.setattr("media_assets.views.exports._record", fail)
    with pytest.raises(RuntimeError):
        client_for(supervisor).get(reverse("history_csv"))

    assert not Download.objects.exists()


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "todavía se está"), ("pt-br", "ainda está sendo"), ("en", "still being downloaded")],
)
def test_it_is_said_in_the_readers_language(client_for, supervisor, settings, language, words):
    settings.LIMIT_EXPORTS = 1
    web = client_for(supervisor)
    kept = web.get(reverse("history_csv"))

    page = web.get(reverse("history_csv"), headers={"accept-language": language})

    assert f'<html lang="{language}"' in page.content.decode()
    assert words in page.content.decode()
    kept.getvalue()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_counted_one_after_the_other(settings):
    settings.LIMIT_SUBMITS, settings.LIMIT_EXPORTS = 1, 1
    connector, person = make_connector(), make_user("Marketing", groups=[team()])
    lines = submission.check("https://storage.googleapis.com/other/a.jpg", connector=connector)
    together = threading.Barrier(8)

    def begin(number):
        try:
            together.wait(timeout=30)
            if number % 2:
                limits.begin_download(person)
            else:
                submission.submit(lines, connector=connector, by=person, key=uuid.uuid4())
        except limits.LimitReached:
            return 0
        finally:
            connections.close_all()
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(8))) == 2

    assert (Batch.objects.count(), Download.objects.count()) == (1, 1)


@pytest.mark.parametrize("name", ["LIMIT_SUBMITS", "LIMIT_WAITING", "LIMIT_EXPORTS"])
def test_a_limit_below_nothing_is_a_mistake(settings, name):
    setattr(settings, name, -1)

    found = [message for message in run_checks() if message.id == "media_assets.E060"]

    assert [name in message.msg for message in found] == [True]
    assert "0 for no limit" in (found[0].hint or "")
