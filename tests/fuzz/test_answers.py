"""Whatever the vendor answers: a result that can be kept, or one of our errors; no dead worker."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_assets.delivery import Worker
from media_assets.models import Attempt, Outcome, Status, Upload
from media_assets.wolkvox import answers as reading
from media_assets.wolkvox import errors
from media_assets.wolkvox.client import Client
from tests.factories import make_connector, make_operation, make_upload, numbers
from tests.fuzz.answers import TOKEN, bodies, headers, statuses, wires
from tests.fuzz.budget import Tally, budget

READERS = [reading.read_handle, reading.read_connectors, reading.read_token_info]


class Vendor:
    """Says the next thing to whoever connects, whatever they ask, and hangs up."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/wv0042/api/v2/"
        self.says: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _address = self._listening.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(5)
                try:
                    caller.recv(65_536)
                    caller.sendall(self.says.pop(0) if self.says else b"")
                except OSError:
                    continue

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


def storable(*texts: Any) -> None:
    for text in texts:
        assert "\0" not in str(text)
        str(text).encode()
        assert TOKEN not in str(text).lower()


def outcome_of(call: Any) -> str:
    """What came of it; anything but a result and our own errors is raised on."""
    try:
        result = call()
    except errors.WolkvoxError as error:
        storable(error.message, error.vendor_code, error.reason, error)
        return type(error).__name__
    if isinstance(result, reading.Uploaded):
        storable(result.handle, result.message, result.vendor_code)
        assert 0 < len(result.handle.encode()) <= reading.MAX_HANDLE
    else:
        storable(result)
    return type(result).__name__


def test_no_answer_breaks_the_reader() -> None:
    tally = Tally("answers")

    @budget("ANSWERS", otherwise=400)
    @given(statuses, headers, bodies)
    def read(status: int, told: dict[str, str], body: bytes) -> None:
        tally.require_time()
        for reader in READERS:
            try:
                tally.count(
                    outcome_of(
                        lambda reader=reader: reader(
                            reading.read_answer(status, headers=told, body=body, token=TOKEN), TOKEN
                        )
                    )
                )
            except BaseException:
                tally.found()
                raise

    tally.run(read)


def test_nothing_on_the_wire_breaks_the_client(vendor: Vendor) -> None:
    tally = Tally("wires")

    @budget("WIRES", otherwise=40)
    @given(wires)
    def call(wire: bytes) -> None:
        tally.require_time()
        vendor.says = [wire]
        client = Client(vendor.base_url, TOKEN, deadline=2.0)
        try:
            tally.count(
                outcome_of(lambda: client.upload_media(connector_id="1", file_url="https://a.co/a"))
            )
        except BaseException:
            tally.found()
            raise

    tally.run(call)


@pytest.mark.django_db
def test_no_answers_leave_a_worker_dead_or_an_upload_half_sent(
    vendor: Vendor, settings: Any
) -> None:
    settings.WOLKVOX_BASE_URL = vendor.base_url.replace("0042", "{server}")
    settings.SANDBOX = True
    tally = Tally("worker")

    @budget("WORKERS", otherwise=6)
    @given(st.lists(wires, min_size=2, max_size=6))
    def deliver(said: list[bytes]) -> None:
        tally.require_time()
        # a token of its own for each handful: one that is refused or busy is left alone for long
        token = f"{next(numbers):052x}"
        connector = make_connector(make_operation(server="0042", token=token, max_in_flight=2))
        uploads = [make_upload(connector, status=Status.QUEUED) for _ in said]
        vendor.says = list(said)
        Worker(threads=2).run(until_idle=True)
        made = Attempt.objects.filter(upload__in=uploads)
        for attempt in made:
            tally.count(attempt.outcome)
            assert attempt.outcome != Outcome.RUNNING
        assert made  # a token that is refused ends it, and not before the first call
        assert not Upload.objects.filter(status=Status.SENDING).exists()

    tally.run(deliver)
