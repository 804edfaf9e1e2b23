"""One call from its arrival to its last byte: limits, faults, phases, ledger."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from media_assets.wolkvox.sandbox.api import CALLS, UNKNOWN_API, Visit
from media_assets.wolkvox.sandbox.choosing import Chosen, UnknownFaultError
from media_assets.wolkvox.sandbox.faults import FAULTS, SIMULTANEOUS, Reply, Situation
from media_assets.wolkvox.sandbox.ledger import Call
from media_assets.wolkvox.sandbox.messages import Answer, Request, failure
from media_assets.wolkvox.sandbox.server import Wire
from media_assets.wolkvox.sandbox.vendor import Vendor

CALL_PATH = re.compile(r"/wv(?P<server>\d{4})/api/v2/(?P<module>[a-z_]+\.php)")


def serve_call(vendor: Vendor, *, request: Request, wire: Wire) -> bool:
    """Answer a request to `/wv<server>/api/v2/<module>.php`; False when the path is another."""
    found = CALL_PATH.fullmatch(request.path)
    if found is None:
        return False
    Exchange(
        vendor, request=request, wire=wire, server=found["server"], module=found["module"]
    ).run()
    return True


def serve_file(vendor: Vendor, *, request: Request, wire: Wire) -> None:
    """Answer a request below `/storage/`; only a fault set for `api="storage"` meets it."""
    server = request.path.removeprefix("/storage/wvox-")[:4]
    chosen = vendor.faults.take_before_body(api="storage", server=server) or vendor.faults.take(
        api="storage", server=server, file_url=None
    )
    usual = partial(vendor.storage.answer, request)
    if chosen is None:
        wire.answer(usual(), method=request.method)
        return
    situation = _situation(chosen, vendor=vendor, server=server, token="", wire=wire, usual=usual)
    wire.reply(FAULTS[chosen.name].reply(situation), method=request.method)


class Exchange:
    """One call.

    It goes on when its client leaves, as the vendor's would: it keeps its slot and counts as in
    flight until it has been answered.
    """

    def __init__(
        self, vendor: Vendor, *, request: Request, wire: Wire, server: str, module: str
    ) -> None:
        self.vendor = vendor
        self.request = request
        self.wire = wire
        self.server = server
        self.module = module
        self.api = request.query.get("api", "")
        self.token = request.headers.get("wolkvox-token", "")

    def run(self) -> None:
        call = self.vendor.ledger.arrived(
            self.token, method=self.request.method, api=self.api, server=self.server
        )
        already_sent = self.wire.sent
        try:
            self._serve(call)
        finally:
            call.sent_bytes = self.wire.sent - already_sent
        self.vendor.phases.reach("answered", call=call)

    def _serve(self, call: Call) -> None:
        vendor = self.vendor
        with ExitStack() as busy:
            busy.callback(vendor.ledger.ended, call)
            admitted = vendor.slots.enter(self.token)
            if admitted:
                busy.callback(vendor.slots.leave, self.token)
            vendor.phases.reach("connected", call=call)
            self._strike_before_body(call)
            _note_body(call, request=self.request)
            vendor.phases.reach("received", call=call)
            self.wire.pause(0)
            reply = self._refusal(admitted=admitted) or self._reply(call)
            if isinstance(reply, Answer):
                call.http_status = reply.status
                if vendor.phases.is_held("half-answered"):
                    reply = self._second_half(reply, call=call)
            self.wire.reply(reply, method=self.request.method, before_last=busy.close)

    def _strike_before_body(self, call: Call) -> None:
        chosen = self.vendor.faults.take_before_body(api=self.api, server=self.server)
        if chosen is not None:
            call.fault = chosen.name
            self.wire.reset()

    def _refusal(self, *, admitted: bool) -> Answer | None:
        """The vendor's rules for tokens. Ours: a refused call does not count for the day."""
        operation = self.vendor.operations.get(self.server)
        if operation is None:
            return failure(404, msg=f"SANDBOX: NO EXISTE wv{self.server} / NO SUCH SERVER")
        if not self.token:
            return failure(401, msg="PLEASE ENTER THE WOLKVOX-TOKEN")
        if self.token != operation.token:
            return failure(403, msg="PLEASE VALIDATE TOKEN")
        if not admitted:
            return failure(403, msg=SIMULTANEOUS)
        if not operation.use():
            return failure(403, msg="TOKEN LIMIT EXCEEDED")
        return None

    def _reply(self, call: Call) -> Reply:
        vendor = self.vendor
        try:
            chosen = vendor.faults.take(api=self.api, server=self.server, file_url=call.file_url)
        except UnknownFaultError as error:
            return failure("400", msg=f"SANDBOX: {error}")
        # what the sandbox itself needs to read a request is no part of a vendor's latency
        since = call.arrived if self.wire.since is None else self.wire.since
        self.wire.pause(since + vendor.latency - time.monotonic())
        if chosen is None:
            return self._usual()
        call.fault = chosen.name
        situation = _situation(
            chosen,
            vendor=vendor,
            server=self.server,
            token=self.token,
            wire=self.wire,
            usual=self._usual,
        )
        return FAULTS[chosen.name].reply(situation)

    def _usual(self) -> Answer:
        documented = CALLS.get((self.module, self.api))
        if documented is None:
            return failure(400, msg=UNKNOWN_API)
        if self.request.method != documented.method:
            refusal = failure(405, msg=f"SANDBOX: {documented.method}, NOT {self.request.method}")
            return replace(refusal, headers=(("Allow", documented.method),))
        visit = Visit(
            operation=self.vendor.operations[self.server],
            body=self.request.json_object(),
            storage=self.vendor.storage,
            port=self.vendor.port,
            handle_lifetime=self.vendor.handle_lifetime,
        )
        return documented.answer(visit)

    def _second_half(self, answer: Answer, *, call: Call) -> Reply:
        """Send the first half, wait at the phase, and leave the rest to be sent."""
        whole = answer.head(close=True) + answer.body
        half = len(whole) // 2
        self.wire.send(whole[:half])
        self.vendor.phases.reach("half-answered", call=call)
        self.wire.pause(0)
        return iter([whole[half:]])


def _note_body(call: Call, *, request: Request) -> None:
    body = request.json_object() if request.body else None
    for name in ("connector_id", "file_url"):
        value = (body or {}).get(name)
        if isinstance(value, str):
            setattr(call, name, value)


def _situation(
    chosen: Chosen,
    *,
    vendor: Vendor,
    server: str,
    token: str,
    wire: Wire,
    usual: Callable[[], Answer],
) -> Situation:
    return Situation(
        server=server,
        token=token,
        seconds=chosen.seconds,
        redirect_to=vendor.faults.redirect_to,
        usual=lambda: usual().whole(),
        pause=wire.pause,
        until_closed=wire.until_closed,
        reset=wire.reset,
    )
