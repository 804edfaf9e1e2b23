"""What a line of the log is about: the request, its person, and the operation and upload.

The web's first middleware opens a trace for each request, the worker one for each call; whatever
is logged meanwhile in that thread carries it (see `logs.py`).
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

from django.conf import settings
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

ENVIRON = "media_assets.trace"  # where the server finds the trace of a request it has served
HEADER = "X-Request-ID"
HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NUMBER = re.compile(r"[0-9]{1,20}")
# How our addresses begin, and what the code in them is of.
KINDS = {"uploads/": "upload", "batches/": "batch"}

Respond = Callable[[HttpRequest], HttpResponseBase]


class Trace:
    """The facts of one request or one call; those of a request grow while it is answered."""

    def __init__(self, facts: dict[str, str], *, request: HttpRequest | None = None) -> None:
        self._facts = facts
        self._request = request

    def note(self, **facts: object) -> None:
        self._facts |= {name: str(value) for name, value in facts.items()}

    def facts(self) -> dict[str, str]:
        """`request`, `person`, `operation`, `upload`, `batch`, `attempt`, as far as known."""
        if self._request is None:
            return dict(self._facts)
        return _of_address(self._request) | self._facts | _person(self._request)


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def of_request(request: object) -> dict[str, str]:
    """The facts of a request that has been answered, or is being."""
    trace = getattr(request, "META", {}).get(ENVIRON)
    return trace.facts() if isinstance(trace, Trace) else {}


def current() -> dict[str, str]:
    """The facts that belong to whatever is logged here and now."""
    trace = _current.get()
    return trace.facts() if trace else {}


def note(**facts: object) -> None:
    """Add to what is known of the request or call that this thread works on, if there is one."""
    if trace := _current.get():
        trace.note(**facts)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Whatever is logged within is about this."""
    token = _current.set(Trace({name: str(value) for name, value in facts.items()}))
    try:
        yield
    finally:
        _current.reset(token)


def trace_requests(get_response: Respond) -> Respond:
    """Give every request an id, which goes back to the browser and into each line of the log."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        name = _request_id(request)
        trace = Trace({"request": name}, request=request)
        request.META[ENVIRON] = trace
        token = _current.set(trace)
        try:
            response = get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(
                response, FileResponse
            ):
                response.streaming_content = _traced(
                    response.streaming_content, context=copy_context()
                )
        finally:
            _current.reset(token)
        response.headers[HEADER] = name
        return response

    return respond


def _request_id(request: HttpRequest) -> str:
    """The proxy's own id if it is a short harmless word, so that both logs can be joined."""
    told = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
    return told if HARMLESS.fullmatch(told) else uuid.uuid4().hex


def _traced(content: object, *, context: Context) -> Iterator[bytes]:
    """What is written while an answer streams belongs to its request, too."""
    assert isinstance(content, Iterable)  # noqa: S101  (nothing here streams asynchronously)
    parts = iter(content)
    while (part := context.run(next, parts, None)) is not None:
        yield part


def _of_address(request: HttpRequest) -> dict[str, str]:
    match = request.resolver_match
    if match is None:
        return {}
    kind = next((kind for start, kind in KINDS.items() if match.route.startswith(start)), "")
    if kind and "code" in match.kwargs:
        return {kind: str(match.kwargs["code"])}
    operation = str(match.kwargs.get("object_id", ""))
    is_one = match.view_name.startswith("admin:media_assets_operation_")
    return {"operation": operation} if is_one and NUMBER.fullmatch(operation) else {}


def _person(request: HttpRequest) -> dict[str, str]:
    """The key of the person, if the session has been read already: to log must not ask for it."""
    person = getattr(request, "_cached_user", None)  # where django.contrib.auth keeps them
    return {"person": str(person.pk)} if person is not None and person.pk else {}
