"""The admin records after all rows that a page changes, so that two tabs cannot lock each other."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from media_assets import roles
from media_assets.admin import importing
from media_assets.models import AuditEvent, Connector, Operation, verification
from tests.admin_pages import CONNECTORS, OPERATIONS, OTHER_TOKEN, TOKEN, address, form, sealed
from tests.factories import make_connector, make_operation, make_user, team

CHANGES = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?')
THE_LISTS_OWN = {"media_assets_auditevent", "media_assets_auditlane"}
AFTER_THE_TRANSACTION = {"django_session", "media_assets_cache"}


@pytest.fixture
def web(client_for, owner):
    return client_for(owner)


def add_an_operation(web):
    row = {"name": "Ventas", "connector_id": "1266", "groups": [team().pk]}
    return web.post(f"{OPERATIONS}add/", form(rows=[row], new_token=TOKEN))


def change_an_operation_and_its_connectors(web):
    operation = sealed(TOKEN)
    kept, gone = make_connector(operation), make_connector(operation)
    changed = {"connectors-0-name": "Otra", "connectors-1-DELETE": "on", "new_token": OTHER_TOKEN}
    sent = form(operation, rows=[kept, gone], name="Otra tienda") | changed
    return web.post(address(operation), sent)


def move_an_operation_to_another_server(web):
    operation = sealed(TOKEN)
    rows = [make_connector(operation)]
    sent = form(operation, rows=rows, server="0043", forget_token="on")
    return web.post(address(operation), sent | {"connectors-0-name": "Otra"})


def change_a_connector(web):
    connector = make_connector()
    sent = {"name": "Otra", "connector_id": connector.connector_id, "groups": [team("Chile").pk]}
    return web.post(f"{CONNECTORS}{connector.pk}/change/", sent)


def delete_an_operation(web):
    return web.post(address(make_connector().operation, "delete"), {"post": "yes"})


def delete_many(web):
    keys = [make_connector().operation.pk, make_operation().pk]
    chosen = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    return web.post(OPERATIONS, chosen)


def change_a_person(web):
    group = team()
    person = make_user(roles.MARKETING, groups=[group])
    sent = {"username": "renamed", "groups": [group.pk]}
    return web.post(f"/admin/auth/user/{person.pk}/change/", sent)


PAGES = [
    add_an_operation,
    change_an_operation_and_its_connectors,
    move_an_operation_to_another_server,
    change_a_connector,
    delete_an_operation,
    delete_many,
    change_a_person,
]


def changed_tables(queries):
    found = [CHANGES.match(query["sql"]) for query in queries]
    return [match[1] for match in found if match and match[1] not in AFTER_THE_TRANSACTION]


def assert_events_are_last(queries):
    tables = changed_tables(queries)
    first = next(number for number, table in enumerate(tables) if table in THE_LISTS_OWN)
    assert set(tables[:first]) - THE_LISTS_OWN
    assert set(tables[first:]) <= THE_LISTS_OWN


@pytest.mark.django_db
@pytest.mark.parametrize("save", PAGES, ids=lambda save: save.__name__)
def test_no_row_is_changed_after_the_first_event(web, save):
    with CaptureQueriesContext(connection) as queries:
        assert save(web).status_code == 302

    told = AuditEvent.objects.exclude(action__startswith="person.signed")
    assert told.exists()
    assert_events_are_last(_of_the_page(queries))
    verification.verify()


@pytest.mark.django_db
def test_nor_by_an_import_of_several_connectors(rf, owner):
    operation = make_operation()
    request = rf.post("/")
    request.user = owner
    rows = [importing.Row("1", "Uno", ""), importing.Row("2", "Dos", "")]
    chosen = importing.ChoiceForm({"connectors": ["1", "2"], "groups": []}, rows=rows)
    assert chosen.is_valid()

    with CaptureQueriesContext(connection) as queries:
        importing.write(request, operation, form=chosen)

    assert_events_are_last(queries)
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db
def test_an_event_of_what_is_gone_still_names_it(web):
    connector = make_connector()

    web.post(address(connector.operation, "delete"), {"post": "yes"})

    of_connector, of_operation = AuditEvent.objects.order_by("id")
    assert of_connector.object_label == str(connector)
    assert of_connector.object_code == str(connector.code)
    assert of_operation.object_code == str(connector.operation.code)


@pytest.mark.django_db
def test_an_event_of_what_is_gone_keeps_its_number(web):
    group = Group.objects.create(name="Chile")

    web.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})

    assert AuditEvent.objects.get().object_code == str(group.pk)


@pytest.mark.django_db
def test_what_is_not_saved_is_not_recorded(web, monkeypatch):
    operation = make_operation()
    web.raise_request_exception = False
    monkeypatch.setattr("media_assets.admin.operations.submission.wake_workers", lambda: 1 / 0)

    response = web.post(address(operation), form(operation, name="Otra tienda"))

    assert response.status_code == 500
    assert Operation.objects.get().name == operation.name
    assert not AuditEvent.objects.exists()


@pytest.mark.postgresql_only
@pytest.mark.django_db(transaction=True)
def test_two_tabs_of_one_person_do_not_lock_each_other(client_for, monkeypatch):
    owner = make_user("Owner")
    connector = make_connector(sealed(TOKEN))
    tabs = [client_for(owner), client_for(owner)]
    form_of_page = form(connector.operation, rows=[connector], name="Otra tienda")
    is_between, other_has_changed = threading.Event(), threading.Event()
    save = Connector.save

    def save_later(self, *arguments, **values):
        is_between.set()
        other_has_changed.wait(timeout=1)
        return save(self, *arguments, **values)

    monkeypatch.setattr(Connector, "save", save_later)

    def change():
        try:
            sent = form_of_page | {"connectors-0-name": "Otra"}
            return tabs[0].post(address(connector.operation), sent).status_code
        finally:
            connection.close()

    def disable():
        try:
            assert is_between.wait(timeout=5)
            chosen = {"action": "disable", "_selected_action": [connector.pk]}
            return tabs[1].post(CONNECTORS, chosen).status_code
        finally:
            other_has_changed.set()
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(change), pool.submit(disable)]
        assert [each.result(timeout=20) for each in answers] == [302, 302]

    verification.verify()


def _of_the_page(queries):
    """Without what made the rows for it: what follows the last look at the session."""
    sqls = [query["sql"] for query in queries]
    last = max(n for n, sql in enumerate(sqls) if 'FROM "django_session"' in sql)
    return queries.captured_queries[last:]
