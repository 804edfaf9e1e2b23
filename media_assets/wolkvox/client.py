"""Calls to wolkvox: one fresh connection, one token, one deadline, one result or error.

Time-outs of sockets restart with every byte; the deadline does not. Of what can go wrong, only
that leaves this module which is drawn in `errors`, and never with a token in it.
"""

import contextlib
import functools
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, Literal, TypeVar

import requests
import urllib3
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from media_assets.wolkvox import answers, errors, servers
from media_assets.wolkvox.answers import ConnectorInfo, TokenInfo, Uploaded
from media_assets.wolkvox.watchdog import Permission, Watchdog

__all__ = [
    "TOKEN_SHAPE",
    "Client",
    "ConnectorInfo",
    "Permission",
    "TokenInfo",
    "Uploaded",
]

MAX_BODY = 256 * 1024
TOKEN_SHAPE = re.compile(r"[\x21-\x7e]{1,512}")  # no blank, no line break: it is a header

_Result = TypeVar("_Result")


class Client:
    """Calls one operation with its token. May be used from several threads.

    base_url: as built by `servers.base_url`; ValueError unless https or on this machine.
    deadline, connect_timeout: seconds for a whole call and for each address tried.
    ca_bundle: path of a PEM file to trust in place of the usual authorities; OSError if unreadable.
    Every method raises one of the errors of `errors` and nothing else for what happens outside.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        deadline: float = 75.0,
        connect_timeout: float = 5.0,
        ca_bundle: str | Literal[True] = True,
    ) -> None:
        servers.check_base_url(base_url)
        self._base_url = base_url.rstrip("/") + "/"
        self._token = token
        self._deadline = deadline
        self._connect_timeout = connect_timeout
        self._tls = _tls(DEFAULT_CA_BUNDLE_PATH if ca_bundle is True else ca_bundle)

    def __repr__(self) -> str:
        return f"Client({self._base_url!r}, token=[secure])"

    def upload_media(
        self,
        *,
        connector_id: str,
        file_url: str,
        start_before: float | None = None,
        permission: Permission | None = None,
    ) -> Uploaded:
        """Has wolkvox hand the file at `file_url` to Meta (vendor's page: `upload_media`).

        start_before: an instant of time.monotonic(); NotSent if the first byte of the request
        could not leave by then, as for a process that slept past its lease.
        permission: the connection is made meanwhile, but nothing sent before it is given.
        """
        return self._call(
            "whatsapp.php?api=upload_media",
            body=json.dumps({"connector_id": connector_id, "file_url": file_url}),
            read=answers.read_handle,
            watchdog=Watchdog(self._deadline, start_before=start_before, permission=permission),
        )

    def connectors(self) -> list[ConnectorInfo]:
        """The operation's connectors of all channels (vendor's page: `connectors`)."""
        return self._call("information.php?api=connectors", read=answers.read_connectors)

    def token_info(self) -> TokenInfo:
        """What the token may do and did today; costs one use (vendor's page: `token_info`)."""
        return self._call("information.php?api=token_info", read=answers.read_token_info)

    def _call(
        self,
        path: str,
        *,
        read: Callable[[answers.Answer, str], _Result],
        body: str | None = None,
        watchdog: Watchdog | None = None,
    ) -> _Result:
        if not TOKEN_SHAPE.fullmatch(self._token):
            raise errors.TokenRefused(reason="not 1 to 512 visible ASCII characters")
        try:
            return read(self._answer(path, body=body, watchdog=watchdog), self._token)
        except errors.WolkvoxError as error:
            failure = error
        # Raised out here, alone: the frames and exceptions it came from hold the token.
        failure.__cause__ = failure.__context__ = None
        raise failure.with_traceback(None)

    def _answer(self, path: str, *, body: str | None, watchdog: Watchdog | None) -> answers.Answer:
        watchdog = watchdog or Watchdog(self._deadline, start_before=None, permission=None)
        status, headers, content = self._exchange(path, body=body, watchdog=watchdog)
        return answers.read_answer(status, headers=headers, body=content, token=self._token)

    def _exchange(
        self, path: str, *, body: str | None, watchdog: Watchdog
    ) -> tuple[int, Mapping[str, str], bytes]:
        # The adapter without a session: no proxies, no netrc, no cookies, no redirects. A session
        # would read and unpack the whole body of a redirect even when told not to follow it.
        request = requests.Request(
            "GET" if body is None else "POST",
            self._base_url + path,
            headers=self._headers(),
            data=body,
        ).prepare()
        timeout = urllib3.Timeout(
            connect=self._connect_timeout, read=self._deadline, total=self._deadline
        )
        with (
            watchdog,
            contextlib.closing(_Adapter(watchdog, tls=self._tls)) as adapter,
        ):
            try:
                with adapter.send(request, timeout=timeout) as response:  # type: ignore[arg-type]  # stubs
                    content = _read_body(response.raw)
            except (
                requests.RequestException,
                urllib3.exceptions.HTTPError,
                HTTPException,
                OSError,
                ValueError,
            ) as error:
                raise watchdog.failure(error) from None
        if watchdog.expired or len(content) > MAX_BODY:
            reason = "deadline" if watchdog.expired else "more than 256 KiB"
            raise errors.Unclear(http_status=response.status_code, reason=reason)
        return response.status_code, response.headers, content

    def _headers(self) -> dict[str, str]:
        return {
            "wolkvox-token": self._token,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": "wolkvox-admin",
        }


class _QuietHTTPResponse(HTTPResponse):
    """Hides broken headers from urllib3, which logs them: they may repeat the token."""

    def begin(self) -> None:
        super().begin()
        self.msg.defects.clear()
        self.msg.set_payload("")


class _WatchedHTTPConnection(HTTPConnection):
    debuglevel = 0  # http.client would print the token
    response_class = _QuietHTTPResponse

    def __init__(self, watchdog: Watchdog, **options: Any) -> None:
        super().__init__(**options)
        self._watchdog = watchdog

    def _new_conn(self) -> socket.socket:
        # Not urllib3's own: it asks the resolver without any time-out.
        assert isinstance(self.timeout, int | float)  # noqa: S101  (urllib3 sets it before)
        return self._watchdog.connect(self.host, self.port, timeout=self.timeout)

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            self._watchdog.certificate_refused = True
            raise

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._watchdog.allow_sending()
        super().send(data)


class _WatchedHTTPSConnection(_WatchedHTTPConnection, HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    """The adapter of one call; its connections report to the call's watchdog."""

    def __init__(self, watchdog: Watchdog, *, tls: ssl.SSLContext) -> None:
        self._watchdog = watchdog
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **options)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        connection = _WatchedHTTPSConnection if pool.scheme == "https" else _WatchedHTTPConnection
        pool.ConnectionCls = functools.partial(connection, self._watchdog)
        return pool

    def cert_verify(self, *args: Any) -> None:
        """Nothing to set: the TLS context trusts and verifies, and is loaded once only."""


def _read_body(raw: Any) -> bytes:
    """The body as sent, one byte more than allowed at most; never unpacked."""
    content = b""
    while len(content) <= MAX_BODY:
        # Only the read that finds nothing more tells that an answer was cut short.
        chunk = raw.read(MAX_BODY + 1 - len(content), decode_content=False)
        if not chunk:
            break
        content += chunk
    return content


@functools.cache
def _tls(ca_bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)
