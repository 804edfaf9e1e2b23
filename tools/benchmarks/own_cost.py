"""What an upload costs the worker itself, apart from the vendor's latency, and in which parts."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from media_assets.delivery import Result, claim_next, record
from media_assets.models import Connector
from media_assets.wolkvox.client import Client
from tools.benchmarks import Figure, benchmark
from tools.benchmarks.programs import Sandbox, sandbox, worker
from tools.benchmarks.rows import make_connectors, make_person, submit
from tools.benchmarks.script import script_seconds

FILES = 500


@benchmark(
    Figure(name="delivery_own_cost_ms", unit="ms"),
    Figure(name="delivery_own_cost_http_ms", unit="ms"),
    Figure(name="delivery_own_cost_database_ms", unit="ms"),
    Figure(name="delivery_own_cost_rest_ms", unit="ms"),
    Figure(name="script_call_ms", unit="ms"),
)
def own_cost(runs: int) -> Iterator[tuple[float, ...]]:
    """Milliseconds an upload, one token with one call at once, a sandbox that answers at once.

    The whole is a waiting worker's wall for 500 uploads. Of its parts, `http` is the product's
    client and `database` is `record`, which takes the next upload too; both are measured one
    after the other in this process, on the same sandbox and database. `rest` is what remains:
    threads, queues, logs, and what these cost each other; it is negative where the worker does
    two things at once, or where the machine was busier while the parts were measured.
    `script_call_ms` is a plain `requests.post`, for comparison with `http`.
    """
    with sandbox(latency=0.0) as box:
        person, (connector,) = make_person(), make_connectors(box)
        for run in range(runs):
            with worker():
                _whole(connector, folder=f"first-{run}", files=1, by=person)
                whole = _whole(connector, folder=f"whole-{run}", files=FILES, by=person)
            submit([connector], files=FILES, folder=f"parts-{run}", by=person)
            parts = _parts(box, connector)
            script = 1000 * script_seconds(box, connector, files=FILES) / FILES
            yield whole, parts.http, parts.database, whole - parts.http - parts.database, script


@dataclass(frozen=True, kw_only=True)
class Parts:
    http: float
    database: float


def _whole(connector: Connector, *, folder: str, files: int, by: User) -> float:
    sent = submit([connector], files=files, folder=folder, by=by)
    return 1000 * sent.seconds_until_ready(floor=0.0) / files


def _parts(box: Sandbox, connector: Connector) -> Parts:
    """The same steps one after the other, without threads: take, call, record and take, …

    The client is one of our own with the same options, so that only public names are needed.
    """
    http, database = 0.0, 0.0
    operation = connector.operation
    client = Client(operation.base_url, box.tokens[operation.server])
    calls = 0
    claim = claim_next(operation.token_fingerprint)
    while claim is not None:
        started = time.perf_counter()
        uploaded = client.upload_media(
            connector_id=connector.connector_id, file_url=claim.upload.file_url
        )
        called = time.perf_counter()
        claim = record(claim, Result.of_upload(uploaded), claim_more=True)
        recorded = time.perf_counter()
        http += called - started
        database += recorded - called
        calls += 1
    if calls != FILES:
        raise RuntimeError(f"{calls} uploads were taken instead of {FILES}")
    return Parts(http=1000 * http / calls, database=1000 * database / calls)
