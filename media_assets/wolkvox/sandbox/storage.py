"""wolkvox Storage as a public place of files: samples, special cases, ranged reading."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from media_assets.wolkvox.sandbox.handle import mime_type_of
from media_assets.wolkvox.sandbox.messages import Answer, Request

SAMPLES = Path(__file__).parent / "samples"
SAMPLE_OF_EXTENSION = {
    "jpg": ("promo-julio.jpg", "lanzamiento.jpg"),
    "png": ("banner-tienda.png",),
    "mp4": ("demo-producto.mp4",),
    "pdf": ("catalogo-2026.pdf",),
}
NAMED_SAMPLES = {name for names in SAMPLE_OF_EXTENSION.values() for name in names}
SHOWN_NAMES = (
    "promo-julio.jpg",
    "banner-tienda.png",
    "demo-producto.mp4",
    "catalogo-2026.pdf",
    "lanzamiento.jpg",
    "foto de la tienda.jpg",
    "multiline.jpg",
    "con-nombre.jpg",
    "restringido.jpg",
    "demasiado-grande.jpg",
    "disfrazado.jpg",
    "disfrazado-html.jpg",
    "muestra-001.jpg",
)
HTML_PAGE = b"<!doctype html><title>No es una imagen</title><p>Not a picture</p>"
TOO_BIG = 6 * 1024 * 1024
CHUNK = 65_536

_PATH = re.compile(r"/storage/wvox-(\d{4})/(.+)")
_COPY = re.compile(
    r"(?:muestra-(?P<number>\d{3})|fault-.+|.*multiline.*|.*con-nombre.*|foto de la tienda)"
    r"\.(?P<extension>jpg|png|mp4|pdf)"
)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_HEADERS = (
    ("Accept-Ranges", "bytes"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """`content`, followed by zero bytes up to `size`; a restricted file is not public."""

    content: bytes
    content_type: str
    size: int
    public: bool = True

    def pieces(self, start: int, *, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to and without `stop`, a chunk at a time."""
        for begin in range(start, stop, CHUNK):
            end = min(begin + CHUNK, stop)
            yield self.content[begin:end].ljust(end - begin, b"\0")


class Storage:
    """`/storage/wvox-<server>/<path>`. A sample is found by its name in any folder."""

    def __init__(self, servers: Container[str], *, samples: bool = True) -> None:
        self._servers = servers
        self._samples = samples
        self._added: dict[str, StoredFile] = {}

    def add(
        self,
        name: str,
        *,
        body: bytes,
        content_type: str | None = None,
        size: int | None = None,
        public: bool = True,
    ) -> None:
        """Put a file at `name` (its path in every operation), or replace what is there.

        With `size` larger than the body, zero bytes follow, made while they are sent.
        """
        self._added[name] = StoredFile(
            content=body,
            content_type=content_type or mime_type_of(name),
            size=len(body) if size is None else size,
            public=public,
        )

    def find(self, path: str) -> StoredFile | None:
        """The file at the URL path `/storage/wvox-<server>/<path>`, or None."""
        found = _PATH.fullmatch(path)
        if found is None or found[1] not in self._servers:
            return None
        name = unquote(found[2])
        if name in self._added:
            return self._added[name]
        return _sample(name.rpartition("/")[2]) if self._samples else None

    def answer(self, request: Request) -> Answer:
        """200, 206, 403, 404, 405 or 416 for a GET or HEAD below `/storage/`."""
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, headers=(("Allow", "GET, HEAD"),))
        if (file := self.find(request.path)) is None:
            return _refusal(404)
        if not file.public:
            return _refusal(403)
        wanted = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
        if wanted is None or not any(wanted.groups()):
            return _content(file, start=0, stop=file.size)
        return _ranged(file, first=wanted[1], last=wanted[2])


def storage_path(name: str, *, server: str) -> str:
    return f"/storage/wvox-{server}/{quote(name)}"


def path_in(url: str, *, port: int) -> str | None:
    """The URL's path when it points into the Storage served at `port` here, else None."""
    try:
        parts = urlsplit(url)
        here = parts.hostname in ("127.0.0.1", "localhost") and parts.port == port
    except ValueError:
        return None
    return parts.path if here and parts.path.startswith("/storage/") else None


@lru_cache(maxsize=4096)
def _sample(name: str) -> StoredFile | None:
    if name in NAMED_SAMPLES:
        return _copy_of(name)
    if name == "restringido.jpg":
        return _copy_of("promo-julio.jpg", public=False)
    if name == "demasiado-grande.jpg":
        return _copy_of("promo-julio.jpg", size=TOO_BIG)
    if name == "disfrazado.jpg":
        return _copy_of("banner-tienda.png", content_type="image/jpeg")
    if name == "disfrazado-html.jpg":
        return StoredFile(content=HTML_PAGE, content_type="image/jpeg", size=len(HTML_PAGE))
    if (copy := _COPY.fullmatch(name)) is None:
        return None
    number = int(copy["number"] or 1)
    choices = SAMPLE_OF_EXTENSION[copy["extension"]]
    return _copy_of(choices[number % len(choices)]) if 1 <= number <= 500 else None


def _copy_of(
    sample: str, *, content_type: str | None = None, size: int | None = None, public: bool = True
) -> StoredFile:
    content = _read(sample)
    return StoredFile(
        content=content,
        content_type=content_type or mime_type_of(sample),
        size=size or len(content),
        public=public,
    )


@cache
def _read(sample: str) -> bytes:
    return (SAMPLES / sample).read_bytes()


def _ranged(file: StoredFile, *, first: str, last: str) -> Answer:
    """RFC 9110, section 14: `bytes=a-b`, `bytes=a-` and `bytes=-n`."""
    if first:
        start = int(first)
        stop = min(int(last) + 1, file.size) if last else file.size
    else:
        start = max(file.size - int(last), 0)
        stop = file.size
    if start >= stop:
        return _refusal(416, headers=(("Content-Range", f"bytes */{file.size}"),))
    span = ("Content-Range", f"bytes {start}-{stop - 1}/{file.size}")
    return _content(file, start=start, stop=stop, status=206, headers=(span,))


def _content(
    file: StoredFile,
    *,
    start: int,
    stop: int,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    return Answer(
        status=status,
        content_type=file.content_type,
        headers=(*_HEADERS, *headers),
        pieces=file.pieces(start, stop=stop),
        length=stop - start,
    )


def _refusal(status: int, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    sentences = {
        403: "AccessDenied: el archivo es restringido / this file is restricted\n",
        404: "NoSuchKey: el archivo no existe / there is no such file\n",
        405: "MethodNotAllowed: GET, HEAD\n",
        416: "InvalidRange: fuera del archivo / outside the file\n",
    }
    return Answer(
        status=status,
        body=sentences[status].encode(),
        content_type="text/plain; charset=utf-8",
        headers=(*_HEADERS, *headers),
    )
