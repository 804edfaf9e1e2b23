"""What a sweep has read, and what of a secret it has found there."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tests.security.encodings import EXACT, forms_of

ZIPPED = b"PK\x03\x04"


class Hit(NamedTuple):
    kind: str
    name: str
    secret: str
    encoding: str


class Artefacts:
    """Looks at each artefact when it is added, and keeps only what was found.

    keys: what opens tokens and signs cookies, looked for as it is.
    """

    def __init__(self, *, tokens: Iterable[str], keys: Iterable[str] = ()) -> None:
        self.read: Counter[str] = Counter()
        self.hits: list[Hit] = []
        self._exact: list[tuple[str, str, bytes]] = [
            (f"key {number}", "raw", key.encode()) for number, key in enumerate(keys)
        ]
        self._any_case: list[tuple[str, str, bytes]] = []
        for number, token in enumerate(tokens):
            for encoding, form in forms_of(token).items():
                if encoding in EXACT:
                    self._exact.append((f"token {number}", encoding, form))
                else:
                    self._any_case.append((f"token {number}", encoding, form.lower()))

    def add(self, kind: str, name: str, content: bytes | str, *, keys_too: bool = True) -> None:
        """Look at one; of an archive at each of its members."""
        content = content.encode(errors="backslashreplace") if isinstance(content, str) else content
        if content.startswith(ZIPPED):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for member in archive.namelist():
                    self.add(kind, f"{name}!{member}", archive.read(member))
            return
        self.read[kind] += 1
        lowered = content.lower()
        found = [
            Hit(kind, name, secret, encoding)
            for secret, encoding, form in self._exact
            if form in content and (keys_too or not secret.startswith("key"))
        ]
        found += [
            Hit(kind, name, secret, encoding)
            for secret, encoding, form in self._any_case
            if form in lowered
        ]
        self.hits += found

    def report(self) -> str:
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(self.read.items()))
        return f"leak sweep: {len(self.hits)} hits in {self.read.total()} artefacts ({kinds})"
