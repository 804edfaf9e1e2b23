"""Answers without end are neither kept nor unpacked: what a worker reads of them is bounded."""

import tracemalloc

import pytest

from media_assets.models import Outcome, Status
from tests.faults.delivering import queued, run_worker
from tests.waiting import wait_until

MEBIBYTE = 1024 * 1024
# Above the 256 KiB that are read: the worker itself, and the pieces that the sandbox, which
# runs in the same process here, makes one after the other.
MOST_MEMORY = 8 * MEBIBYTE
# Above what is read: what the system's buffers between the two take before anybody reads.
MOST_SENT = 32 * MEBIBYTE


@pytest.fixture
def peak():
    """Bytes that Python has had in use at most since the beginning of the test."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    yield lambda: tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()


def ended(call):
    """Wait until the sandbox has noticed that nobody reads on."""
    wait_until(lambda: call.sent_bytes)
    return call


@pytest.mark.parametrize("fault", ["huge", "gzip-bomb", "endless", "msg-1mb"])
def test_an_answer_that_is_too_big_is_cut_off(fault, box, connector, peak):
    upload = queued(connector, f"fault-{fault}.jpg")
    run_worker()
    most = peak()

    upload.refresh_from_db()
    assert (upload.status, upload.last_outcome) == (Status.QUEUED, Outcome.UNCLEAR)
    assert upload.attempts.get().reason == "more than 256 KiB"
    assert most < MOST_MEMORY
    (call,) = box.ledger.calls
    assert 0 < ended(call).sent_bytes < MOST_SENT


def test_the_measure_of_memory_sees_what_is_kept(peak):
    kept = b" " * (MOST_MEMORY + 1)
    assert peak() > len(kept) - 1
