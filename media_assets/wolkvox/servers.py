"""From what people write for their server to the one address that calls may go to."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

REAL_BASE_URL = "https://wv{server}.wolkvox.com/api/v2/"

_PLACE = "{server}"
_SERVER = re.compile("[0-9]{4}")
_AS_WRITTEN = re.compile(
    r"(?:wv)?([0-9]{4})"
    r"|(?:https?://)?wv([0-9]{4})\.wolkvox\.com(?::443)?(?:/[!-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_PLAIN = re.compile(r"[!-\[\]-~]+")  # visible ASCII without the backslash
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = IPv4Network("127.0.0.0/8")


def normalise_server(text: str) -> str:
    """The four ASCII digits in "0042", "wv0042", "wv0042.wolkvox.com" or a URL of that host.

    Raises ValueError for everything else.
    """
    match = _AS_WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError("A server is four digits, such as 0042 or wv0042.wolkvox.com.")
    return match[1] or match[2]


def base_url(pattern: str, *, server: str) -> str:
    """`pattern` with the four digits of `server` put in, always with a final "/".

    The result is parsed again: ValueError unless scheme, host and port are the expected ones.
    """
    check_pattern(pattern)
    if not _SERVER.fullmatch(server):
        raise ValueError("A server is exactly four digits.")
    url = pattern.rstrip("/").replace(_PLACE, server) + "/"
    expected = urlsplit(pattern)
    expected_host = (expected.hostname or "").replace(_PLACE, server)
    if _address(_split(url)) != (expected.scheme, expected_host, _port(expected)):
        raise ValueError("The server changes the address of the base URL.")
    return url


def check_pattern(pattern: str) -> None:
    """Raises ValueError, with a sentence, unless calls may go to `pattern`.

    Allowed are the real service and, for a sandbox, http or https on this machine.
    """
    if is_real(pattern):
        return
    if pattern.count(_PLACE) != 1 or re.search("[{}]", pattern.replace(_PLACE, "")):
        raise ValueError("The base URL must contain {server} exactly once and no other braces.")
    if not _is_loopback(_split(pattern).hostname or ""):
        raise ValueError(
            f"The base URL must be {REAL_BASE_URL} or on this machine (127.0.0.1, ::1, localhost)."
        )


def check_base_url(url: str) -> None:
    """Raises ValueError unless a token may travel to `url`: over https, or on this machine."""
    parts = _split(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError("A base URL on another machine must begin with https://.")


def is_real(pattern: str) -> bool:
    return pattern.rstrip("/") == REAL_BASE_URL.rstrip("/")


def is_sandbox(pattern: str) -> bool:
    return not is_real(pattern)


def origin(base_url: str) -> str:
    """`base_url` as scheme://host:port/path/ in lower case, the port always written.

    Two base URLs have the same origin when a token for one may be sent to the other.
    Raises ValueError when `base_url` is no plain http or https address.
    """
    parts = _split(base_url)
    scheme, host, port = _address(parts)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{port}{parts.path.rstrip('/')}/".lower()


def _split(url: str) -> SplitResult:
    if not _PLAIN.fullmatch(url):
        raise ValueError("A base URL has no blanks, backslashes or characters outside ASCII.")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("A base URL must begin with https:// or http:// and name a host.")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("A base URL has no user name, query or fragment.")
    _port(parts)
    return parts


def _port(parts: SplitResult) -> int:
    """Raises ValueError when what stands for the port is no number up to 65535."""
    return parts.port if parts.port is not None else _PORTS[parts.scheme]


def _address(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", _port(parts)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address in _LOOPBACK
    return address == IPv6Address("::1")
