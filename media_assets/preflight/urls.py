"""A submitted file URL as text: taken apart once, judged, and rebuilt from its parts.

Sources: RFC 3986 (what a URL may hold), the WHATWG URL standard ("ends in a number": which hosts
browsers and libraries read as an IPv4 address), Meta's list of sample formats.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

Format = Literal["IMAGE", "VIDEO", "DOCUMENT"]

FORMATS: dict[str, Format] = {
    "jpg": "IMAGE",
    "jpeg": "IMAGE",
    "png": "IMAGE",
    "mp4": "VIDEO",
    "pdf": "DOCUMENT",
}
MAX_LENGTH = 2048
# Characters that RFC 3986 allows in a path or query; % because what is encoded stays as it is.
PATH_SAFE = "/%:@!$&'()*+,;=~"
QUERY_SAFE = PATH_SAFE + "?"
INVISIBLE = {"Cc", "Cf", "Cs"}
BLANK = {"Zs", "Zl", "Zp"}
BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?:[a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])\Z"
)
PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa")
LOOPBACK = re.compile(
    r"(?:localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])(?::[0-9]{1,5})?"
)

SENTENCES = {
    "empty": _("Paste the public URL of a file in wolkvox Storage."),
    "too_long": _(
        "The address may have at most {allowed} characters. Give the file a shorter name."
    ),
    "invisible": _("The address holds an invisible character. Copy it again from wolkvox Storage."),
    "blank": _("The address holds a blank. Write spaces as %20, or give the file another name."),
    "backslash": _("The address holds a backslash. Use / only."),
    "scheme": _("The address has to begin with https://"),
    "malformed": _("This is not an address. Copy it again from wolkvox Storage."),
    "user_info": _("The address holds a user name or an @ before the server. Leave it out."),
    "idn": _("The server's name has letters beyond a to z. Write it in its xn-- form."),
    "ip_address": _("“{value}” is a number, not a name. Use the server's name."),
    "private": _("“{value}” is a private name that Meta cannot reach. Use a public one."),
    "host": _("“{value}” is not the name of a public server. Copy the address again."),
    "port": _("The address names the port “{value}”. Leave the port out: only 443 is possible."),
    "fragment": _(
        "The address holds a #. Leave out everything from the # on; in a name write %23."
    ),
    "percent": _("A percent sign has no two hexadecimal digits after it. Write the sign as %25."),
    "dot_segment": _("The address holds /./ or /../. Write the folder itself."),
    "no_extension": _("The address has to end in a file name with one of these: {allowed}."),
    "extension": _("A sample cannot be “{value}”. These are possible: {allowed}."),
}


class UrlProblem(ValueError):
    """Why a URL is not accepted: `code` for programs, `sentence` (lazy) for people.

    `values` are what the sentence holds, so that it can be made again from the code.

    `str()` is the code alone: an address may carry a signature that does not belong into a log.
    """

    def __init__(self, code: str, *, value: str = "", allowed: str = "") -> None:
        super().__init__(code)
        self.code = code
        shown = re.sub(r"[^\w.:%-]", "?", value[:60], flags=re.ASCII)
        self.values = {"value": shown, "allowed": allowed}
        self.sentence = format_lazy(SENTENCES[code], **self.values)


@dataclass(frozen=True)
class FileUrl:
    """An accepted URL.

    `url` is rebuilt from its parts, ASCII, at most 2,048 characters: what is stored and sent.
    `file_name` is decoded, for display. `listed`: STORAGE_HOSTS allows us to look at the file.
    """

    url: str
    host: str
    path: str
    file_name: str
    format: Format
    listed: bool


@dataclass(frozen=True)
class StorageHost:
    """An entry of STORAGE_HOSTS: `https://host` or a loopback origin, and how paths begin.

    The prefix is compared as text: `/wvox-` stands for every bucket whose name begins so, and a
    prefix that means one folder ends in a slash.
    """

    origin: str
    prefix: str

    @property
    def is_loopback(self) -> bool:
        return self.origin.startswith("http://")

    def covers(self, origin: str, *, path: str) -> bool:
        return self.origin == origin and path.startswith(self.prefix)


def parse_url(text: str) -> FileUrl:
    """Take a submitted URL apart and judge it. Raises UrlProblem, and nothing else, on any text."""
    _refuse_characters(text)
    parts = _split(text)
    path = _path(parts.path)
    hosts = storage_hosts()
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    if not any(host.is_loopback and host.covers(origin, path=path) for host in hosts):
        if parts.scheme != "https":
            raise UrlProblem("scheme")
        origin = f"https://{_public_host(parts.netloc)}"
    url = origin + path
    if parts.query:
        url += "?" + quote(parts.query, safe=QUERY_SAFE)
    if len(url) > MAX_LENGTH:
        raise UrlProblem("too_long", allowed=str(MAX_LENGTH))
    file_name = unquote(path).rpartition("/")[2]
    return FileUrl(
        url=url,
        host=urlsplit(origin).hostname or "",
        path=path,
        file_name=file_name,
        format=_format(file_name),
        listed=any(host.covers(origin, path=path) for host in hosts),
    )


def storage_hosts() -> list[StorageHost]:
    """The entries of STORAGE_HOSTS that count; loopback ones only while SANDBOX."""
    hosts = (host for _text, host in _entries() if host is not None)
    return [host for host in hosts if settings.SANDBOX or not host.is_loopback]


def check_storage_hosts() -> list[str]:
    """What is wrong with STORAGE_HOSTS, in plain English for a system check; empty if nothing."""
    problems = []
    for text, host in _entries():
        shown = repr(text[:80])
        if host is None and text.lower().startswith("http://"):
            problems.append(f"{shown} is not encrypted: http is for the sandbox on loopback only.")
        elif host is None:
            problems.append(
                f"{shown} is malformed: write a host name and, if need be, how its paths begin, "
                "such as storage.googleapis.com/wvox-"
            )
        elif host.is_loopback and not settings.SANDBOX:
            problems.append(f"{shown} counts only while WOLKVOX_BASE_URL points at the sandbox.")
    return problems


def _entries() -> Iterator[tuple[str, StorageHost | None]]:
    for text in settings.STORAGE_HOSTS:
        try:
            yield text, _entry(text)
        except UrlProblem:
            yield text, None


def _entry(text: str) -> StorageHost:
    _refuse_characters(text)
    parts = _split(text if "://" in text else f"https://{text}")
    if parts.query:
        raise UrlProblem("malformed")
    prefix = _path(parts.path or "/")
    netloc = parts.netloc.lower()
    if parts.scheme == "http" and LOOPBACK.fullmatch(netloc):
        return StorageHost(origin=f"http://{netloc}", prefix=prefix)
    if parts.scheme != "https":
        raise UrlProblem("scheme")
    return StorageHost(origin=f"https://{_public_host(netloc)}", prefix=prefix)


def _refuse_characters(text: str) -> None:
    """Refuse what parsers disagree about, before any parser sees it."""
    if not text:
        raise UrlProblem("empty")
    if len(text) > 2 * MAX_LENGTH:  # rebuilding never makes it so much shorter
        raise UrlProblem("too_long", allowed=str(MAX_LENGTH))
    categories = {unicodedata.category(character) for character in text}
    if categories & INVISIBLE:
        raise UrlProblem("invisible")
    if categories & BLANK:
        raise UrlProblem("blank")
    if "\\" in text:
        raise UrlProblem("backslash")
    if "#" in text:
        raise UrlProblem("fragment")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets that hold no IPv6 address; compatibility characters
        raise UrlProblem("malformed") from None
    if parts.scheme not in {"http", "https"}:
        raise UrlProblem("scheme")
    if not parts.netloc:
        raise UrlProblem("malformed")
    if BROKEN_PERCENT.search(parts.path) or BROKEN_PERCENT.search(parts.query):
        raise UrlProblem("percent")
    return parts


def _public_host(netloc: str) -> str:
    if "@" in netloc:
        raise UrlProblem("user_info")
    if not netloc.isascii():
        raise UrlProblem("idn")
    if "[" in netloc:
        raise UrlProblem("ip_address", value=netloc.strip("[]"))
    host, colon, port = netloc.lower().partition(":")
    name = host.removesuffix(".")
    if NUMBER.fullmatch(name.rpartition(".")[2]):
        raise UrlProblem("ip_address", value=host)
    if name.endswith(tuple(f".{private}" for private in PRIVATE_NAMES)) or name in PRIVATE_NAMES:
        raise UrlProblem("private", value=host)
    if not DNS_NAME.fullmatch(host):
        raise UrlProblem("host", value=host)
    if colon and port != "443":
        raise UrlProblem("port", value=port)
    return host


def _path(raw: str) -> str:
    """The path, percent-encoded where it was not. What it means decoded is judged, too."""
    decoded = unquote(raw)
    if "\\" in decoded:
        raise UrlProblem("backslash")
    if {unicodedata.category(character) for character in decoded} & (INVISIBLE | {"Zl", "Zp"}):
        raise UrlProblem("invisible")
    if {".", ".."} & set(decoded.split("/")):
        raise UrlProblem("dot_segment")
    return quote(raw, safe=PATH_SAFE)


def _format(file_name: str) -> Format:
    stem, _dot, extension = file_name.rpartition(".")
    allowed = ", ".join(FORMATS)
    if not stem or not extension:
        raise UrlProblem("no_extension", allowed=allowed)
    found = FORMATS.get(extension.lower())
    if found is None:
        raise UrlProblem("extension", value=extension, allowed=allowed)
    return found
