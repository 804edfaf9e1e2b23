"""The promises about crashes, as one comparison of the sandbox's ledger with the database."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from media_assets.models import Attempt, AuditEvent, Operation, Outcome, Status, Upload
from media_assets.wolkvox.sandbox import Sandbox
from media_assets.wolkvox.sandbox.handle import is_issued
from media_assets.wolkvox.sandbox.ledger import Call

# How an attempt may have ended although wolkvox has never seen a call of it.
WITHOUT_A_CALL = {Outcome.INTERRUPTED, Outcome.NOT_SENT}


def promises_hold(box: Sandbox, *, accepted: int, finished: bool = True) -> None:
    """AssertionError that lists every broken promise.

    `accepted` is how many uploads there have to be; `finished` says that all should be READY.
    """
    broken = list(_broken(box, accepted=accepted, finished=finished))
    assert not broken, "\n".join(broken[:40])


def most_at_once(calls: Iterable[Call]) -> int:
    """How many of these calls were in flight at one instant."""
    changes = []
    for call in calls:
        changes.append((call.arrived, 1))
        changes.append((float("inf") if call.ended is None else call.ended, -1))
    most = now = 0
    for _, change in sorted(changes):  # an end before a beginning at the same instant
        now += change
        most = max(most, now)
    return most


def _broken(box: Sandbox, *, accepted: int, finished: bool) -> Iterator[str]:
    uploads = list(Upload.objects.select_related("operation").order_by("id"))
    if len(uploads) != accepted:
        yield f"1: {accepted} uploads were accepted, {len(uploads)} are there"
    calls: defaultdict[tuple[str, str | None], list[Call]] = defaultdict(list)
    for call in box.ledger.calls:
        calls[call.server, call.file_url].append(call)
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.order_by("number"):
        attempts[attempt.upload_id].append(attempt)
    known = {(upload.operation.server, upload.file_url) for upload in uploads}
    # a call whose worker died before the body was sent has no file, and still takes its slot
    for server, file_url in calls.keys() - known:
        if file_url is not None:
            yield f"7: {file_url} of {server} was sent without an upload"
    yield from _too_many_at_once(box)
    for upload in uploads:
        own = calls[upload.operation.server, upload.file_url]
        yield from _of_one(upload, calls=own, attempts=attempts[upload.pk], finished=finished)
    handles = [upload.handle for upload in uploads if upload.handle]
    if len(set(handles)) != len(handles):
        yield "4: two uploads have the same handle"
    told = AuditEvent.objects.filter(action="upload.ready").count()
    ready = sum(upload.status == Status.READY for upload in uploads)
    if told != ready:
        yield f"{ready} uploads are ready, the audit list says so of {told}"


def _too_many_at_once(box: Sandbox) -> Iterator[str]:
    allowed: dict[str, int] = {}
    for operation in Operation.objects.all():
        token = box.ledger.mask(box.operations[operation.server].token)
        allowed[token] = min(operation.max_in_flight, allowed.get(token, 2))
    for token, limit in allowed.items():
        most = most_at_once(call for call in box.ledger.calls if call.token == token)
        if most > limit:
            yield f"3: {most} calls of one token at once, {limit} are allowed"


def _of_one(
    upload: Upload, *, calls: Sequence[Call], attempts: Sequence[Attempt], finished: bool
) -> Iterator[str]:
    name = upload.file_name
    if most_at_once(calls) > 1:
        yield f"2: {name} was sent twice at once"
    outcomes = [Outcome(attempt.outcome) for attempt in attempts]
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, upload.attempt_count + 1)):
        yield f"7: {name} has the attempts {numbers}, and counts {upload.attempt_count}"
    for place, call in enumerate(sorted(calls, key=lambda call: call.arrived_at)):
        if sum(each.started_at.timestamp() <= call.arrived_at for each in attempts) <= place:
            yield f"7: {name} was called without an attempt that was written before"
    if sum(outcome not in WITHOUT_A_CALL for outcome in outcomes) > len(calls):
        yield f"7: {name} has {outcomes}, and only {len(calls)} calls"
    if upload.status == Status.READY:
        yield from _of_a_handle(upload, upload.handle)
        if outcomes.count(Outcome.READY) != 1 or outcomes[-1] != Outcome.READY:
            yield f"6: {name} is ready after {outcomes}"
    for late in (attempt.late_handle for attempt in attempts if attempt.late_handle):
        yield from _of_a_handle(upload, late)
        if late == upload.handle:
            yield f"6: {name} has its own handle as a late one"
    if finished and upload.status != Status.READY:
        yield f"5: {name} is {upload.status} ({upload.last_outcome}) after {outcomes}"
    if finished and Outcome.RUNNING in outcomes:
        yield f"7: {name} has an attempt that never ended: {outcomes}"


def _of_a_handle(upload: Upload, handle: str) -> Iterator[str]:
    """The sandbox signs its handles, and writes into them for which file they are."""
    if not is_issued(handle, server=upload.operation.server):
        yield f"4: {upload.file_name} has a handle that was never given: {handle!r}"
        return
    name = base64.b64decode(handle.split(":")[1]).decode()
    if name != upload.file_name:
        yield f"4: {upload.file_name} has the handle of {name}"
