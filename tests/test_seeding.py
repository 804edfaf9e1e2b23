"""`manage.py seed_demo --uploads`: a year of history that is like the real thing, and repeats."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import median

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from media_assets import preflight, roles
from media_assets.management import seeding
from media_assets.management.seeding import filling, writing
from media_assets.models import Attempt, AuditEvent, Batch, Connector, Operation, Status, Upload
from media_assets.models.search import HandleText, UploadText
from media_assets.wolkvox import handles

pytestmark = pytest.mark.django_db

UPLOADS = 2000
UNTIL = datetime(2026, 6, 17, 20, 30, tzinfo=UTC)  # a Wednesday afternoon in Bogotá


@pytest.fixture
def filled() -> seeding.Filled:
    return seeding.fill(UPLOADS, until=UNTIL, events=500)


def share(uploads) -> float:
    return float(uploads.count()) / UPLOADS


# How much, and of what


def test_there_are_as_many_as_asked_for_and_none_waits_to_be_sent(filled):
    assert filled.uploads == Upload.objects.count() == UPLOADS
    assert filled.batches == Batch.objects.count()
    assert filled.attempts == Attempt.objects.count()
    assert not Upload.objects.unfinished().exists()


def test_most_are_ready_some_failed_and_few_were_cancelled(filled):
    assert 0.90 < share(Upload.objects.ready()) < 0.96
    assert 0.03 < share(Upload.objects.failed()) < 0.08
    assert 0.003 < share(Upload.objects.filter(status=Status.CANCELLED)) < 0.02
    outcomes = set(Upload.objects.failed().values_list("last_outcome", flat=True))
    assert {"refused", "unclear", "not_sent"} <= outcomes
    assert Upload.objects.failed().exclude(vendor_message="").count() > 50


def test_every_format_is_there_and_pictures_are_the_most(filled):
    assert share(Upload.objects.filter(format="IMAGE")) > 0.6
    assert share(Upload.objects.filter(format="VIDEO")) > 0.1
    assert share(Upload.objects.filter(format="DOCUMENT")) > 0.08


def test_they_belong_to_a_company_with_its_people_teams_and_lines(filled):
    assert Operation.objects.count() >= 10
    assert Connector.objects.count() >= 22
    assert User.objects.count() == 25
    assert User.objects.exclude(groups__name=roles.MARKETING).count() == 4
    assert len(set(Upload.objects.values_list("submitted_by", flat=True))) > 12
    assert len(set(Upload.objects.exclude(campaign="").values_list("campaign", flat=True))) > 40


def test_everybody_has_used_connectors_of_their_own_groups_only(filled):
    for person in User.objects.filter(groups__name=roles.MARKETING):
        used = set(Upload.objects.filter(submitted_by=person).values_list("connector", flat=True))
        assert used <= set(roles.connectors_usable_by(person).values_list("pk", flat=True))


def test_nobody_of_them_can_sign_in_and_nothing_can_be_sent_for_their_operations(filled):
    assert not any(person.has_usable_password() for person in User.objects.all())
    assert not any(operation.has_token for operation in Operation.objects.all())


def test_somebody_has_hardly_submitted_anything(filled):
    beginner = User.objects.get(groups__name="Practicantes")

    assert share(Upload.objects.filter(submitted_by=beginner)) < 0.01


# When


def test_they_are_of_the_last_year_in_the_order_of_their_keys(filled):
    moments = list(Upload.objects.order_by("pk").values_list("created_at", flat=True))

    assert moments == sorted(moments)
    assert UNTIL - timedelta(days=366) < moments[0] < UNTIL - timedelta(days=350)
    assert UNTIL - timedelta(days=14) < moments[-1] < UNTIL
    assert Upload.objects.filter(finished_at__gt=UNTIL).count() == 0


def test_people_work_on_weekdays_and_by_day(filled):
    local = [timezone.localtime(at) for at in Batch.objects.values_list("created_at", flat=True)]

    assert sum(at.weekday() >= 5 for at in local) < 0.2 * len(local)
    assert sum(7 <= at.hour < 19 for at in local) > 0.8 * len(local)


def test_batches_are_of_one_to_two_hundred_and_most_are_small(filled):
    sizes = Counter(Upload.objects.values_list("batch", flat=True)).values()

    assert min(sizes) == 1
    assert 50 < max(sizes) <= 200
    assert median(sizes) <= 12


def test_a_handle_takes_some_seconds_and_longer_where_it_was_tried_again(filled):
    def seconds(uploads):
        return [(each.finished_at - each.created_at).total_seconds() for each in uploads]

    ready = Upload.objects.ready()
    assert 2 < median(seconds(ready.filter(attempt_count=1))) < 8
    assert median(seconds(ready.filter(attempt_count__gt=1))) > 20


# Whether it fits together


def test_a_url_is_as_a_form_would_have_stored_it(filled):
    for upload in Upload.objects.all():
        parsed = preflight.parse_url(upload.file_url)
        assert (parsed.url, parsed.format) == (upload.file_url, upload.format)
        assert 80 <= len(upload.file_url) <= 200


def test_names_and_labels_are_in_spanish_with_accents(filled):
    assert Upload.objects.filter(file_url__contains="%C3%").count() > 100
    labels = " ".join(Upload.objects.values_list("label", flat=True))
    assert re.search("[áéíóú]", labels)


def test_a_handle_has_the_shape_of_real_ones_and_names_its_expiry(filled):
    ready = list(Upload.objects.ready())

    for upload in ready:
        parsed = handles.parse(upload.handle)
        assert parsed.expires_at == upload.handle_expires_at
        assert parsed.mime_type == upload.content_type
        assert all(185 <= len(line.text) <= 240 for line in parsed.lines)
    several = sum(upload.parsed_handle.is_multiline for upload in ready)
    assert 0 < several < 0.05 * len(ready)


def test_every_upload_has_the_attempts_that_it_counts(filled):
    for upload in Upload.objects.prefetch_related("attempts"):
        attempts = list(upload.attempts.all())
        assert [each.number for each in attempts] == list(range(1, upload.attempt_count + 1))
        if not attempts:
            assert upload.status == Status.CANCELLED
            continue
        assert len(attempts) <= 3
        assert attempts[-1].outcome == upload.last_outcome
        assert attempts[-1].finished_at == upload.finished_at
        assert upload.created_at < attempts[0].started_at
        assert all((each.seconds or 0) > 0 for each in attempts)


def test_what_comes_afterwards_gets_keys_of_its_own(filled):
    """The keys were given by the seed; the database has to know of them."""
    last = Upload.objects.order_by("-pk")[0]
    copy = Upload.objects.get(pk=last.pk)
    copy.pk, copy.code = None, "00000000-0000-4000-8000-000000000000"
    copy.save()

    assert copy.pk > last.pk


def test_a_renewal_is_of_the_same_file_on_the_same_connector():
    seeding.fill(12_000, until=UNTIL)  # only what was written in an earlier part is renewed

    renewals = list(Upload.objects.exclude(renews=None).select_related("renews"))
    assert renewals
    for each in renewals:
        assert each.renews is not None
        assert each.file_url == each.renews.file_url
        assert each.connector_id == each.renews.connector_id
        assert each.created_at > each.renews.created_at


def test_audit_events_tell_of_the_latest_about_as_many_as_asked_for(filled):
    assert filled.events == AuditEvent.objects.count()
    assert 400 <= filled.events <= 800
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"batch.submitted", "upload.ready", "handle.copied"} <= actions
    told = AuditEvent.objects.filter(action="upload.ready").values_list("object_code", flat=True)
    assert Upload.objects.filter(code__in=list(told)).count() == len(told)


# Whether it repeats


def test_the_same_number_gives_the_same_uploads(filled):
    columns = ("code", "file_url", "label", "campaign", "status", "handle", "created_at")
    first = list(Upload.objects.order_by("pk").values_list(*columns))
    Attempt.objects.all().delete()
    Upload.objects.all().delete()
    Batch.objects.all().delete()
    User.objects.all().delete()
    Operation.objects.all().delete()
    Group.objects.filter(connectors=None).exclude(name__in=roles.PERMISSIONS).delete()

    seeding.fill(UPLOADS, until=UNTIL, events=500)

    assert list(Upload.objects.order_by("pk").values_list(*columns)) == first


def test_a_second_time_adds_uploads_for_the_same_people_and_operations(filled):
    people, operations = User.objects.count(), Operation.objects.count()

    seeding.fill(200, until=UNTIL)

    assert Upload.objects.count() == UPLOADS + 200
    assert (User.objects.count(), Operation.objects.count()) == (people, operations)


# What is seen of it, and the command


@pytest.mark.parametrize("many", [10**9, 1], ids=["row by row", "at once"])
def test_it_is_found_however_its_index_was_made(monkeypatch, client_for, supervisor, many):
    monkeypatch.setattr(filling, "MANY", many)
    seeding.fill(300, until=UNTIL)

    browser = client_for(supervisor)
    upload = Upload.objects.ready().newest_first()[150]
    name = upload.file_url.rpartition(".")[0][-12:]
    for searched in (name, upload.handle.split(":")[3][:30], str(upload.batch.code)):
        page = browser.get("/history/", {"q": searched}).content.decode()
        assert upload.get_absolute_url() in page, searched
    assert UploadText.objects.count() == 300
    assert HandleText.objects.count() == Upload.objects.ready().count()


def test_the_pages_show_it(filled, client_for, supervisor):
    browser = client_for(supervisor)
    upload = Upload.objects.newest_first()[0]

    page = browser.get("/history/")
    assert upload.file_name in page.content.decode()
    assert browser.get("/history/?state=failed").content.count(b"row-title") == 50
    assert browser.get("/handles/").status_code == 200
    for status in (Status.READY, Status.FAILED, Status.CANCELLED):
        shown = Upload.objects.filter(status=status).newest_first()[0]
        assert browser.get(shown.get_absolute_url()).status_code == 200


def test_the_command_adds_it_to_the_demonstration_and_says_how_far_it_is(tmp_path: Path, settings):
    settings.DEMO = settings.SANDBOX = True
    told = StringIO()
    call_command(
        *("seed_demo", "--uploads", "300", "--queued", "7", "--events", "20"),
        *("--state", str(tmp_path / "sandbox.json")),
        stdout=StringIO(),
        stderr=told,
    )

    assert Upload.objects.count() == 307
    assert Upload.objects.queued().count() == 7
    assert "300 of 300 uploads" in told.getvalue()
    assert "307 uploads in" in told.getvalue()
    demo = User.objects.get(username="marketing")
    assert Upload.objects.filter(submitted_by=demo).exists()


def test_rows_are_written_as_the_orm_would_have_written_them(filled):
    """Every column of a row, read back through the ORM, is what stood in the object."""
    original = Upload.objects.ready().newest_first()[0]
    copies = []
    for place in range(3):
        copy = Upload.objects.get(pk=original.pk)
        copy.pk, copy.code = None, f"00000000-0000-4000-8000-00000000000{place}"
        copies.append(Upload(**{f.attname: getattr(copy, f.attname) for f in copy._meta.fields}))
    for copy in copies:
        copy.code = copy._meta.get_field("code").to_python(copy.code)
    writing.number(copies)
    writing.write(copies)

    for copy in copies:
        read = Upload.objects.get(pk=copy.pk)
        for field in copy._meta.concrete_fields:
            assert getattr(read, field.attname) == getattr(copy, field.attname), field.name
