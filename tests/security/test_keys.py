"""Whatever happens to the keys: no wrong token is sent, the lists stay up, the right key heals."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from media_assets import crypto, roles
from media_assets.models import Operation, PauseReason, Status, Upload
from media_assets.wolkvox.sandbox import Sandbox
from tests.admin_pages import ENGLISH, OPERATIONS, address, form
from tests.factories import make_connector, make_operation, make_upload, make_user, team
from tests.faults.delivering import run_worker, skip_waits
from tests.security.artefacts import Artefacts
from tests.security.world import FIRST, MISTYPED, SECOND

OLD, NEW, STRANGE = (crypto.generate_key() for _ in range(3))
LISTS = ["/", "/history/", "/handles/", OPERATIONS, "/admin/media_assets/connector/"]
READERS = [roles.MARKETING, roles.SUPERVISOR, roles.CONNECTOR_ADMIN, "Owner"]
TOKENS = {"0042": FIRST, "0077": SECOND, "0078": FIRST}


@pytest.fixture
def box(settings):
    settings.TOKEN_KEYS = [OLD]
    with Sandbox(operations=TOKENS) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        yield box


@pytest.fixture
def lines(box, db):
    """A connector of each operation; two operations share a token."""
    return [
        make_connector(
            make_operation(server=server, token=token),
            connector_id=box.operations[server].connectors[0]["connector_id"],
        )
        for server, token in TOKENS.items()
    ]


@pytest.fixture
def people(db):
    groups = {roles.MARKETING: [team()]}
    return {role: make_user(role, groups=groups.get(role, ())) for role in READERS}


def browser(person):
    client = Client(headers=ENGLISH)
    client.force_login(person)
    return client


def queue(lines):
    return [make_upload(line, status=Status.QUEUED) for line in lines]


def sealed_values():
    return dict(Operation.objects.values_list("pk", "sealed_token"))


def assert_nothing_is_sent(box, lines, people):
    """Neither by a worker nor by the admin, while everybody still reads their lists."""
    queue(lines)
    before, calls = sealed_values(), len(box.ledger.calls)
    run_worker()
    admin = browser(people[roles.CONNECTOR_ADMIN])
    for line in lines:
        for tool in ("test", "import"):
            url = address(line.operation, tool)
            answer = admin.post(url, follow=True).content.decode()
            assert "TOKEN_KEYS" in answer
    assert len(box.ledger.calls) == calls
    for person in people.values():
        for url in LISTS:
            assert browser(person).get(url).status_code in (200, 404)
    waiting = Upload.objects.filter(status=Status.QUEUED)
    assert waiting.count() == len(lines)
    assert browser(people["Owner"]).get(waiting[0].get_absolute_url()).status_code == 200
    assert set(Operation.objects.values_list("paused_reason", flat=True)) == {PauseReason.LOCAL}
    assert sealed_values() == before
    assert_no_plaintext()


def assert_all_is_sent(box, lines):
    """With the token of each operation, and nothing else."""
    skip_waits()
    queue(lines)
    run_worker()
    skip_waits()
    run_worker()
    assert not Upload.objects.exclude(status=Status.READY).exists()
    for call in box.ledger.calls:
        assert call.token == box.ledger.mask(TOKENS[call.server])
    assert {call.server for call in box.ledger.calls} == set(TOKENS)


def assert_no_plaintext():
    read = Artefacts(tokens=[FIRST, SECOND, MISTYPED], keys=[OLD, NEW, STRANGE])
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            read.add("table", table, repr(cursor.fetchall()))
    assert read.hits == []
    assert read.read.total() > 10


@pytest.mark.parametrize(
    "keys",
    [[], ["damaged"], [STRANGE], [NEW, STRANGE], [OLD[:-1]], [OLD[::-1]], [OLD.swapcase()]],
    ids=["missing", "damaged", "wrong", "removed too early", "cut off", "reversed", "letter case"],
)
def test_without_the_right_key_nothing_is_sent_and_with_it_everything(
    keys, box, lines, people, settings
):
    settings.TOKEN_KEYS = keys
    assert_nothing_is_sent(box, lines, people)

    admin, operation = browser(people[roles.CONNECTOR_ADMIN]), lines[0].operation
    answer = admin.post(address(operation), form(operation, new_token=MISTYPED, name="Typed"))
    assert "TOKEN_KEYS" in answer.content.decode()
    assert "Typed" in answer.content.decode()
    assert MISTYPED not in answer.content.decode()

    settings.TOKEN_KEYS = [OLD]
    assert_all_is_sent(box, lines)


@pytest.mark.parametrize("keys", [[NEW, OLD], [OLD, NEW], [STRANGE, OLD, NEW], [OLD, OLD]])
def test_the_order_of_keys_sends_no_wrong_token(keys, box, lines, people, settings):
    settings.TOKEN_KEYS = [NEW, OLD]
    lines[1].operation.set_token(SECOND)  # sealed under the newer one
    settings.TOKEN_KEYS = keys
    if NEW not in keys:
        queue(lines)
        run_worker()
        assert all(call.token == box.ledger.mask(TOKENS[call.server]) for call in box.ledger.calls)
        settings.TOKEN_KEYS = [NEW, OLD]
    assert_all_is_sent(box, lines)
    assert_no_plaintext()


def rotate_until(statement):
    """Rotate, and be killed before that statement; whether it came so far."""
    count = 0

    def killed(execute, sql, parameters, many, context):
        nonlocal count
        count += 1
        if count == statement:
            raise KeyboardInterrupt
        return execute(sql, parameters, many, context)

    try:
        with connection.execute_wrapper(killed):
            call_command("rotate_tokens", verbosity=0, stdout=_Nowhere())
    except KeyboardInterrupt:
        return True
    return False


class _Nowhere:
    def write(self, text):
        return len(text)

    def flush(self):
        return None


def test_a_rotation_killed_at_any_statement_loses_nothing(box, lines, settings):
    settings.TOKEN_KEYS = [NEW, OLD]
    kills = 0
    while rotate_until(kills + 1):
        kills += 1
        for line in lines:
            operation = Operation.objects.get(pk=line.operation_id)
            assert operation.reveal_token() == TOKENS[operation.server]
        first, _, sharing = Operation.objects.order_by("pk")
        assert first.token_fingerprint == sharing.token_fingerprint
        # what was done stays done: begin again with everything under the old key
        settings.TOKEN_KEYS = [OLD, NEW]
        assert not rotate_until(0)
        settings.TOKEN_KEYS = [NEW, OLD]
    assert kills > len(lines)
    settings.TOKEN_KEYS = [NEW]
    assert_all_is_sent(box, lines)
    assert_no_plaintext()


def changed(value, place):
    """The sealed value with one character of that part replaced."""
    version, key, body = value.split(".")
    first_of_body = len(version) + len(key) + 2
    at = {
        "version": 1,
        "dot": 2,
        "key": 3,
        "end of the key": first_of_body - 2,
        "nonce": first_of_body,
        "end of the nonce": first_of_body + 15,
        "ciphertext": first_of_body + 16,
        "middle": first_of_body + len(body) // 2,
        "tag": len(value) - 20,
        "end": len(value) - 1,
    }[place]
    other = "A" if value[at] != "A" else "B"
    if place in {"key", "end of the key"}:
        other = "0" if value[at] != "0" else "1"
    return value[:at] + other + value[at + 1 :]


@pytest.mark.parametrize(
    "place",
    [
        "version",
        "dot",
        "key",
        "end of the key",
        "nonce",
        "end of the nonce",
        "ciphertext",
        "middle",
        "tag",
        "end",
    ],
)
def test_a_changed_value_is_never_sent_and_the_right_one_is_at_once(place, box, lines, people):
    right = sealed_values()
    for pk, value in right.items():
        Operation.objects.filter(pk=pk).update(sealed_token=changed(value, place))
    assert_nothing_is_sent(box, lines, people)
    with pytest.raises(CommandError, match="could not be opened"):
        call_command("rotate_tokens", "--check", stdout=_Nowhere())

    for pk, value in right.items():
        Operation.objects.filter(pk=pk).update(sealed_token=value)
    assert_all_is_sent(box, lines)
