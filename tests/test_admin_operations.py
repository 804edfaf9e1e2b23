"""Operations, their tokens and connectors in the admin."""

import re
import sys
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.signals import got_request_exception
from django.utils import timezone
from django.views.debug import ExceptionReporter

from media_assets import crypto, roles
from media_assets.models import AuditEvent, Connector, Operation, PauseReason
from tests.admin_pages import (
    CONNECTORS,
    ENGLISH,
    OPERATIONS,
    OTHER_TOKEN,
    TOKEN,
    actions,
    address,
    everything_written,
    form,
    sealed,
)
from tests.factories import make_connector, make_operation, make_upload, team

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_for, connector_admin):
    return client_for(connector_admin)


@pytest.mark.parametrize(
    "typed",
    ["0042", " wv0042 ", "wv0042.wolkvox.com", "https://wv0042.wolkvox.com/api/v2/whatsapp.php"],
)
def test_a_server_is_accepted_however_people_write_it(web, typed):
    response = web.post(f"{OPERATIONS}add/", form(server=typed))

    assert response.status_code == 302
    assert Operation.objects.get().server == "0042"


@pytest.mark.parametrize(
    "typed",
    ["42", "00421", "0042.evil.test", "https://wv0042.evil.test/", "@evil.test/", "wv0042 x"],
)
def test_anything_else_is_refused_with_what_is_accepted(web, typed):
    response = web.post(f"{OPERATIONS}add/", form(server=typed), headers=ENGLISH)

    assert "Write the server as 0042, wv0042" in response.content.decode()
    assert not Operation.objects.exists()


def test_a_new_operation_with_token_and_connectors(web, connector_admin):
    rows = [{"name": "Ventas", "connector_id": "1266", "groups": [team().pk]}]
    response = web.post(
        f"{OPERATIONS}add/",
        form(rows=rows, new_token=f"  {TOKEN}\r\n"),
        REMOTE_ADDR="10.1.2.3",
    )

    assert response.status_code == 302
    operation = Operation.objects.get()
    assert operation.reveal_token() == TOKEN
    assert operation.is_active
    assert operation.connectors.get().groups.get() == team()
    assert actions() == ["operation.created", "operation.token_set", "connector.created"]
    event = AuditEvent.objects.get(action="operation.token_set")
    assert event.actor_name == connector_admin.username
    assert event.address == "10.1.2.3"
    assert event.data == {"mark": operation.token_mark}
    assert TOKEN not in everything_written()


def test_an_empty_token_field_keeps_the_token(web):
    operation = sealed(TOKEN)
    stored = operation.sealed_token

    web.post(address(operation), form(operation, name="Renamed"))

    operation.refresh_from_db()
    assert operation.name == "Renamed"
    assert operation.sealed_token == stored
    event = AuditEvent.objects.get()
    assert event.action == "operation.changed"
    assert event.data["fields"] == ["name"]
    assert event.data["after"] == {"name": "Renamed"}


def test_the_stored_token_is_on_no_page_but_its_mark_is(web):
    operation = sealed(TOKEN)

    for url in (OPERATIONS, address(operation), address(operation, "history")):
        content = web.get(url).content.decode()
        assert TOKEN not in content
        assert operation.sealed_token not in content
    assert operation.token_mark in web.get(OPERATIONS).content.decode()
    assert operation.token_mark in web.get(address(operation)).content.decode()


def test_after_an_error_the_token_is_not_sent_back(web):
    response = web.post(f"{OPERATIONS}add/", form(server="42", new_token=TOKEN), headers=ENGLISH)

    content = response.content.decode()
    assert TOKEN not in content
    assert "Tienda Andina" in content
    assert "has to be pasted again" in content
    (field,) = re.findall(r"<input[^>]*new_token[^>]*>", content)
    assert 'type="password"' in field
    assert "value" not in field


@pytest.mark.parametrize("bad", ["two parts", "línea", "a\tb", "x" * 513, "a\nb"])
def test_a_token_that_cannot_be_one_is_refused_without_repeating_it(web, bad):
    response = web.post(f"{OPERATIONS}add/", form(new_token=bad), headers=ENGLISH)

    content = response.content.decode()
    assert "without blanks" in content
    assert bad not in content
    assert not Operation.objects.exists()


def test_a_new_token_replaces_the_old_and_ends_the_pause_that_waited_for_it(web):
    operation = sealed(TOKEN)
    Operation.objects.filter(pk=operation.pk).pause(PauseReason.TOKEN, until=None)

    web.post(address(operation), form(operation, new_token=OTHER_TOKEN))

    operation.refresh_from_db()
    assert operation.reveal_token() == OTHER_TOKEN
    assert not operation.paused_reason
    assert actions() == ["operation.token_set"]
    assert OTHER_TOKEN not in everything_written()
    assert "New token" in LogEntry.objects.get().get_change_message()


def test_saving_leaves_a_pause_alone_that_a_worker_made_meanwhile(web, monkeypatch):
    operation = sealed(TOKEN)
    until = timezone.now() + timedelta(hours=1)
    save = Operation.save

    def pause_first(self, *args, **kwargs):
        Operation.objects.filter(pk=operation.pk).pause(PauseReason.QUOTA, until=until)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Operation, "save", pause_first)
    web.post(address(operation), form(operation, name="Renamed", max_in_flight="2"))

    operation.refresh_from_db()
    assert (operation.name, operation.max_in_flight) == ("Renamed", 2)
    assert (operation.paused_reason, operation.paused_until) == (PauseReason.QUOTA, until)


def test_another_server_is_not_saved_before_the_loss_of_the_token_is_confirmed(web):
    operation = sealed(TOKEN, server="0042")

    response = web.post(
        address(operation),
        form(operation, server="wv0043", name="Typed before"),
        headers=ENGLISH,
    )

    content = response.content.decode()
    assert "The token belongs to wv0042 and is removed" in content
    assert 'type="checkbox" name="forget_token"' in content
    assert "Typed before" in content
    operation.refresh_from_db()
    assert (operation.server, operation.reveal_token()) == ("0042", TOKEN)
    assert actions() == []


def test_the_question_is_not_there_before_it_is_needed(web):
    operation = sealed(TOKEN)

    assert 'type="checkbox" name="forget_token"' not in web.get(address(operation)).content.decode()


def test_once_confirmed_the_server_changes_and_the_token_is_gone(web):
    operation = sealed(TOKEN, server="0042")
    mark = operation.token_mark

    web.post(address(operation), form(operation, server="0043", forget_token="on"))

    operation.refresh_from_db()
    assert operation.server == "0043"
    assert not operation.has_token
    assert not operation.token_fingerprint
    assert actions() == ["operation.changed", "operation.token_cleared"]
    assert AuditEvent.objects.get(action="operation.token_cleared").data["mark"] == mark
    assert AuditEvent.objects.get(action="operation.changed").data["before"] == {"server": "0042"}


def test_with_the_new_servers_token_nothing_has_to_be_confirmed(web):
    operation = sealed(TOKEN, server="0042")

    web.post(address(operation), form(operation, server="0043", new_token=OTHER_TOKEN))

    operation.refresh_from_db()
    assert operation.server == "0043"
    assert operation.reveal_token() == OTHER_TOKEN


def test_a_tick_for_nothing_removes_nothing(web):
    operation = sealed(TOKEN)

    web.post(address(operation), form(operation, forget_token="on"))

    operation.refresh_from_db()
    assert operation.has_token


def test_another_server_ends_the_pause_for_the_old_ones_certificate(web):
    operation = sealed(TOKEN, server="0042")
    Operation.objects.filter(pk=operation.pk).pause(PauseReason.CERTIFICATE, until=None)

    web.post(address(operation), form(operation, server="0043", new_token=OTHER_TOKEN))

    operation.refresh_from_db()
    assert not operation.paused_reason
    assert "operation.resumed" in actions()


@pytest.mark.parametrize("keys", [[], ["not a key"]])
def test_without_a_usable_key_pages_work_and_no_token_is_stored(web, settings, keys):
    operation = sealed(TOKEN)
    settings.TOKEN_KEYS = keys

    assert web.get(OPERATIONS).status_code == 200
    assert web.get(address(operation)).status_code == 200
    response = web.post(
        address(operation),
        form(operation, name="Typed before", new_token=OTHER_TOKEN),
        headers=ENGLISH,
    )
    content = response.content.decode()
    assert "missing or damaged" in content
    assert "Typed before" in content
    assert OTHER_TOKEN not in content


def test_under_a_wrong_key_no_token_is_stored_until_the_lost_ones_are_removed(web, settings):
    operation = sealed(TOKEN, name="Tienda")
    settings.TOKEN_KEYS = [crypto.generate_key()]
    typed = form(name="Another", server="0050", new_token=OTHER_TOKEN)

    response = web.post(f"{OPERATIONS}add/", typed, headers=ENGLISH)
    assert "stored token of Tienda is not in TOKEN_KEYS" in response.content.decode()
    assert not Operation.objects.filter(name="Another").exists()

    assert web.get(address(operation, "remove-token")).status_code == 200
    web.post(address(operation, "remove-token"))
    assert web.post(f"{OPERATIONS}add/", typed).status_code == 302
    assert Operation.objects.get(name="Another").reveal_token() == OTHER_TOKEN


def test_for_an_address_that_is_not_acceptable_no_token_is_stored(web, settings):
    operation = sealed(TOKEN)
    settings.WOLKVOX_BASE_URL = "https://wv{server}.evil.test/api/v2/"

    assert web.get(address(operation)).status_code == 200
    response = web.post(
        address(operation), form(operation, new_token=OTHER_TOKEN, name="Typed"), headers=ENGLISH
    )
    assert "check WOLKVOX_BASE_URL" in response.content.decode()
    assert "Typed" in response.content.decode()
    assert Operation.objects.get().sealed_token == operation.sealed_token


def test_an_error_report_of_this_page_holds_no_token(web, settings, monkeypatch):
    settings.DEBUG = True
    reports = []

    def fail(self, request, obj, form, change):
        raise RuntimeError("something else is broken")

    def keep(request, **kwargs):
        reports.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())
        reports.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_text())

    monkeypatch.setattr("media_assets.admin.operations.OperationAdmin.save_model", fail)

    got_request_exception.connect(keep)
    try:
        with pytest.raises(RuntimeError):
            web.post(f"{OPERATIONS}add/", form(new_token=TOKEN))
    finally:
        got_request_exception.disconnect(keep)
    assert "something else is broken" in reports[0]
    assert not [report for report in reports if TOKEN in report]


def test_a_connector_nobody_can_use_is_marked(web):
    lonely = make_connector(groups=[], name="Lonely")
    shared = make_connector(groups=[team("Ventas")])
    mark = "No marketing person can use it"

    assert mark in web.get(CONNECTORS, headers=ENGLISH).content.decode()
    assert mark in web.get(address(lonely.operation), headers=ENGLISH).content.decode()
    assert mark not in web.get(address(shared.operation), headers=ENGLISH).content.decode()
    assert "Lonely" in web.get(CONNECTORS, {"usable": "no"}).content.decode()
    assert "Lonely" not in web.get(CONNECTORS, {"usable": "yes"}).content.decode()


def test_only_groups_that_can_submit_are_offered(web):
    connector = make_connector()
    content = web.get(f"{CONNECTORS}{connector.pk}/change/").content.decode()

    assert roles.MARKETING in content
    assert roles.CONNECTOR_ADMIN not in content


def test_a_changed_connector_is_recorded_with_its_groups_before_and_after(web):
    connector = make_connector(groups=[team("A"), team("B")])
    row = form(connector.operation, rows=[connector])
    row["connectors-0-name"] = "Renamed"
    row["connectors-0-groups"] = [team("B").pk, team("C").pk]

    web.post(address(connector.operation), row)

    event = AuditEvent.objects.get()
    assert event.action == "connector.changed"
    assert event.data["before"]["groups"] == ["A", "B"]
    assert event.data["after"] == {"name": "Renamed", "groups": ["B", "C"]}


def test_a_disabled_connector_is_recorded(web):
    connector = make_connector()
    row = form(connector.operation, rows=[connector])
    del row["connectors-0-is_active"]

    web.post(address(connector.operation), row)

    connector.refresh_from_db()
    assert not connector.is_active
    assert actions() == ["connector.disabled"]


def test_a_number_twice_in_one_operation_is_refused(web):
    connector = make_connector()
    again = {"name": "Again", "connector_id": connector.connector_id}

    response = web.post(
        address(connector.operation), form(connector.operation, rows=[connector, again])
    )

    assert response.status_code == 200
    assert Connector.objects.count() == 1


def test_the_connectors_own_page_changes_it(web):
    connector = make_connector()
    url = f"{CONNECTORS}{connector.pk}/change/"

    web.post(
        url, {"name": "Renamed", "connector_id": "77", "is_active": "on", "groups": [team("X").pk]}
    )

    connector.refresh_from_db()
    assert (connector.name, connector.connector_id) == ("Renamed", "77")
    assert [group.name for group in connector.groups.all()] == ["X"]
    assert actions() == ["connector.changed"]


def test_a_number_that_is_taken_is_refused_on_the_connectors_own_page(web):
    taken = make_connector(name="Ventas")
    connector = make_connector(taken.operation)
    elsewhere = make_connector()
    url = f"{CONNECTORS}{connector.pk}/change/"

    response = web.post(url, {"name": "Renamed", "connector_id": taken.connector_id})
    assert "already has a connector with this number: Ventas" in response.content.decode()

    response = web.post(url, {"name": "Renamed", "connector_id": elsewhere.connector_id})
    assert response.status_code == 302
    connector.refresh_from_db()
    assert connector.connector_id == elsewhere.connector_id


def test_the_number_of_a_used_connector_stays_whatever_is_posted(web):
    used = make_upload().connector
    before = used.connector_id
    own_page = f"{CONNECTORS}{used.pk}/change/"
    row = form(used.operation, rows=[used]) | {"connectors-0-connector_id": "77"}

    for url, forged in ((own_page, {"connector_id": "77"}), (address(used.operation), row)):
        (field,) = re.findall(
            r"<input[^>]*connector_id\"[^>]*value[^>]*>", web.get(url).content.decode()
        )
        assert " disabled" in field
        name = "name" if url == own_page else "connectors-0-name"
        assert web.post(url, forged | {name: f"Renamed {url}"}).status_code == 302
        used.refresh_from_db()
        assert (used.name, used.connector_id) == (f"Renamed {url}", before)


@pytest.mark.parametrize("action", ["enable", "disable"])
def test_connectors_are_switched_in_the_list(web, action):
    connector = make_connector(is_active=action == "disable")
    already = make_connector(is_active=action == "enable")

    web.post(CONNECTORS, {"action": action, "_selected_action": [connector.pk, already.pk]})

    connector.refresh_from_db()
    assert connector.is_active is (action == "enable")
    assert actions() == [f"connector.{action}d"]


def test_without_a_history_an_operation_may_be_deleted(web):
    operation = make_connector(sealed(TOKEN)).operation

    web.post(address(operation, "delete"), {"post": "yes"})

    assert not Operation.objects.exists()
    assert actions() == ["connector.deleted", "operation.deleted"]
    of_line, of_operation = AuditEvent.objects.order_by("id")
    assert of_line.data == {"operation": operation.name}
    assert of_operation.object_label == operation.name


def test_what_has_a_history_has_no_delete_button_and_no_delete_page(web):
    upload = make_upload()
    for url in (
        address(upload.operation, "delete"),
        f"{CONNECTORS}{upload.connector.pk}/delete/",
    ):
        assert web.get(url).status_code == 404
        assert web.post(url, {"post": "yes"}).status_code == 404
    assert "deletelink" not in web.get(address(upload.operation)).content.decode()
    assert Operation.objects.filter(pk=upload.operation.pk).exists()


@pytest.mark.parametrize("list_url", [OPERATIONS, CONNECTORS])
def test_deleting_many_refuses_what_has_a_history_in_a_sentence(web, list_url):
    upload = make_upload()
    kept = upload.operation if list_url == OPERATIONS else upload.connector
    free = make_connector()
    selected = [kept.pk, (free.operation if list_url == OPERATIONS else free).pk]

    for confirmation in ({}, {"post": "yes"}):
        response = web.post(
            list_url,
            {"action": "delete_selected", "_selected_action": selected, **confirmation},
            headers=ENGLISH,
        )
        assert "has a history and cannot be deleted" in response.content.decode()
    assert Operation.objects.count() == 2
    assert Connector.objects.count() == 2
    assert actions() == []


def test_deleting_many_without_a_history_is_recorded_one_by_one(web):
    first, second = make_connector().operation, make_operation()

    web.post(
        OPERATIONS,
        {"action": "delete_selected", "_selected_action": [first.pk, second.pk], "post": "yes"},
    )

    assert not Operation.objects.exists()
    assert actions() == ["connector.deleted", "operation.deleted", "operation.deleted"]


def test_a_row_with_a_history_is_not_deleted_on_its_operations_page(web):
    kept = make_upload().connector
    free = make_connector(kept.operation)
    rows = form(kept.operation, rows=[kept, free])

    response = web.post(
        address(kept.operation),
        rows | {"connectors-0-DELETE": "on"},
        headers=ENGLISH,
    )
    assert "has a history and cannot be deleted" in response.content.decode()

    web.post(address(kept.operation), rows | {"connectors-1-DELETE": "on"})
    assert list(Connector.objects.all()) == [kept]
    assert actions() == ["connector.deleted"]


def test_the_list_says_in_words_what_each_operation_does(web):
    now = timezone.now()
    sealed(TOKEN, name="One")
    make_operation(name="Two")
    sealed(TOKEN, name="Three", is_active=False)
    sealed(
        TOKEN,
        name="Four",
        paused_reason=PauseReason.QUOTA,
        paused_until=now + timedelta(hours=1),
    )
    sealed(TOKEN, name="Five", paused_reason=PauseReason.MANUAL)

    content = web.get(OPERATIONS, headers=ENGLISH).content.decode()

    for words in ("Active", "No token", "Disabled", "Paused until somebody resumes it: Paused by"):
        assert words in content
    assert re.search(r"Paused until [0-9/: apm.]+: The daily limit", content)


def test_an_operations_page_takes_as_few_queries_for_many_connectors(
    web, django_assert_max_num_queries
):
    operation = sealed(TOKEN)
    for _ in range(40):
        make_connector(operation)

    with django_assert_max_num_queries(27):
        web.get(address(operation))


def test_an_operation_with_very_many_connectors_can_be_saved(web):
    operation, groups = sealed(TOKEN), [team(f"Team {n}") for n in range(4)]
    rows = [make_connector(operation) for _ in range(150)]
    for row in rows:
        row.groups.set(groups)

    sent = form(operation, rows=rows, name="Otra tienda")

    assert sum(len(value) if isinstance(value, list) else 1 for value in sent.values()) > 1_000
    assert web.post(address(operation), sent).status_code == 302
    operation.refresh_from_db()
    assert operation.name == "Otra tienda"


def test_the_list_takes_as_many_queries_for_many_as_for_one(web, django_assert_max_num_queries):
    for _ in range(12):
        make_connector(sealed(TOKEN))

    with django_assert_max_num_queries(12):
        web.get(OPERATIONS)
