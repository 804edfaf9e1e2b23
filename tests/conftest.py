"""What every test shares: no network but this machine, and the people of the product."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.db import connections
from django.http import HttpRequest
from django.test import Client, TransactionTestCase
from django.test.client import ClientMixin
from django.utils import translation
from pytest_socket import socket_allow_hosts

from media_assets import roles
from media_assets.accounts import sessions
from media_assets.models import triggers
from tests.factories import make_user, team


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database; `make test` runs on both."""
    scheme = urlsplit(os.environ.get("TEST_DATABASE_URL", "sqlite:///")).scheme
    other = "sqlite_only" if scheme.startswith("postgres") else "postgresql_only"
    left_out = [item for item in items if item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(autouse=True, scope="session")
def _flush_despite_triggers() -> Iterator[None]:
    """Take the append-only triggers away before a transactional test empties the tables.

    The flush sends post_migrate afterwards, which installs them and the groups again.
    """
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def drop_triggers_and_flush(case: TransactionTestCase) -> None:
        for alias in case.databases:
            triggers.drop(using=alias)
        flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", drop_triggers_and_flush)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Take away what an interrupted run has left: a new SQLite file beside it would not open."""
    database = connections["default"]
    if database.vendor == "sqlite":
        for ending in ("-wal", "-shm"):
            Path(f"{database.settings_dict['TEST']['NAME']}{ending}").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Tests read English; the product's default is Spanish."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True, scope="session")
def _known_sessions() -> Iterator[None]:
    """`client.force_login` goes past the sign-in page, which makes a session known and proven."""
    log_in = ClientMixin._login  # type: ignore[attr-defined]

    def begin(request: HttpRequest, user: User, **_: object) -> None:
        sessions.begin(request, user)
        record_authentication(request, user, method="password")

    def log_in_and_begin(client: Client, *args: object) -> None:
        user_logged_in.connect(begin)
        try:
            log_in(client, *args)
        finally:
            user_logged_in.disconnect(begin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientMixin, "_login", log_in_and_begin)
        yield


@pytest.fixture(autouse=True)
def _nothing_has_failed_yet() -> None:
    cache.clear()


@pytest.fixture
def marketing(db: None) -> User:
    return make_user(roles.MARKETING, username="marta", groups=[team()])


@pytest.fixture
def supervisor(db: None) -> User:
    return make_user(roles.SUPERVISOR, username="sofia")


@pytest.fixture
def connector_admin(db: None) -> User:
    return make_user(roles.CONNECTOR_ADMIN, username="adrian")


@pytest.fixture
def owner(db: None) -> User:
    return make_user("Owner", username="olga")


@pytest.fixture
def stranger(db: None) -> User:
    """A marketing person of another group."""
    return make_user(roles.MARKETING, username="saul", groups=[team("Brazil")])


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """A browser set to English, in which this person has signed in."""

    def signed_in(user: User) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    return signed_in
