"""A worker that stops at a named point: it says so on one pipe and waits for a word on another.

python -m tests.crashes.pausing '{"point": …, "announce": fd, "go": fd, "clock": seconds}' deliver

Points, each met once: `start`; `claim written` and `claim committed`, just before and after the
commit of the first transaction that writes an attempt; `answered`, when the answer was read and
nothing recorded; `result written` and `result committed`, around the commit of its result.
`clock` puts this process's clock forward, or back.
"""

import json
import os
import re
import sys
import time
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.core.management import execute_from_command_line
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from media_assets.wolkvox.client import Client

CLAIM = re.compile(r'INSERT INTO "?media_assets_attempt\b')
RESULT = re.compile(r'UPDATE "?media_assets_attempt\b')


class Stops:
    """Where this process stops; without a point, nowhere."""

    def __init__(self, *, point: str, announce: int, go: int) -> None:
        self._point = point
        self._announce = announce
        self._go = go
        # by connection: a worker has one for figures besides
        self._written: dict[Any, set[str]] = defaultdict(set)

    def here(self, point: str) -> None:
        if point != self._point:
            return
        self._point = ""
        os.write(self._announce, b"x")
        os.read(self._go, 1)

    def note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if CLAIM.search(sql):
            self._written[context["connection"]].add("claim")
        if RESULT.search(sql):
            self._written[context["connection"]].add("result")
        return execute(sql, params, many, context)

    def around(self, commit: Any) -> Any:
        def commit_with_stops(connection: BaseDatabaseWrapper) -> None:
            written = self._written.pop(connection, set())
            for what in written:
                self.here(f"{what} written")
            commit(connection)
            for what in written:
                self.here(f"{what} committed")

        return commit_with_stops

    def after(self, upload_media: Any) -> Any:
        def upload_media_and_stop(*args: Any, **kwargs: Any) -> Any:
            answer = upload_media(*args, **kwargs)
            self.here("answered")
            return answer

        return upload_media_and_stop


def shift_clock(seconds: float) -> None:
    now, seconds_since_epoch = timezone.now, time.time
    timezone.now = lambda: now() + timedelta(seconds=seconds)
    time.time = lambda: seconds_since_epoch() + seconds


def main() -> None:
    plan = json.loads(sys.argv[1])
    stops = Stops(point=plan["point"], announce=plan["announce"], go=plan["go"])
    shift_clock(plan["clock"])
    BaseDatabaseWrapper.commit = stops.around(BaseDatabaseWrapper.commit)  # type: ignore[method-assign]
    Client.upload_media = stops.after(Client.upload_media)  # type: ignore[method-assign]

    def watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
        connection.execute_wrappers.append(stops.note)

    connection_created.connect(watch)
    stops.here("start")
    execute_from_command_line(["manage.py", *sys.argv[2:]])


if __name__ == "__main__":
    main()
