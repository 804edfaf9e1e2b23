"""The sandbox's own pages, which wolkvox has not: `/`, `/ledger`, `/faults`, `/phases`."""

import re
from collections.abc import Callable

from media_assets.wolkvox.sandbox.messages import Answer, Request, json_answer
from media_assets.wolkvox.sandbox.page import overview
from media_assets.wolkvox.sandbox.phases import phase_named
from media_assets.wolkvox.sandbox.vendor import Vendor

# A page elsewhere whose name points at this machine (DNS rebinding) must not read tokens here.
_LOCAL_HOST = re.compile(r"(127(\.\d+){3}|(.+\.)?localhost)(:\d+)?")
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"


def answer_control(vendor: Vendor, *, request: Request) -> Answer:
    """200, or an error that is a JSON object with one sentence: `{"error"}`."""
    if not _LOCAL_HOST.fullmatch(request.headers.get("host", "localhost")):
        return _error(403, "The sandbox answers to 127.0.0.1 and localhost only.")
    routes = _ROUTES.get(request.path)
    if routes is None:
        return _error(404, "There is no such page in the sandbox.")
    method = "GET" if request.method == "HEAD" else request.method
    if method not in routes:
        return _error(405, f"Here: {', '.join(routes)}.", allow=", ".join(routes))
    try:
        return routes[method](vendor, request)
    except ValueError as error:
        return _error(400, str(error))


def _show_overview(vendor: Vendor, _: Request) -> Answer:
    return Answer(
        status=200,
        body=overview(vendor).encode(),
        content_type="text/html; charset=utf-8",
        headers=(
            ("Content-Security-Policy", _PAGE_POLICY),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ),
    )


def _show_ledger(vendor: Vendor, request: Request) -> Answer:
    latest = request.query.get("latest", "1000")
    if not latest.isdecimal():
        raise ValueError(f"latest is a number of calls, not {latest!r}.")
    tokens = [(server, operation.token) for server, operation in vendor.operations.items()]
    return json_answer(vendor.ledger.as_json(latest=int(latest), tokens=tokens))


def _clear_ledger(vendor: Vendor, request: Request) -> Answer:
    vendor.ledger.clear()
    return _show_ledger(vendor, request)


def _show_faults(vendor: Vendor, _: Request) -> Answer:
    return json_answer(vendor.faults.as_json())


def _set_fault(vendor: Vendor, request: Request) -> Answer:
    """`{"fault": name, "times": n | null, "api", "server", "redirect_to"}`; `fault` is a must."""
    body = _object(request)
    fault, times = body.get("fault"), body.get("times")
    if not isinstance(fault, str):
        raise ValueError("fault is a name; GET /faults lists them.")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError(f"times is a whole number from 1, or null for always, not {times!r}.")
    redirect_to = _text(body, name="redirect_to")
    vendor.faults.set(
        fault, times=times, api=_text(body, name="api"), server=_text(body, name="server")
    )
    if redirect_to:
        vendor.faults.redirect_to = redirect_to
    return _show_faults(vendor, request)


def _clear_faults(vendor: Vendor, request: Request) -> Answer:
    vendor.faults.clear()
    return _show_faults(vendor, request)


def _show_phases(vendor: Vendor, _: Request) -> Answer:
    return json_answer(vendor.phases.as_json())


def _set_phase(vendor: Vendor, request: Request) -> Answer:
    """`{"hold": phase}` or `{"release": phase}`."""
    body = _object(request)
    if "hold" in body:
        vendor.phases.hold(phase_named(body["hold"]))
    elif "release" in body:
        vendor.phases.release(phase_named(body["release"]))
    else:
        raise ValueError("Either hold or release, with the name of a phase.")
    return _show_phases(vendor, request)


def _object(request: Request) -> dict[str, object]:
    # Asking for application/json also keeps other sites' forms out: a browser would ask first.
    body = request.json_object()
    if body is None:
        raise ValueError("A JSON object is wanted, with Content-Type: application/json.")
    return body


def _text(body: dict[str, object], *, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is a text.")
    return value


def _error(status: int, sentence: str, *, allow: str = "") -> Answer:
    headers = (("Allow", allow),) if allow else ()
    return json_answer({"error": sentence}, status=status, headers=headers)


_ROUTES: dict[str, dict[str, Callable[[Vendor, Request], Answer]]] = {
    "/": {"GET": _show_overview},
    "/ledger": {"GET": _show_ledger, "DELETE": _clear_ledger},
    "/faults": {"GET": _show_faults, "POST": _set_fault, "DELETE": _clear_faults},
    "/phases": {"GET": _show_phases, "POST": _set_phase},
}
