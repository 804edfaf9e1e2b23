"""`manage.py seed_demo`: the demonstration's people and operations, and none anywhere else."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError, call_command
from django.test import Client

from media_assets import roles
from media_assets.models import Connector, Operation
from media_assets.wolkvox.sandbox import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demonstration(settings):
    settings.DEMO = settings.SANDBOX = True


@pytest.fixture
def seed(tmp_path: Path):
    """Run the command as `make run` does; its answer, parsed."""

    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        state = str(tmp_path / "sandbox.json")
        call_command("seed_demo", "--json", "--state", state, *arguments, stdout=out)
        answer: dict[str, Any] = json.loads(out.getvalue())
        return answer

    return run


def passwords(seeded: dict[str, Any]) -> dict[str, str]:
    return {person["username"]: person["password"] for person in seeded["people"]}


@pytest.mark.parametrize("name", ["DEMO", "SANDBOX"])
def test_it_refuses_everything_but_a_demonstration_on_the_sandbox(settings, name, seed):
    setattr(settings, name, False)

    with pytest.raises(CommandError, match="fills a demonstration only"):
        seed()

    assert not User.objects.exists()


def test_a_state_file_of_something_else_is_left_alone(tmp_path, seed):
    (tmp_path / "sandbox.json").write_text("not ours")

    with pytest.raises(CommandError, match="no state file of the sandbox"):
        seed()

    assert not User.objects.exists()


def test_four_people_have_their_roles_and_can_sign_in(seed):
    made = passwords(seed())

    people = {user.username: roles.role_of(user) for user in User.objects.all()}
    assert people == {
        "marketing": roles.MARKETING,
        "supervisor": roles.SUPERVISOR,
        "admin": roles.CONNECTOR_ADMIN,
        "owner": "Owner",
    }
    for username, password in made.items():
        validate_password(password, User.objects.get(username=username))
        assert Client().login(username=username, password=password)


def test_passwords_are_told_only_when_they_are_made(seed):
    first = passwords(seed())

    assert set(passwords(seed()).values()) == {""}
    assert Client().login(username="owner", password=first["owner"])


def test_new_passwords_replace_all_four(seed):
    first = passwords(seed())

    second = passwords(seed("--new-passwords"))

    assert all(second[name] and second[name] != first[name] for name in first)
    assert not Client().login(username="owner", password=first["owner"])
    assert Client().login(username="owner", password=second["owner"])


def test_new_passwords_leave_the_operations_alone(seed, settings):
    """The demonstration may be running on another port than the one in .env."""
    seed()
    sealed = list(Operation.objects.values_list("sealed_token", flat=True))
    settings.WOLKVOX_BASE_URL = "http://127.0.0.1:10/wv{server}/api/v2/"

    seed("--new-passwords")

    assert list(Operation.objects.values_list("sealed_token", flat=True)) == sealed


def test_without_json_people_read_a_table(tmp_path):
    out = StringIO()

    call_command("seed_demo", "--state", str(tmp_path / "sandbox.json"), stdout=out)

    assert [line.split()[0] for line in out.getvalue().splitlines()] == [
        "marketing",
        "supervisor",
        "admin",
        "owner",
    ]


def test_the_operations_are_the_sandboxs_with_its_tokens_and_connectors(seed):
    seeded = seed()

    tokens = {each["server"]: each["token"] for each in seeded["operations"]}
    sandbox = Sandbox(operations=tokens, samples=False).operations
    assert Operation.objects.count() == 2
    for operation in Operation.objects.all():
        assert operation.reveal_token() == tokens[operation.server]
        assert {line.connector_id for line in operation.connectors.all()} == {
            line["connector_id"]
            for line in sandbox[operation.server].connectors
            if line["channel"] == "whatsapp"
        }


def test_marketing_may_use_every_connector_that_has_a_group(seed):
    seed()

    usable = roles.connectors_usable_by(User.objects.get(username="marketing"))

    assert Connector.objects.count() == 4
    assert set(usable) == set(Connector.objects.exclude(groups=None))
    assert Connector.objects.filter(groups=None).count() == 1


def test_a_second_time_changes_nothing_that_people_have_changed(seed):
    seed()
    Operation.objects.filter(server="0042").update(name="Otro nombre")
    Operation.objects.filter(server="0077").update(server="0123")
    Connector.objects.filter(connector_id="1266").delete()
    User.objects.get(username="marketing").groups.clear()

    seeded = seed()

    assert Operation.objects.count() == 2
    assert Connector.objects.count() == 3
    assert not User.objects.get(username="marketing").groups.exists()
    assert [each["name"] for each in seeded["operations"]] == ["Otro nombre", "", ""]


def test_a_token_that_another_port_has_closed_is_sealed_again(seed, settings):
    tokens = {each["server"]: each["token"] for each in seed()["operations"]}
    settings.WOLKVOX_BASE_URL = "http://127.0.0.1:10/wv{server}/api/v2/"

    seed()

    for operation in Operation.objects.all():
        assert operation.reveal_token() == tokens[operation.server]


def test_a_token_that_somebody_has_replaced_stays(seed):
    seed()
    Operation.objects.get(server="0042").set_token("a wrong one, to see what happens")

    seed()

    token = Operation.objects.get(server="0042").reveal_token()
    assert token == "a wrong one, to see what happens"
