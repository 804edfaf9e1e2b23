"""What the tests of crashes share: a sandbox, its operations, and workers as processes."""

from collections.abc import Callable, Iterator

import pytest

from media_assets.models import Connector
from media_assets.wolkvox.sandbox import Sandbox
from tests.crashes.workers import Workers, workers_of
from tests.factories import make_connector, make_operation

SERVERS = ("0042", "0043", "0044")
TOKENS = {server: f"776f6c6b766f78{server}" + "0123456789" * 3 + "abcd" for server in SERVERS}
# Two operations with one token, and one with a token of its own.
TOKENS["0043"] = TOKENS["0042"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(port=0, operations=TOKENS, latency=0.05) as box:
        yield box


@pytest.fixture
def point_at_box(box: Sandbox, settings: pytest.FixtureRequest) -> None:
    """Tokens are sealed for the address they may go to."""
    settings.WOLKVOX_BASE_URL = box.base_url  # type: ignore[attr-defined]
    settings.SANDBOX = True  # type: ignore[attr-defined]


@pytest.fixture
def connector_of(box: Sandbox, point_at_box: None) -> Callable[[str], Connector]:
    """A function that makes the operation of a server, and a connector that the sandbox knows."""

    def make(server: str) -> Connector:
        known = box.operations[server]
        operation = make_operation(server=server, token=known.token)
        return make_connector(operation, connector_id=known.connectors[0]["connector_id"])

    return make


@pytest.fixture
def workers(box: Sandbox) -> Iterator[Workers]:
    with workers_of(box) as workers:
        yield workers
