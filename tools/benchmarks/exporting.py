"""Exports of the history: how soon, how long, and how much memory they take."""

import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from import_export.formats.base_formats import XLSX
from import_export.resources import ModelResource

from media_assets.models import Upload
from tools.benchmarks import SIZES, Figure, benchmark, memory, say
from tools.benchmarks.browser import Browser
from tools.benchmarks.dumps import seconds_to_dump
from tools.benchmarks.filling import OWNER
from tools.benchmarks.programs import web
from tools.benchmarks.signing_in import sign_in
from tools.benchmarks.views import ABSENT

WARM_UPS = 8  # small exports, so that both processes of the web have made one
PATIENCE = 600.0  # seconds


@benchmark(
    Figure(name="csv_1m_first_byte_s", unit="s", goal=0.3),
    Figure(name="csv_1m_memory_mb", unit="MiB", goal=30),
    Figure(name="csv_1m_vs_dump", goal=4),
    Figure(name="csv_1m_s", unit="s"),
    Figure(name="dump_1m_s", unit="s"),
    Figure(name="csv_1m_mb", unit="MB"),
    runs=5,
    sizes=(max(SIZES),),
)
def csv_export(runs: int) -> Iterator[tuple[float, ...]]:
    """A million uploads as CSV, downloaded from the web server as production starts it.

    Memory is the most by which one of its processes grew over what it held before. The dump is
    the database's own, see `dumps`; one after the other.
    """
    owner, uploads = User.objects.get(username=OWNER), Upload.objects.count()
    path = reverse("history_csv")
    with web() as (origin, server):
        browser = Browser(origin, person=owner)
        for _time in range(WARM_UPS):
            browser.download(f"{path}?q={ABSENT}")
        workers = memory.children(server.process.pid)
        # once: what a process keeps of one export would make the next seem to need less
        idle = {worker: memory.resident(worker) for worker in workers}
        for _run in range(runs):
            dumped = seconds_to_dump()
            for worker in workers:
                memory.forget_peak(worker)
            file = browser.download(path)
            grown = max(memory.peak(worker) - idle[worker] for worker in workers)
            if str(uploads) not in file.end.decode(errors="replace").splitlines()[-1]:
                raise RuntimeError(f"the last line does not say {uploads}: {file.end[-80:]!r}")
            megabytes = file.size / 1e6
            yield file.first_byte, grown, file.seconds / dumped, file.seconds, dumped, megabytes


@benchmark(
    Figure(name="xlsx_100k_vs_import_export", goal=2, at_least=True),
    Figure(name="xlsx_100k_memory_ratio", goal=0.2),
    Figure(name="xlsx_100k_s", unit="s"),
    Figure(name="import_export_100k_s", unit="s"),
    Figure(name="xlsx_100k_memory_mb", unit="MiB"),
    Figure(name="import_export_100k_memory_mb", unit="MiB"),
    runs=5,
    sizes=(100_000,),
)
def xlsx_export(runs: int) -> Iterator[tuple[float, ...]]:
    """A hundred thousand uploads as XLSX against django-import-export: same rows and columns.

    Each in a new process, forked from this one, from the first query to the last byte; memory is
    by how much that process grew. Ours is the whole view, with its audit event.
    """
    for _run in range(runs):
        (ours, our_memory), (peers, peer_memory) = _apart(_ours), _apart(_peers)
        say(f"ours {ours:.1f} s, {our_memory:.0f} MiB; peer {peers:.1f} s, {peer_memory:.0f} MiB")
        yield peers / ours, our_memory / peer_memory, ours, peers, our_memory, peer_memory


class StockResource(ModelResource):  # type: ignore[misc]  # untyped
    """What somebody writes for the same columns; it is granted the joins."""

    class Meta:
        model = Upload
        fields = (
            *("created_at", "submitted_by__username", "operation__name", "connector__name"),
            *("connector__connector_id", "label", "file_url", "campaign", "format"),
            *("content_type", "size", "status", "attempt_count", "last_outcome"),
            *("vendor_message", "finished_at", "handle_expires_at", "handle", "code"),
        )


def _ours() -> int:
    client = Client()
    sign_in(client, User.objects.get(username=OWNER))
    answer = client.get(reverse("history_xlsx"))
    if answer.status_code != 200:
        raise RuntimeError(f"the export was answered {answer.status_code}")
    return sum(len(part) for part in answer)


def _peers() -> int:
    uploads = Upload.objects.newest_first().select_related("submitted_by", "connector__operation")
    dataset = StockResource().export(queryset=uploads.select_related("operation"))
    return len(XLSX().export_data(dataset))


def _apart(export: Callable[[], int]) -> tuple[float, float]:
    """Seconds and MiB that an export takes in a process of its own."""
    connections.close_all()
    fork = get_context("fork")
    receiving, sending = fork.Pipe(duplex=False)
    process = fork.Process(target=_measured, args=(export, sending))
    process.start()
    sending.close()
    try:
        if not receiving.poll(PATIENCE):
            raise RuntimeError(f"not within {PATIENCE:.0f} s")
        seconds, grown = receiving.recv()
    except EOFError:
        raise RuntimeError("an export has failed") from None
    finally:
        process.kill()
        process.join()
    return seconds, grown


def _measured(export: Callable[[], int], result: Connection) -> None:
    own = memory.this_process()
    Upload.objects.first()  # connects
    memory.forget_peak(own)
    idle, started = memory.resident(own), time.perf_counter()
    size = export()
    if size < 1000:
        raise RuntimeError(f"a file of {size} bytes")
    result.send((time.perf_counter() - started, memory.peak(own) - idle))
