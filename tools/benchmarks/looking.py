"""A person who looks at pages in this process, on whichever of the filled databases."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from statistics import median

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, override_settings
from environ import Env

from tools.benchmarks.filling import OWNER
from tools.benchmarks.signing_in import sign_in
from tools.benchmarks.stock_table import have_only_stock_indexes

UPLOAD = re.compile(r"/upload(?:s/([0-9a-f-]{36})|/([0-9]+)/change)/")
NEXT = re.compile(r'href="([^"]+)" rel="next"')


class Looking:
    """Signed in on one of the databases; every page is asked for with all it takes to render it.

    Pages go through Django's test client, so that neither a socket nor another process is
    measured, and on the settings of production, which compile templates once.
    """

    def __init__(self, size: int, connection: BaseDatabaseWrapper) -> None:
        self.size = size
        self._connection = connection
        self._clients: dict[str, Client] = {}

    @contextmanager
    def here(self) -> Iterator[None]:
        """While this lasts, everything asks this database."""
        before = connections[DEFAULT_DB_ALIAS]
        connections[DEFAULT_DB_ALIAS] = self._connection
        try:
            yield
        finally:
            connections[DEFAULT_DB_ALIAS] = before

    def page(self, url: str, *, person: str = OWNER) -> str:
        """The page; RuntimeError when it is not shown."""
        with self.here():
            answer = self._client(person).get(url)
        if answer.status_code != 200:
            raise RuntimeError(f"{url} was answered {answer.status_code}")
        return answer.content.decode()

    def milliseconds(self, url: str, *, person: str = OWNER, times: int = 1) -> float:
        """The median of so many looks at a page."""
        took = []
        for _time in range(times):
            started = time.perf_counter()
            self.page(url, person=person)
            took.append(1000 * (time.perf_counter() - started))
        return median(took)

    def following(self, url: str, *, pages: int) -> str:
        """The address that so many clicks on *Next* lead to, or the last one there is."""
        path = url.partition("?")[0]
        for _click in range(pages):
            found = NEXT.search(self.page(url))
            if found is None:
                break
            url = path + unescape(found[1])
        return url

    def _client(self, person: str) -> Client:
        if person not in self._clients:
            client = Client(headers={"accept-language": "es"})
            sign_in(client, User.objects.get(username=person))
            self._clients[person] = client
        return self._clients[person]


def rows_on(page: str) -> int:
    """How many uploads a page of the product, or of the stock admin, links to."""
    return len(set(UPLOAD.findall(page)))


@contextmanager
def looking() -> Iterator[list[Looking]]:
    """Somebody on each of this benchmark's databases, the smallest first; with the peer's pages."""
    call_command("collectstatic", interactive=False, verbosity=0)
    urls = {int(size): url for size, url in json.loads(os.environ["BENCH_DATABASES"]).items()}
    with override_settings(ROOT_URLCONF="tools.benchmarks.stock"):
        yield [Looking(size, _connection(urls[size])) for size in sorted(urls)]


@contextmanager
def looking_at_peer(size: int) -> Iterator[Looking]:
    """Somebody on the copy of the largest database, made into what the peer would have."""
    connection = _connection(os.environ["BENCH_PEER"], OPTIONS={})
    have_only_stock_indexes(connection)
    yield Looking(size, connection)


def _connection(url: str, **other: object) -> BaseDatabaseWrapper:
    """As the product connects, but for these settings; kept open as in a running process."""
    default = connections[DEFAULT_DB_ALIAS]
    own = {"NAME": Env.db_url_config(url)["NAME"], **other}
    return type(default)({**default.settings_dict, **own}, DEFAULT_DB_ALIAS)
