"""A short look at a file before it is sent: can it be read, how big is it, what is it.

Only hosts in STORAGE_HOSTS are looked at. Limits: Meta's for template samples; wolkvox's own are
not known. The bytes are judged and forgotten, never shown.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING

from django.core.cache import caches
from django.db import connections
from django.template.defaultfilters import filesizeformat
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from requests import RequestException, Response
from urllib3.exceptions import HTTPError

from media_assets.preflight.urls import FileUrl, Format, parse_url
from media_assets.preflight.wire import Line, Session

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SECONDS = 5.0
GRACE = 0.2  # for a look that was cut to clear up
FIRST_BYTES = 64
READABLE = {200, 206}
THREADS = 12
KEEP_FINE = 600  # seconds
KEEP_PROBLEM = 30  # somebody is about to make the file public

MB = 1024 * 1024
LIMITS: dict[Format, int] = {"IMAGE": 5 * MB, "VIDEO": 16 * MB, "DOCUMENT": 100 * MB}
LARGE_DOCUMENT = 25 * MB
KINDS: dict[str, Format] = {"JPEG": "IMAGE", "PNG": "IMAGE", "MP4": "VIDEO", "PDF": "DOCUMENT"}
KIND_OF_EXTENSION = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "mp4": "MP4", "pdf": "PDF"}
MAGIC = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("PDF", re.compile(rb".*?%PDF-", re.DOTALL)),  # readers accept a byte-order mark before it
    ("HEIC", re.compile(rb".{4}ftyp(?:heic|heix|mif1)", re.DOTALL)),
    ("AVIF", re.compile(rb".{4}ftypavif", re.DOTALL)),
    ("MP4", re.compile(rb".{4}ftyp", re.DOTALL)),
    ("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8")),
    ("ZIP / Office", re.compile(rb"PK\x03\x04")),
    ("HTML", re.compile(rb"\s*<(?:!doctype html|html|head|body)", re.IGNORECASE)),
)

CONTENT_RANGE = re.compile(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]{1,18})")
MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")

BLOCKING = {"restricted", "missing", "redirect", "empty", "too_big", "wrong_type"}
SENTENCES = {
    "restricted": _("The file is restricted. Make it public in wolkvox Storage, then try again."),
    "missing": _("There is no file at this address. Copy it again from wolkvox Storage."),
    "redirect": _(
        "This address leads to another one. Open it in a browser and paste the address "
        "where the file itself appears."
    ),
    "unreachable": _(
        "The file could not be checked from here. You may send it; if it fails, open the "
        "address in a private browser window to see whether the file is public."
    ),
    "empty": _("The file is empty. Upload it to wolkvox Storage again."),
    "too_big": _("The file has {size}, a sample may have at most {limit}. Use a smaller one."),
    "large": _("The file has {size}. Above {large} time-outs are likely; a smaller one is safer."),
    "wrong_type": _("The content of the file is not what its name says ({found}). Use {allowed}."),
    "misnamed": _("The content is {found}, the name says otherwise. Rename the file if it fails."),
}


@dataclass(frozen=True)
class Probe:
    """What a look at a file gave.

    `reachable`: its bytes could be read. `size` in bytes. `content_type` in lower case without
    parameters. `found`: what the first bytes are (`JPEG`, `WebP`, …). `problem`: "" or a key of
    SENTENCES. What is not known is None or "".
    """

    format: Format
    reachable: bool = False
    http_status: int | None = None
    content_type: str = ""
    size: int | None = None
    found: str = ""
    problem: str = ""

    @property
    def blocks(self) -> bool:
        """Whether sending would be in vain; other problems are warnings."""
        return self.problem in BLOCKING

    @property
    def sentence(self) -> "StrOrPromise":
        """The problem and the next step for people; "" if there is none."""
        if not self.problem:
            return ""
        return sentence_of(self.problem, self.values)

    @property
    def values(self) -> dict[str, str]:
        """What the sentence holds, as text: numbers of bytes, and names of kinds."""
        return {
            "size": str(self.size or 0),
            "limit": str(LIMITS[self.format]),
            "found": self.found,
            "allowed": ", ".join(kind for kind, of in KINDS.items() if of == self.format),
        }


def sentence_of(problem: str, values: Mapping[str, str]) -> "StrOrPromise":
    """The sentence of a problem with these `Probe.values`."""
    return format_lazy(
        SENTENCES[problem],
        size=filesizeformat(values["size"]),
        limit=filesizeformat(values["limit"]),
        large=filesizeformat(LARGE_DOCUMENT),
        found=values["found"] or _("something else"),
        allowed=values["allowed"],
    )


def probe(file_url: FileUrl) -> Probe:
    """Look at a file for at most 5 seconds and keep the result in the cache.

    HEAD, then the first 64 bytes by a ranged GET (RFC 9110 §14), whose answer counts. Raises
    ValueError unless STORAGE_HOSTS lists the address now.
    """
    if not parse_url(file_url.url).listed:
        raise ValueError("Only addresses in STORAGE_HOSTS are looked at.")
    result = _look_within(SECONDS, file_url=file_url)
    caches["files"].set(_cache_key(file_url), result, KEEP_PROBLEM if result.problem else KEEP_FINE)
    return result


def cached_probe(file_url: FileUrl) -> Probe | None:
    """The last look at this address: up to 10 minutes old if it was fine, else 30 seconds."""
    result: Probe | None = caches["files"].get(_cache_key(file_url))
    return result


def probe_many(urls: Sequence[FileUrl], *, seconds: float) -> dict[str, Probe]:
    """What is known of these files after at most `seconds`: results by `FileUrl.url`.

    Unlisted addresses are left out; cached results are used. Looks that have begun go on for
    their 5 seconds and fill the cache, the others are dropped.
    """
    wanted = {file_url.url: file_url for file_url in urls if file_url.listed}
    cached = {url: cached_probe(file_url) for url, file_url in wanted.items()}
    results = {url: result for url, result in cached.items() if result is not None}
    missing = [file_url for url, file_url in wanted.items() if url not in results]
    if not missing or seconds <= 0:
        return results
    pool = ThreadPoolExecutor(min(THREADS, len(missing)), thread_name_prefix="probe")
    futures = {pool.submit(_probe_in_pool, file_url): file_url.url for file_url in missing}
    done, _pending = wait(futures, timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    return results | {futures[future]: future.result() for future in done}


def _probe_in_pool(file_url: FileUrl) -> Probe:
    try:
        return probe(file_url)
    finally:
        connections.close_all()  # a cache in the database opens one for each thread


def _cache_key(file_url: FileUrl) -> str:
    return f"preflight:1:{hashlib.sha256(file_url.url.encode()).hexdigest()}"


def _look_within(seconds: float, *, file_url: FileUrl) -> Probe:
    """Look in a thread of its own: resolving a name knows no time-out at all."""
    line = Line(seconds=seconds - GRACE)
    results: list[Probe] = []
    thread = Thread(
        target=lambda: results.append(_look(file_url, line=line)), name="look", daemon=True
    )
    thread.start()
    thread.join(line.seconds_left)
    if thread.is_alive():
        line.cut()
        thread.join(GRACE)
    return results[0] if results else Probe(file_url.format, problem="unreachable")


def _look(file_url: FileUrl, *, line: Line) -> Probe:
    url = file_url.url
    try:
        with line, Session(line, loopback=url.startswith("http://")) as session:
            head = session.head(url, timeout=(line.seconds_left, line.seconds_left))
            with session.get(
                url,
                headers={"Range": f"bytes=0-{FIRST_BYTES - 1}"},
                stream=True,
                timeout=(line.seconds_left, line.seconds_left),
            ) as answer:
                first = _first_bytes(answer) if answer.status_code in READABLE else b""
            if line.is_cut:  # what was cut off must not be judged
                return Probe(file_url.format, problem="unreachable")
    except (RequestException, HTTPError, OSError, ValueError):
        return Probe(file_url.format, problem="unreachable")
    return _judge(file_url, head=head, answer=answer, first=first)


def _first_bytes(answer: Response) -> bytes:
    """At most 64 bytes as sent. An answer that breaks off raises urllib3's IncompleteRead."""
    first = b""
    while more := answer.raw.read(FIRST_BYTES - len(first), decode_content=False):
        first += more
        if len(first) >= FIRST_BYTES:
            break
    return first


def _judge(file_url: FileUrl, *, head: Response, answer: Response, first: bytes) -> Probe:
    is_plain = answer.headers.get("Content-Encoding", "identity").lower() == "identity"
    size = _size(answer) if is_plain else None
    if size is None and is_plain and head.status_code == 200:
        size = _size(head)
    seen = Probe(
        file_url.format,
        reachable=answer.status_code in READABLE,
        http_status=answer.status_code,
        content_type=_content_type(answer),
        size=size,
        found=_kind(first) if is_plain else "",
    )
    problem = _problem_of_answer(seen, first=first) or _problem_of_size(seen)
    if not problem and is_plain:
        problem = _problem_of_kind(seen, file_name=file_url.file_name)
    return replace(seen, problem=problem or ("large" if _is_large(seen) else ""))


def _problem_of_answer(seen: Probe, *, first: bytes) -> str:
    if seen.http_status in {401, 403}:
        return "restricted"
    if seen.http_status in {404, 410}:
        return "missing"
    if seen.http_status in {301, 302, 303, 307, 308}:
        return "redirect"
    # No range of an empty file can be given: RFC 9110 §15.5.17.
    if (seen.reachable and not first) or (seen.http_status == 416 and seen.size == 0):
        return "empty"
    return "" if seen.reachable else "unreachable"


def _problem_of_size(seen: Probe) -> str:
    return "too_big" if seen.size is not None and seen.size > LIMITS[seen.format] else ""


def _problem_of_kind(seen: Probe, *, file_name: str) -> str:
    extension = file_name.rpartition(".")[2].lower()
    if seen.found == KIND_OF_EXTENSION[extension]:
        return ""
    return "misnamed" if KINDS.get(seen.found) == seen.format else "wrong_type"


def _is_large(seen: Probe) -> bool:
    return seen.format == "DOCUMENT" and seen.size is not None and seen.size > LARGE_DOCUMENT


def _kind(first: bytes) -> str:
    return next((kind for kind, magic in MAGIC if magic.match(first)), "")


def _size(answer: Response) -> int | None:
    """The whole file's bytes, as far as this answer tells: RFC 9110 §8.6 and §14.4."""
    if answer.status_code == 200:
        match = re.fullmatch(r"([0-9]{1,18})", answer.headers.get("Content-Length", ""))
    else:
        match = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _content_type(answer: Response) -> str:
    text = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return text if MEDIA_TYPE.fullmatch(text) else ""
