"""The connection a probe looks through: a vetted and pinned address, and one wall clock.

requests-hardened resolves the name once and connects to that very address. Here every address is
vetted once more before it is connected to, nothing comes from the environment, redirects and
cookies are not even read, and the sockets can be cut from another thread: a time-out of requests
starts anew with every byte.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Lock
from types import TracebackType
from typing import Any, Self

from requests import PreparedRequest, Response
from requests_hardened import Config, HTTPSession  # type: ignore[import-untyped]  # no stubs
from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]  # no stubs
from requests_hardened.ip_filter_adapter import IPFilterAdapter  # type: ignore[import-untyped]  # no stubs
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

UNICAST_6 = ip_network("2000::/3")  # NAT64, mapped, unique local and link-local lie outside
# IANA's special-purpose registries, written out: what Python knows of them differs by its version.
NOT_PUBLIC = [
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network, and on Linux this machine
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # Azure's metadata and DNS, a public number reachable only inside
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address in disguise
        "3fff::/20",  # documentation
    )
]
ISATAP = {0x00005EFE, 0x02005EFE}  # RFC 5214: the last four bytes are any IPv4 address


def is_public_address(ip: str | IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet; False for anything in doubt.

    Source: IANA's special-purpose address registries. Python's `is_global` misses NAT64, 6to4,
    mapped and multicast addresses, so it is asked besides and never alone.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address):
        hides_another = int(address) >> 32 & 0xFFFFFFFF in ISATAP
        if hides_another or address not in UNICAST_6 or address.scope_id:
            return False
    return not any(address in block for block in NOT_PUBLIC)


def is_loopback_address(ip: str) -> bool:
    return ip_address(ip).is_loopback


class Line:
    """The sockets of one look, which another thread may cut, and the seconds it has left."""

    def __init__(self, *, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._is_cut = False
        self._held: list[socket.socket] = []
        self._lock = Lock()

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    @property
    def seconds_left(self) -> float:
        return max(0.01, self._ends_at - time.monotonic())

    def hold(self, connected: socket.socket) -> None:
        """Keep a duplicate: TLS takes the original over, a shutdown reaches both."""
        with self._lock:
            if self._is_cut:
                connected.close()
                raise TimeoutError("This look is over.")
            self._held.append(connected.dup())

    def cut(self) -> None:
        """End whatever waits for these sockets, in whichever thread."""
        with self._lock:
            self._is_cut = True
            for held in self._held:
                with suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            while self._held:
                self._held.pop().close()


class Session(HTTPSession):  # type: ignore[misc]  # untyped
    """A requests-hardened session for one look, on one line.

    For loopback entries of STORAGE_HOSTS only loopback is connected to, for all others only
    the public internet.
    """

    def __init__(self, line: Line, *, loopback: bool) -> None:
        super().__init__(
            Config(
                ip_filter_enable=True,
                ip_filter_allow_loopback_ips=loopback,
                never_redirect=True,
                default_timeout=(line.seconds_left, line.seconds_left),
                user_agent_override="wolkvox_admin preflight",
            )
        )
        self.trust_env = False
        self.headers["Accept-Encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        vet = is_loopback_address if loopback else is_public_address
        self.mount("http://", _Adapter(line, vet=vet, loopback=loopback, https=False))
        self.mount("https://", _Adapter(line, vet=vet, loopback=loopback, https=True))

    def get_redirect_target(self, resp: Response) -> None:
        """None: to prepare the next request, requests would read this body to the end, decoded."""


class _Adapter(IPFilterAdapter):  # type: ignore[misc]  # untyped
    def __init__(
        self, line: Line, *, vet: Callable[[str], bool], loopback: bool, https: bool
    ) -> None:
        super().__init__(is_https_proto=https, allow_loopback=loopback)
        self._line = line
        self._vet = vet

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        pinned = host_params["host"].strip("[]")
        if not self._vet(pinned):
            raise InvalidIPAddress(pinned)
        return host_params, pool_kwargs

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)
        is_https = isinstance(pool, HTTPSConnectionPool)
        pool.ConnectionCls = _HeldHTTPSConnection if is_https else _HeldHTTPConnection
        pool.conn_kw["line"] = self._line
        return pool


class _HeldHTTPConnection(HTTPConnection):
    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._line.hold(connected)
        return connected


class _HeldHTTPSConnection(_HeldHTTPConnection, HTTPSConnection):
    pass
