"""Which fault, if any, a call meets: by the file's name, or set beforehand."""

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from media_assets.wolkvox.sandbox.faults import FAULTS

# `fault-slow-30-2x-foto.jpg`: name, seconds, number of times, and anything after that.
_IN_FILE_NAME = re.compile(
    r"fault-(?P<name>{names})"
    r"(?:-(?P<seconds>\d+(?:\.\d+)?)(?![\dx]))?(?:-(?P<times>\d+)x)?(?:[-_.].*)?".format(
        names="|".join(sorted(map(re.escape, FAULTS), key=len, reverse=True))
    ),
    re.IGNORECASE,
)
_SET_NAME = re.compile(r"(?P<name>.+?)(?:-(?P<seconds>\d+(?:\.\d+)?))?")


class Chosen(NamedTuple):
    name: str
    seconds: float | None


@dataclass(kw_only=True)
class _Set:
    chosen: Chosen
    times: int | None
    api: str | None
    server: str | None

    def fits(self, *, api: str, server: str) -> bool:
        # Storage is no call: it fails only when asked to by its name.
        here = api != "storage" if self.api is None else self.api == api
        return here and self.server in (None, server) and self.times != 0


class UnknownFaultError(ValueError):
    """No fault has that name; the text says which one."""


class Faults:
    """The faults set for the next calls, and those that a file's name asks for.

    `redirect_to` is where the `redirect-…` faults point.
    """

    def __init__(self) -> None:
        self.redirect_to = "https://otro-servidor.invalid/api/v2/whatsapp.php"
        self._lock = threading.Lock()
        self._set: list[_Set] = []
        self._by_url: Counter[tuple[str, str]] = Counter()

    def set(
        self,
        fault: str,
        *,
        times: int | None = None,
        api: str | None = None,
        server: str | None = None,
    ) -> None:
        """Give `fault` (`"429"`, `"slow-5"`) to the next `times` calls, or to all with None.

        `api` and `server` narrow it down; `api="storage"` means the files. The first one set
        that fits wins. UnknownFaultError for a name that is not in the table.
        """
        chosen = _chosen(fault)
        with self._lock:
            self._set.append(_Set(chosen=chosen, times=times, api=api, server=server))

    def clear(self) -> None:
        """Forget the faults that were set, and how often each file's name has been met."""
        with self._lock:
            self._set.clear()
            self._by_url.clear()

    def take_before_body(self, *, api: str, server: str) -> Chosen | None:
        """The fault that strikes before the body is read, counted as used."""
        return self._take_set(api=api, server=server, before_body=True)

    def take(self, *, api: str, server: str, file_url: str | None) -> Chosen | None:
        """The fault of this call, counted as used. UnknownFaultError for a misspelt file name.

        A `reset-before` in a file's name can strike only after the body that names it was read.
        """
        chosen = self._take_set(api=api, server=server, before_body=False)
        if chosen is not None or file_url is None:
            return chosen
        return self._take_named(file_url, server=server)

    def as_json(self) -> dict[str, Any]:
        """`{"faults": {name: sentence}, "set": [...], "redirect_to"}`."""
        with self._lock:
            kept = [
                {
                    "fault": item.chosen.name,
                    "seconds": item.chosen.seconds,
                    "times": item.times,
                    "api": item.api,
                    "server": item.server,
                }
                for item in self._set
                if item.times != 0
            ]
        sentences = {name: fault.sentence for name, fault in FAULTS.items()}
        return {"faults": sentences, "set": kept, "redirect_to": self.redirect_to}

    def _take_set(self, *, api: str, server: str, before_body: bool) -> Chosen | None:
        with self._lock:
            fitting = (item for item in self._set if item.fits(api=api, server=server))
            first = next(fitting, None)
            if first is None or FAULTS[first.chosen.name].before_body != before_body:
                return None
            if first.times is not None:
                first.times -= 1
            return first.chosen

    def _take_named(self, file_url: str, *, server: str) -> Chosen | None:
        name = file_url.partition("?")[0].rpartition("/")[2]
        if not name.lower().startswith("fault-"):
            return None
        found = _IN_FILE_NAME.fullmatch(name)
        if found is None:
            raise UnknownFaultError(f"No fault is called like {name!r}.")
        with self._lock:
            self._by_url[server, file_url] += 1
            met = self._by_url[server, file_url]
        if found["times"] and met > int(found["times"]):
            return None
        return Chosen(found["name"].lower(), _seconds(found["seconds"]))


def _chosen(text: str) -> Chosen:
    if text in FAULTS:
        return Chosen(text, None)
    found = _SET_NAME.fullmatch(text)
    if found is None or found["name"] not in FAULTS:
        raise UnknownFaultError(f"No fault is called {text!r}; GET /faults lists them.")
    return Chosen(found["name"], _seconds(found["seconds"]))


def _seconds(text: str | None) -> float | None:
    return None if text is None else float(text)
