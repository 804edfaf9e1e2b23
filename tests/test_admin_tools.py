"""What can be done to an operation besides editing it; wolkvox is the sandbox on this machine."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from media_assets import crypto, roles
from media_assets.admin import importing, vendor
from media_assets.models import AuditEvent, Connector, Operation, PauseReason, Status
from media_assets.wolkvox.client import ConnectorInfo
from media_assets.wolkvox.sandbox import Sandbox
from tests.admin_pages import (
    ENGLISH,
    OPERATIONS,
    OTHER_TOKEN,
    TOKEN,
    actions,
    address,
    everything_written,
    sealed,
)
from tests.factories import make_connector, make_operation, make_upload, make_user, team

TOOLS = ["test", "import", "pause", "resume", "enable", "disable", "remove-token"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_for, connector_admin):
    return client_for(connector_admin)


@pytest.fixture
def box(settings):
    with Sandbox(port=0, operations={"0042": TOKEN}) as sandbox:
        settings.WOLKVOX_BASE_URL = sandbox.base_url
        yield sandbox


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("role", [roles.MARKETING, roles.SUPERVISOR])
def test_who_may_not_change_operations_finds_no_tool(client_for, role, tool):
    operation = sealed(TOKEN)
    client = client_for(make_user(role))

    assert client.get(address(operation, tool)).status_code == 404
    assert client.post(address(operation, tool)).status_code == 404


@pytest.mark.parametrize("tool", TOOLS)
def test_opening_a_tool_changes_and_sends_nothing(web, box, tool):
    operation = sealed(TOKEN, server="0042")
    before = Operation.objects.values().get()

    assert web.get(address(operation, tool)).status_code == 200

    assert Operation.objects.values().get() == before
    assert not box.ledger.calls
    assert actions() == []


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_refuse_a_post_from_another_site(connector_admin, tool):
    client = Client(enforce_csrf_checks=True)
    client.force_login(connector_admin)

    assert client.post(address(make_operation(), tool)).status_code == 403


def test_a_working_connection_says_how_much_of_the_day_is_used(web, box):
    operation = sealed(TOKEN, server="0042")
    question = web.get(address(operation, "test"), headers=ENGLISH).content.decode()

    response = web.post(address(operation, "test"), follow=True, headers=ENGLISH)

    assert "costs one of today" in question
    assert "The connection works. 1 of 1,000,000 calls are used today." in response.content.decode()
    event = AuditEvent.objects.get()
    assert event.action == "operation.tested"
    assert event.data == {"outcome": "works", "used": 1, "limit": 1000000}
    assert TOKEN not in response.content.decode()
    assert TOKEN not in everything_written()


def test_a_wrong_token_is_told_apart_from_a_wrong_address(web, box, settings):
    wrong_token = sealed(OTHER_TOKEN, server="0042")

    response = web.post(address(wrong_token, "test"), follow=True, headers=ENGLISH)
    assert "olkvox refuses the token" in response.content.decode()

    settings.WOLKVOX_BASE_URL = "http://127.0.0.1:9/wv{server}/api/v2/"
    nobody_there = sealed(TOKEN, server="0043")
    response = web.post(address(nobody_there, "test"), follow=True, headers=ENGLISH)
    assert "could not be reached at 127.0.0.1:9" in response.content.decode()
    outcomes = [event.data["outcome"] for event in AuditEvent.objects.order_by("id")]
    assert outcomes == ["token", "not_sent"]
    assert OTHER_TOKEN not in everything_written()


def test_a_used_up_quota_is_told(web, box):
    box.operations["0042"].daily_limit = 0
    operation = sealed(TOKEN, server="0042")

    response = web.post(address(operation, "test"), follow=True, headers=ENGLISH)

    assert "calls of today are used up" in response.content.decode()


@pytest.mark.parametrize("fault", ["msg-token", "html-502", "redirect-302", "empty"])
def test_no_answer_of_wolkvox_brings_the_token_onto_the_page(web, box, fault):
    operation = sealed(TOKEN, server="0042")
    box.faults.set(fault, api="token_info")

    response = web.post(address(operation, "test"), follow=True)

    assert response.status_code == 200
    assert TOKEN not in response.content.decode()
    assert TOKEN not in everything_written()
    assert actions() == ["operation.tested"]


def test_every_failure_of_a_call_has_a_sentence():
    codes = {"not_sent", "certificate", "busy", "simultaneous", "quota", "token", "unclear"}

    assert codes | {"refused"} == set(vendor.SENTENCES)


@pytest.mark.parametrize("tool", ["test", "import"])
@pytest.mark.parametrize(
    ("limits", "in_flight", "allowed"),
    [
        ((1, 1), 0, True),
        ((1, 1), 1, False),
        ((2, 1), 1, False),
        ((2, 2), 1, True),
        ((2, 2), 2, False),
    ],
)
def test_no_call_is_made_beyond_the_smallest_limit_of_a_token(
    web, box, tool, limits, in_flight, allowed
):
    operation, sharing = (sealed(TOKEN, server="0042", max_in_flight=limit) for limit in limits)
    connector = make_connector(sharing)
    for _ in range(in_flight):
        make_upload(connector, status=Status.SENDING)

    response = web.post(address(operation, tool), follow=True)

    assert len(box.ledger.calls) == allowed
    assert (AuditEvent.objects.get().data["outcome"] == "simultaneous") is not allowed
    assert ("Wait a moment and try again" in response.content.decode()) is not allowed


def test_a_lost_call_that_wolkvox_may_still_count_takes_its_place(web, box):
    operation = sealed(TOKEN, server="0042")
    until = timezone.now() + timedelta(minutes=1)
    make_upload(make_connector(operation), status=Status.QUEUED, lease_until=until)

    web.post(address(operation, "test"))

    assert not box.ledger.calls


def test_a_list_that_could_not_be_read_is_recorded_too(web, box):
    operation = sealed(OTHER_TOKEN, server="0042")

    web.post(address(operation, "import"))

    event = AuditEvent.objects.get()
    assert event.action == "operation.connectors_read"
    assert event.data == {"outcome": "token"}


def test_import_leaves_out_what_could_not_be_stored():
    infos = [
        ConnectorInfo(connector_id=number, channel="whatsapp", name="")
        for number in ("1266", "a/b", "", "1" * 41, "12 66")
    ]

    assert [one.connector_id for one in importing.whatsapp_only(infos)] == ["1266"]


def test_a_paused_operation_is_said_to_be_paused_still(web, box):
    operation = sealed(TOKEN, server="0042")
    Operation.objects.filter(pk=operation.pk).pause(PauseReason.TOKEN, until=None)

    response = web.post(address(operation, "test"), follow=True, headers=ENGLISH)

    assert "still paused" in response.content.decode()


def test_without_a_token_there_is_nothing_to_test(web, box):
    operation = make_operation(server="0042")

    response = web.post(address(operation, "test"), follow=True, headers=ENGLISH)

    assert "no token yet" in response.content.decode()
    assert not box.ledger.calls


def found_in(response):
    (found,) = re.findall(r'name="found" value="([^"]+)"', response.content.decode())
    return found


def test_import_shows_what_is_new_known_and_named_differently_before_it_writes(web, box):
    operation = sealed(TOKEN, server="0042")
    make_connector(operation, connector_id="1266", name="Old name")

    response = web.post(address(operation, "import"), headers=ENGLISH)

    content = response.content.decode()
    assert "Called Old name here" in content
    assert re.search(r'value="1267"[^>]* checked', content)
    assert 'value="1266"' not in content
    assert "Facebook" not in content
    assert Connector.objects.count() == 1
    assert actions() == ["operation.connectors_read"]
    assert AuditEvent.objects.get().data == {"outcome": "works", "found": 2}
    assert TOKEN not in content


def test_import_writes_what_was_chosen_with_its_groups(web, box):
    operation = sealed(TOKEN, server="0042")
    found = found_in(web.post(address(operation, "import")))
    calls = len(box.ledger.calls)

    web.post(
        address(operation, "import"),
        {"found": found, "connectors": ["1267"], "groups": [team().pk]},
    )

    connector = operation.connectors.get()
    assert (connector.connector_id, connector.name) == ("1267", "WhatsApp Servicio al cliente")
    assert [group.name for group in connector.groups.all()] == [team().name]
    assert actions() == ["operation.connectors_read", "connector.imported"]
    assert len(box.ledger.calls) == calls


def test_import_without_a_choice_asks_again(web, box):
    operation = sealed(TOKEN, server="0042")
    found = found_in(web.post(address(operation, "import")))

    response = web.post(
        address(operation, "import"),
        {"found": found, "groups": [team().pk]},
        headers=ENGLISH,
    )

    content = response.content.decode()
    assert "Choose at least one connector" in content
    assert re.search(rf'value="{team().pk}"[^>]* checked', content)
    assert not Connector.objects.exists()


def test_import_takes_no_list_that_the_page_did_not_make(web, box):
    operation, other = (sealed(TOKEN, server="0042") for _ in range(2))
    found = found_in(web.post(address(other, "import")))

    for forged in (found, "made-up"):
        web.post(address(operation, "import"), {"found": forged, "connectors": ["1267"]})
    assert not Connector.objects.exists()


def test_importing_twice_makes_one_connector(web, box):
    operation = sealed(TOKEN, server="0042")
    chosen = {"found": found_in(web.post(address(operation, "import"))), "connectors": ["1266"]}

    web.post(address(operation, "import"), chosen)
    web.post(address(operation, "import"), chosen)

    assert operation.connectors.count() == 1
    assert actions() == ["operation.connectors_read", "connector.imported"]


def test_pause_and_resume(web):
    operation = sealed(TOKEN)

    web.post(address(operation, "pause"))
    operation.refresh_from_db()
    assert operation.paused_reason == PauseReason.MANUAL
    web.post(address(operation, "pause"))
    web.post(address(operation, "resume"))
    operation.refresh_from_db()
    assert not operation.paused_reason
    assert actions() == ["operation.paused", "operation.resumed"]


def test_several_operations_are_switched_in_the_list(web):
    first, second = make_operation(), make_operation()
    for action in ("pause", "resume", "disable", "enable"):
        web.post(OPERATIONS, {"action": action, "_selected_action": [first.pk, second.pk]})

    words = ["paused", "resumed", "disabled", "enabled"]
    assert actions() == [f"operation.{word}" for word in words for _ in range(2)]


def test_who_may_only_look_cannot_switch_in_the_list(client_for, supervisor):
    operation = make_operation()
    for action in ("pause", "resume", "disable", "enable"):
        sent = {"action": action, "_selected_action": [operation.pk]}
        client_for(supervisor).post(OPERATIONS, sent)

    operation.refresh_from_db()
    assert (operation.paused_reason, operation.is_active) == ("", True)
    assert actions() == ["access.refused"] * 4


@pytest.mark.parametrize(
    ("action", "tool"), [("test_connection", "test"), ("import_connectors", "import")]
)
def test_what_costs_calls_is_done_for_one_operation_at_a_time(web, action, tool):
    first, second = sealed(TOKEN), sealed(TOKEN)

    one = web.post(OPERATIONS, {"action": action, "_selected_action": [first.pk]})
    both = web.post(OPERATIONS, {"action": action, "_selected_action": [first.pk, second.pk]})

    assert one["Location"] == address(first, tool)
    assert both["Location"] == OPERATIONS


def test_under_a_wrong_key_nothing_is_asked_of_wolkvox(web, box, settings):
    operation = sealed(TOKEN, server="0042")
    settings.TOKEN_KEYS = [crypto.generate_key()]

    response = web.post(address(operation, "test"), follow=True)

    assert "TOKEN_KEYS" in response.content.decode()
    assert not box.ledger.calls


ELSEWHERE = [
    "http://127.0.0.1:9000/api/v2/",
    "https://wv{server}.evil.test/api/v2/",
    "",
    "{server}",
]


@pytest.mark.parametrize("tool", ["test", "import"])
@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_an_address_that_is_not_acceptable_is_a_sentence_and_no_call(
    web, box, settings, tool, pattern
):
    operation = sealed(TOKEN, server="0042")
    settings.WOLKVOX_BASE_URL = pattern

    response = web.post(address(operation, tool), follow=True, headers=ENGLISH)

    assert response.status_code == 200
    assert "check WOLKVOX_BASE_URL" in response.content.decode()
    assert AuditEvent.objects.get().data == {"outcome": "local"}
    assert not box.ledger.calls


@pytest.mark.parametrize("tool", ["test", "import"])
@pytest.mark.parametrize("server", ["", "@e.t", "1/..", "00 4", "٠٠٤٢", "004"])
def test_a_server_that_somebody_wrote_past_the_form_is_a_sentence_and_no_call(
    web, box, tool, server
):
    operation = sealed(TOKEN, server="0042")
    Operation.objects.filter(pk=operation.pk).update(server=server)

    response = web.post(address(operation, tool), follow=True, headers=ENGLISH)

    assert response.status_code == 200
    assert "Check that the server is four digits" in response.content.decode()
    assert not box.ledger.calls


@pytest.mark.parametrize("tool", ["test", "import"])
def test_missing_certificates_of_authorities_are_a_sentence(web, box, monkeypatch, tool):
    operation = sealed(TOKEN, server="0042")
    monkeypatch.setattr("media_assets.wolkvox.client.DEFAULT_CA_BUNDLE_PATH", "/nowhere.pem")

    response = web.post(address(operation, tool), follow=True, headers=ENGLISH)

    assert "needs to check certificates is missing" in response.content.decode()
    assert not box.ledger.calls
