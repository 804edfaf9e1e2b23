"""A sandbox, two operations in it, and a marketing person who reads the pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from media_assets.models import Connector, Upload
from media_assets.wolkvox.sandbox import Sandbox
from tests.factories import make_connector, make_operation
from tests.faults import certificates
from tests.faults.delivering import OTHER_TOKEN, TOKEN, page_of


@pytest.fixture
def box(settings) -> Iterator[Sandbox]:
    with Sandbox(operations={"0042": TOKEN, "0077": OTHER_TOKEN}) as box:
        settings.WOLKVOX_BASE_URL = box.base_url
        settings.SANDBOX = True
        settings.STORAGE_HOSTS = [box.origin]
        yield box


@pytest.fixture
def connector(box: Sandbox, db: None) -> Connector:
    return make_connector(make_operation(server="0042", token=TOKEN), connector_id="1266")


@pytest.fixture
def neighbour(box: Sandbox, db: None) -> Connector:
    """A connector of another operation."""
    return make_connector(make_operation(server="0077", token=OTHER_TOKEN), connector_id="1366")


@pytest.fixture
def reader(client_for: Callable[[User], Client], marketing: User) -> Client:
    return client_for(marketing)


@pytest.fixture
def read(reader: Client) -> Callable[[Upload], str]:
    """The page of an upload, as the marketing person reads it."""
    return lambda upload: page_of(reader, upload.get_absolute_url())


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `certificates.make_all`."""
    folder = tmp_path_factory.mktemp("certificates")
    certificates.make_all(folder)
    return folder
