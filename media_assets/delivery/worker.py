"""One worker process: a thread that speaks to the database, and many that speak to wolkvox.

The threads that make calls touch no database; what they bring goes through a queue to the main
thread, which records it and, in the same transaction, takes the token's next upload.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection

from media_assets import tracing
from media_assets.delivery.queue import Claim, claim_next, record, recover
from media_assets.delivery.rules import Result
from media_assets.delivery.statements import look
from media_assets.delivery.wake import Waker, waker_for
from media_assets.models import Outcome, now_in_database
from media_assets.wolkvox.errors import WolkvoxError

logger = logging.getLogger(__name__)

PAUSE_WITHOUT_DATABASE = 1.0


class Worker:
    """Delivers what is due until it is told to stop."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or settings.DELIVERY_THREADS
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="call")
        self._ended: queue.SimpleQueue[tuple[Claim, Result] | None] = queue.SimpleQueue()
        self._unrecorded: deque[tuple[Claim, Result]] = deque()
        self._in_flight = 0
        self._stopping = threading.Event()
        self._look_at = 0.0
        self._last_served: dict[str, float] = {}

    def stop(self) -> None:
        """Claim nothing more; `run` returns when the calls in flight are recorded."""
        self._stopping.set()
        self.wake()

    def wake(self) -> None:
        """Look for work now. May be called from any thread."""
        self._ended.put(None)

    def run(self, *, until_idle: bool = False) -> None:
        """Work until `stop` or, with `until_idle`, until nothing is due or in flight."""
        with waker_for(connection, self.wake) as waker, self._pool:
            while True:
                try:
                    self._record_ended()
                    if self._stopping.is_set() and not self._in_flight:
                        return
                    if until_idle and not self._in_flight:
                        self._look_at = 0.0
                    self._claim_due(waker)
                    if until_idle and not self._in_flight:
                        return
                    self._wait(waker)
                except (OperationalError, InterfaceError, InternalError) as error:
                    logger.warning("the database does not answer: %s", type(error).__name__)
                    connection.close()
                    time.sleep(PAUSE_WITHOUT_DATABASE)

    def _record_ended(self) -> None:
        while self._unrecorded:
            claim, result = self._unrecorded[0]
            # with every thread busy, other tokens have to get their turn
            turn = self._in_flight < self._threads and not self._stopping.is_set()
            if claim.permission.given:
                with tracing.about(**_facts(claim)):
                    self._take(partial(record, claim, result, claim_more=turn))
                    name, number = claim.upload.code, claim.number
                    logger.info("upload %s attempt %s %s", name, number, result.outcome)
            self._unrecorded.popleft()
            self._in_flight -= 1
            if not turn:
                self._look_at = 0.0

    def _claim_due(self, waker: Waker) -> None:
        if time.monotonic() < self._look_at and not waker.has_news():
            return
        waker.seen()
        now = now_in_database()
        seen = look(now)
        if recover(seen.abandoned, now=now):
            seen = look(now)
        longest_ago = sorted(seen.waiting, key=lambda one: self._last_served.get(one, 0.0))
        for fingerprint in longest_ago:
            while self._may_start() and self._take(partial(claim_next, fingerprint)):
                pass
        change = seen.next_change
        wait = min(settings.DELIVERY_POLL, change - now) if change else settings.DELIVERY_POLL
        self._look_at = time.monotonic() + max(wait.total_seconds(), 0.05)

    def _may_start(self) -> bool:
        return self._in_flight < self._threads and not self._stopping.is_set()

    def _take(self, claiming: Callable[..., Claim | None]) -> bool:
        """Claim, and make the call: it is prepared while the claim commits, and sent if it does."""
        prepared: list[Claim] = []

        def prepare(claim: Claim) -> None:
            prepared.append(claim)
            self._start(claim)

        committed = None
        try:
            committed = claiming(prepare=prepare)
        finally:
            for claim in prepared:
                claim.permission.decide(claim is committed)
        return committed is not None

    def _start(self, claim: Claim) -> None:
        self._in_flight += 1
        self._last_served[claim.fingerprints[0]] = time.monotonic()
        future = self._pool.submit(call, claim)
        future.add_done_callback(lambda done: self._ended.put((claim, _result_of(done))))

    def _wait(self, waker: Waker) -> None:
        """Until a call has ended, somebody wakes us, or it is time to look again."""
        timeout = max(self._look_at - time.monotonic(), 0.0)
        try:
            ended = self._ended.get(timeout=min(timeout, waker.interval))
            while True:
                if ended is None:
                    self._look_at = 0.0
                else:
                    self._unrecorded.append(ended)
                ended = self._ended.get_nowait()
        except queue.Empty:
            return


def call(claim: Claim) -> Result:
    """Make the one call of a claim; runs in a thread and touches no database."""
    upload = claim.upload
    try:
        with tracing.about(**_facts(claim)):
            uploaded = claim.client.upload_media(
                connector_id=claim.connector_id,
                file_url=upload.file_url,
                start_before=claim.start_before,
                permission=claim.permission,
            )
    except WolkvoxError as error:
        return Result.of_error(error)
    return Result.of_upload(uploaded)


def _facts(claim: Claim) -> dict[str, object]:
    """What a line of the log about this call carries; the web uses the same names."""
    upload = claim.upload
    return {"operation": upload.operation_id, "upload": upload.code, "attempt": claim.number}


def _result_of(done: Future[Result]) -> Result:
    error = done.exception()
    if error is None:
        return done.result()
    # Not the traceback: its frames hold a token.
    logger.error("a call ended with an error of ours: %s", type(error).__name__)
    return Result(Outcome.UNCLEAR, reason=f"internal error: {type(error).__name__}")
