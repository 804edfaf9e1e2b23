"""The chain of audit events, and `manage.py verify_audit`, which follows it."""

import io
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_assets import roles
from media_assets.models import (
    AuditEvent,
    AuditLane,
    Chain,
    digests,
    rows,
    triggers,
    verification,
)
from media_assets.models.audit import AppendOnly, AuditEventQuerySet
from tests.factories import make_upload, make_user

EVENT = "media_assets_auditevent"
SMALL = 3


def verify(*arguments):
    said = io.StringIO()
    call_command("verify_audit", *arguments, stdout=said, stderr=io.StringIO())
    return said.getvalue()


def broken():
    with pytest.raises(CommandError) as raised:
        verify()
    return str(raised.value)


def tamper(*statements):
    """As somebody who may do everything in the database; the triggers are back afterwards."""
    triggers.drop()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    triggers.install()


@pytest.fixture
def events(db, owner, supervisor):
    """Three events of one person between those of others and of the worker."""
    upload = make_upload()
    found = []
    for number in range(3):
        AuditEvent.objects.record("upload.ready", by=None, on=upload, attempt=number)
        event = AuditEvent.objects.record(
            "handle.copied", by=owner, on=upload, address="192.0.2.7", snippet="handle"
        )
        found.append(event)
        AuditEvent.objects.record("person.signed_in", by=supervisor, on=supervisor)
    return found


def test_what_was_only_recorded_is_verified_and_has_a_fingerprint(events, supervisor):
    said = verify()

    assert "9 events verified: none was changed, removed or inserted." in said
    assert re.search(r"^Fingerprint: \d+:[0-9a-f]{64}$", said, re.MULTILINE)


def test_an_empty_list_is_as_it_was_written(db):
    assert "0 events verified" in verify()


@pytest.mark.parametrize(
    "change",
    [
        "created_at = '2001-01-01 00:00:00+00:00'",
        "actor_id = '0'",
        "actor_name = 'somebody'",
        "action = 'person.signed_in'",
        "object_type = 'batch'",
        "object_code = 'x'",
        "object_label = 'x'",
        "address = '192.0.2.8'",
        "address = NULL",
        """data = '{"snippet": "curl"}'""",
        "data = '{}'",
        "digest = 'x'",
    ],
)
def test_a_changed_column_is_named_with_its_event(events, change):
    second = events[1]

    tamper(f"UPDATE {EVENT} SET {change} WHERE id = {second.pk}")

    assert broken().startswith(f"Event {second.pk} (")
    assert f"lane {second.lane}, number 2) was changed" in broken()


@pytest.mark.parametrize("column", ["id", "number", "lane"])
def test_an_event_that_was_moved_to_another_place_is_missed_there(events, column):
    last = events[-1]
    value = {"id": "id + 1000", "number": "number + 1000", "lane": "'person 0'"}[column]

    tamper(f"UPDATE {EVENT} SET {column} = {value} WHERE id = {last.pk}")

    assert broken()


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "change", ["created_at = 'yesterday'", "created_at = ''", "address = 'nowhere'"]
)
def test_an_event_that_cannot_even_be_read_any_more_is_named(events, change):
    tamper(f"UPDATE {EVENT} SET {change} WHERE id = {events[1].pk}")

    assert broken().startswith(f"Event {events[1].pk}")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("actor_name = CAST(X'ff41' AS TEXT)", marks=pytest.mark.sqlite_only),
        pytest.param("data = CAST(X'22ff22' AS TEXT)", marks=pytest.mark.sqlite_only),
        pytest.param("lane = CAST(X'ff' AS TEXT)", marks=pytest.mark.sqlite_only),
        pytest.param("created_at = 'infinity'", marks=pytest.mark.postgresql_only),
        pytest.param("created_at = '4000-01-01 BC'", marks=pytest.mark.postgresql_only),
    ],
)
def test_an_event_that_the_driver_cannot_read_is_named_and_the_connection_goes_on(events, change):
    tamper(f"UPDATE {EVENT} SET {change} WHERE id = {events[1].pk}")

    assert broken() == f"Event {events[1].pk} was changed."
    assert AuditEvent.objects.count() == 9


def test_a_database_that_is_away_is_not_taken_for_a_changed_event(events, monkeypatch):
    def away(*_arguments):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(AuditEventQuerySet, "values", away)

    with pytest.raises(OperationalError):
        verify()


def test_what_says_the_same_in_another_spelling_is_not_a_change(db, owner):
    AuditEvent.objects.record("history.exported", by=owner, rows=1, filters={"q": "ñ"})
    spaced = """UPDATE {} SET data = '{{"rows":1,   "filters": {{"q": "\\u00f1"}}}}'"""

    tamper(spaced.format(EVENT))

    assert "1 events verified" in verify()


def test_an_event_removed_from_the_middle_is_missed(events):
    tamper(f"DELETE FROM {EVENT} WHERE id = {events[1].pk}")

    assert broken().startswith(f"Event number 2 of lane {events[1].lane} was removed")
    assert f"Event {events[2].pk} (" in broken()


def test_the_newest_event_is_missed_too(events):
    tamper(f"DELETE FROM {EVENT} WHERE id = {events[2].pk}")

    assert broken().startswith(f"Event number 3 of lane {events[2].lane}")


def test_a_removed_head_does_not_hide_what_was_removed(events):
    lane = events[0].lane
    tamper(
        f"DELETE FROM {EVENT} WHERE id = {events[2].pk}",
        f"UPDATE media_assets_auditlane SET number = 2 WHERE name = '{lane}'",
    )

    assert broken() == f"The head of lane {lane} was changed: it is not its event 2's."


def _insert(event, *, number, digest, lane=None, pk=None):
    columns = "created_at, actor_id, actor_name, action, object_type, object_code, object_label"
    key, id_column = ("", "") if pk is None else (f"{pk}, ", "id, ")
    return (
        f"INSERT INTO {EVENT} ({id_column}{columns}, data, address, lane, number, digest) "
        f"SELECT {key}{columns}, data, address, '{lane or event.lane}', {number}, '{digest}' "
        f"FROM {EVENT} WHERE id = {event.pk}"
    )


@pytest.mark.parametrize("digest", ["0" * 64, None])
def test_an_event_added_past_the_product_is_found_also_without_dropping_a_trigger(events, digest):
    last = events[-1]
    with connection.cursor() as cursor:
        cursor.execute(_insert(last, number=4, digest=digest or last.digest))

    added = AuditEvent.objects.get(lane=last.lane, number=4)
    assert broken().startswith(f"Event {added.pk} (")
    assert "was inserted past the product" in broken()


def test_an_added_event_with_a_lane_of_its_own_is_found(events):
    with connection.cursor() as cursor:
        cursor.execute(_insert(events[0], number=1, digest=events[0].digest, lane="person 0"))

    assert "was inserted past the product" in broken()


def test_an_added_event_is_found_though_the_head_was_moved_with_it(events):
    last = events[-1]
    tamper(
        _insert(last, number=4, digest="f" * 64),
        f"UPDATE media_assets_auditlane SET number = 4, digest = '{'f' * 64}' "
        f"WHERE name = '{last.lane}'",
    )

    added = AuditEvent.objects.get(lane=last.lane, number=4)
    assert broken().startswith(f"Event {added.pk} (")


def test_what_is_not_promised_a_well_made_event_at_the_end_passes_for_an_honest_one(events):
    """As README and decisions say; what a fingerprint covers is still told apart."""
    fingerprint = verify().rpartition("Fingerprint: ")[2].strip()
    last = events[-1]
    content = {name: getattr(last, name) for name in digests.CONTENT} | {"id": last.pk + 1000}
    digest = digests.digest_of(last.digest, lane=last.lane, number=4, content=content)

    with connection.cursor() as cursor:  # every trigger is in place
        cursor.execute(_insert(last, number=4, digest=digest, pk=content["id"]))
        cursor.execute(
            "UPDATE media_assets_auditlane SET number = 4, digest = %s WHERE name = %s",
            [digest, last.lane],
        )

    assert "10 events verified" in verify()
    assert "They agree with the fingerprint." in verify("--expect", fingerprint)


def test_two_events_that_changed_places_are_found(events):
    first, second = events[0], events[1]
    tamper(
        f"UPDATE {EVENT} SET number = 99 WHERE id = {first.pk}",
        f"UPDATE {EVENT} SET number = 1, digest = '{first.digest}' WHERE id = {second.pk}",
        f"UPDATE {EVENT} SET number = 2, digest = '{second.digest}' WHERE id = {first.pk}",
    )

    assert broken().startswith((f"Event {first.pk} (", "Event number 1 of lane"))


def test_a_list_written_anew_from_some_point_on_is_told_by_its_fingerprint(events, owner):
    fingerprint = verify().rpartition("Fingerprint: ")[2].strip()
    AuditEvent.objects.record("person.signed_out", by=owner, on=owner)
    assert "They agree with the fingerprint." in verify("--expect", fingerprint)

    last = events[-1]
    rest = AuditEvent.objects.filter(lane=last.lane, number=4).get()
    tamper(
        f"DELETE FROM {EVENT} WHERE id IN ({last.pk}, {rest.pk})",
        f"UPDATE media_assets_auditlane SET number = 2, digest = '{events[1].digest}' "
        f"WHERE name = '{last.lane}'",
    )

    assert "verified" in verify()
    with pytest.raises(CommandError, match="not those of the fingerprint"):
        verify("--expect", fingerprint)


def test_what_is_no_fingerprint_is_refused_in_a_sentence(db):
    with pytest.raises(CommandError, match="no fingerprint"):
        verify("--expect", "12")


def test_events_are_appended_by_nothing_but_the_chain(owner):
    for past in (
        lambda: AuditEvent.objects.create(action="person.signed_in", actor_name="olga"),
        lambda: AuditEvent(action="person.signed_in", actor_name="olga").save(),
        lambda: AuditEvent.objects.bulk_create([AuditEvent(action="x", actor_name="olga")]),
    ):
        with pytest.raises(AppendOnly):
            past()
    assert not AuditEvent.objects.exists()


def test_an_event_that_is_taken_back_leaves_no_gap(db, owner):
    AuditEvent.objects.record("person.signed_in", by=owner, on=owner)
    with transaction.atomic():
        AuditEvent.objects.record("person.signed_out", by=owner, on=owner)
        transaction.set_rollback(True)
    AuditEvent.objects.record("person.signed_out", by=owner, on=owner)

    assert "2 events verified" in verify()


def test_a_transaction_may_record_several_times_with_one_chain(db):
    upload = make_upload()
    with transaction.atomic():
        chain = Chain()
        told = AuditEvent.objects.statements("upload.ready", chain=chain, by=None, on=upload)
        more = AuditEvent.objects.statements("upload.failed", chain=chain, by=None, on=upload)
        rows.run(*told, *more)
        AuditEvent.objects.record("operation.paused", by=None, on=upload.operation, chain=chain)

    assert "3 events verified" in verify()
    assert AuditLane.objects.get().number == 3


def test_events_of_many_objects_stand_in_the_lanes_of_their_operations(db):
    uploads = [make_upload() for _ in range(SMALL)]

    AuditEvent.objects.record_each("upload.ready", by=None, on=uploads, attempt=1)

    lanes = {f"operation {upload.operation_id}" for upload in uploads}
    assert set(AuditLane.objects.values_list("name", flat=True)) == lanes
    assert f"{SMALL} events verified" in verify()


def test_it_reads_in_parts_of_constant_size(
    events, monkeypatch, django_assert_num_queries, django_assert_max_num_queries
):
    monkeypatch.setattr(verification, "CHUNK", 4)

    with django_assert_max_num_queries(25) as counted:
        verification.verify()

    limits = [query["sql"] for query in counted.captured_queries if "LIMIT 4" in query["sql"]]
    assert len(limits) >= 3


@pytest.mark.parametrize(
    ("address", "said", "digest"),
    [
        (None, None, "007df6db7dda387417b5f1c1632554cab75abf1cd581a363ef025fe5e5d38c7b"),
        (
            "10.1.2.3",
            "0a010203",
            "3abb808d97513dc704f6a27c57cd905266b2dd995fb324fc610104fdbf222330",
        ),
        (
            "2001:DB8:0:0::1",
            "20010db8000000000000000000000001",
            "4ea8cb010bc47d1c7b19784b3ce1bceb47b20ba77b514c7ea47eabdec30369be",
        ),
        (
            "::ffff:10.1.2.3",
            "00000000000000000000ffff0a010203",
            "9ea02e3406a81b4c8473d34f24af1a3765b5ebe4b8177e948657b8b77c295b92",
        ),
        (
            "::ffff:a01:203",
            "00000000000000000000ffff0a010203",
            "9ea02e3406a81b4c8473d34f24af1a3765b5ebe4b8177e948657b8b77c295b92",
        ),
    ],
)
def test_a_digest_is_the_same_for_ever(address, said, digest):
    """Python's own spelling of a mapped address, for one, has changed from release to release."""
    content = {
        "id": 7,
        "created_at": datetime(2026, 11, 28, 22, 30, 1, 5, tzinfo=UTC),
        "actor_id": "3",
        "actor_name": "Íñigo",
        "action": "handle.copied",
        "object_type": "upload",
        "object_code": "x",
        "object_label": "Catálogo 🙂",
        "data": {"rows": 1000.0, "share": 0.5, "parts": [None, True, "ñ"]},
        "address": address,
    }

    assert digests._address(address) == said
    assert digests.digest_of("f" * 64, lane="person 3", number=2, content=content) == digest


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "2001:db8::a01:203", "10.1.2.3"])
def test_an_address_reads_back_as_it_was_chained(db, owner, address):
    AuditEvent.objects.record("person.signed_in", by=owner, on=owner, address=address)

    assert "1 events verified" in verify()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(categories=["L", "N"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(
    data=JSON,
    label=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=150),
    address=st.none() | st.ip_addresses().map(str),
)
def test_whatever_an_event_holds_reads_back_as_it_was_chained(db, data, label, address):
    person = make_user(roles.SUPERVISOR)
    person.username = label or "x"
    AuditEvent.objects.record("person.changed", by=person, on=person, address=address, data=data)

    verification.verify()


@pytest.mark.django_db(transaction=True)
def test_many_who_record_at_once_make_one_unbroken_chain_in_each_lane():
    people = [make_user(roles.SUPERVISOR) for _ in range(3)]
    uploads = [make_upload() for _ in range(3)]

    def record(number):
        try:
            person, upload = people[number % 3], uploads[number % 3]
            with transaction.atomic():
                AuditEvent.objects.record("handle.copied", by=person, on=upload)
                AuditEvent.objects.record_each("upload.ready", by=None, on=uploads)
            AuditEvent.objects.record("history.exported", by=person, rows=number)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(40)))

    assert f"{40 * 5} events verified" in verify()
    assert AuditLane.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_the_list_is_verified_while_others_write():
    people = [make_user(roles.SUPERVISOR) for _ in range(4)]
    ended = threading.Event()

    def record(person):
        try:
            while not ended.is_set():
                AuditEvent.objects.record("person.signed_in", by=person, on=person)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(record, person) for person in people]
        try:
            for _ in range(5):
                verification.verify()
        finally:
            ended.set()
        for each in writing:
            each.result()


@pytest.mark.postgresql_only
@pytest.mark.django_db(transaction=True)
def test_an_event_whose_key_was_drawn_before_others_were_written_is_waited_for(monkeypatch):
    slow, quick = make_user(roles.SUPERVISOR), make_user(roles.SUPERVISOR)
    AuditEvent.objects.record("person.signed_in", by=slow, on=slow)
    drawn, may_write = threading.Event(), threading.Event()

    def record_slowly():
        try:
            with transaction.atomic():
                chain = Chain()
                lane = f"person {slow.pk}"
                chain.locked(lane, rows.run(*chain.locking(lane)))
                drawn.set()
                may_write.wait(timeout=5)
                AuditEvent.objects.record("person.signed_out", by=slow, on=slow, chain=chain)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(record_slowly)
        assert drawn.wait(timeout=5)
        AuditEvent.objects.record("person.signed_in", by=quick, on=quick)

        def read_after_it_was_written(events):
            may_write.set()
            writing.result()
            return read(events)

        read = verification._read
        monkeypatch.setattr(verification, "_read", read_after_it_was_written)
        threading.Timer(0.3, may_write.set).start()
        fingerprint = verification.verify().fingerprint

    assert verification.verify(expected=fingerprint).count == 3


@pytest.mark.postgresql_only
@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_another_persons_transaction():
    first, second = make_user(roles.SUPERVISOR), make_user(roles.SUPERVISOR)

    def record(person):
        try:
            started = time.monotonic()
            AuditEvent.objects.record("person.signed_in", by=person, on=person)
            return time.monotonic() - started
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        AuditEvent.objects.record("person.signed_in", by=first, on=first)
        assert pool.submit(record, second).result(timeout=5) < 5

    assert "2 events verified" in verify()
