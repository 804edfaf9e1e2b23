"""Delivering one upload with the real worker, and looking at all that came of it."""

import html
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from media_assets.delivery import Worker
from media_assets.models import Connector, Operation, Outcome, Status, Upload
from tests.factories import make_upload
from tests.faults.expected import CONSEQUENCES, assert_waits

# not hex: long runs of hex are hidden from people whether they are the token or not
TOKEN = "Token.of/the+operation~" + "qwertyuiop" * 3
OTHER_TOKEN = "776f6c6b766f78" + "9876543210" * 3 + "abcdef01"
SLACK = 10  # seconds that a busy machine may add
MOST_ROUNDS = 10
READ_BY_PEOPLE = 1_000  # characters of the vendor's text


@dataclass
class Story:
    """What happened to an upload until it was finished or its operation paused.

    waits: seconds from each call to the next. first_page: what was read after the first call.
    """

    upload: Upload
    waits: list[float] = field(default_factory=list)
    first_page: str = ""
    seconds: float = 0.0


def queued(connector: Connector, name: str = "promo-julio.jpg", by: User | None = None) -> Upload:
    url = f"https://storage.googleapis.com/wvox-0042/{name}"
    return make_upload(connector, by, status=Status.QUEUED, file_url=url)


def run_worker() -> None:
    Worker(threads=4).run(until_idle=True)


def deliver(upload: Upload, *, read: Callable[[Upload], str]) -> Story:
    """Deliver, skipping the waits between tries; `read` gives the upload's page as text."""
    story = Story(upload)
    began = time.monotonic()
    for _ in range(MOST_ROUNDS):
        run_worker()
        upload.refresh_from_db()
        story.first_page = story.first_page or read(upload)
        if upload.is_finished or operation_of(upload).paused_now:
            break
        last = upload.attempts.latest("number")
        assert last.finished_at is not None
        story.waits.append((upload.due_at - last.finished_at).total_seconds())
        skip_waits()
    story.seconds = time.monotonic() - began
    return story


def skip_waits() -> None:
    """As if all had been waited for: next tries, pauses, and the vendor's time for lost calls."""
    now = timezone.now() - timedelta(seconds=1)
    Upload.objects.queued().update(due_at=now)
    Upload.objects.exclude(status=Status.SENDING).exclude(lease_until=None).update(lease_until=now)
    Operation.objects.exclude(paused_until=None).update(paused_until=now)


def operation_of(upload: Upload) -> Operation:
    return Operation.objects.get(pk=upload.operation_id)


def page_of(client: Client, url: str) -> str:
    """The page as a person reads it, after a look at its source."""
    response = client.get(url)
    assert response.status_code == 200
    source = response.content.decode()
    for token in (TOKEN, OTHER_TOKEN):
        assert token.lower() not in source.lower()
    assert "<script>alert" not in source.lower()
    return html.unescape(source)


def assert_consequence(story: Story, outcome: Outcome, *, deadline: float) -> None:
    """All that holds for every fault of a class: calls, state, waits, pause, time."""
    upload, expected = story.upload, CONSEQUENCES[outcome]
    operation = operation_of(upload)
    attempts = list(upload.attempts.all())
    assert [attempt.outcome for attempt in attempts] == [outcome] * expected.calls
    assert all(attempt.finished_at and not attempt.late_handle for attempt in attempts)
    assert (upload.status, upload.last_outcome) == (expected.status, outcome)
    assert upload.attempt_count == expected.calls
    assert bool(upload.handle) == (outcome == Outcome.READY)
    assert_waits(outcome, story.waits)
    assert operation.paused_reason == expected.pause
    if expected.pause_seconds is None:
        assert operation.paused_until is None
    else:
        assert operation.paused_until is not None
        left = (operation.paused_until - timezone.now()).total_seconds()
        assert expected.pause_seconds - 120 < left <= expected.pause_seconds
    assert story.seconds < expected.calls * deadline + SLACK


def assert_read(story: Story, outcome: Outcome, *, client: Client) -> None:
    """What a marketing person reads on the upload's page and on its batch's."""
    upload, expected = story.upload, CONSEQUENCES[outcome]
    words = words_for(upload, outcome)
    assert_says(page_of(client, upload.get_absolute_url()), words)
    batch = page_of(client, upload.batch.get_absolute_url())
    if outcome != Outcome.READY:
        assert_says(batch, words[:1])
    if expected.meanwhile:
        meanwhile = expected.meanwhile if words == expected.words else words[0].rstrip(".")
        assert_says(story.first_page, ("Tried again at", meanwhile))


def words_for(upload: Upload, outcome: Outcome) -> tuple[str, ...]:
    """Those of its class, or of an answer that can be named more closely."""
    last = upload.attempts.latest("number")
    if outcome == Outcome.REFUSED and str(last.http_status).startswith("3"):
        return (f"The server answered with a redirect (HTTP {last.http_status}).", "server number")
    harmless = "A repeat is harmless: it only makes another handle."
    if last.reason == "no handle":
        return ("wolkvox answered success, but without a handle.", harmless)
    if outcome == Outcome.UNCLEAR and last.message.startswith("<"):
        page = f"an HTML page instead of an answer (HTTP {last.http_status})."
        return (f"No clear answer: {page}", harmless)
    return CONSEQUENCES[outcome].words


def assert_says(page: str, words: Iterable[str]) -> None:
    for sentence in words:
        assert sentence in page


def assert_bounded(upload: Upload) -> None:
    """What was kept of the vendor's text is short, and without the token."""
    texts = [upload.vendor_message, *upload.attempts.values_list("message", flat=True)]
    for text in texts:
        assert len(text) <= READ_BY_PEOPLE
        assert TOKEN.lower() not in text.lower()
