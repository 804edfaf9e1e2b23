"""A signed-in person's requests to the running web, each with the time it takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from media_assets.models import Connector
from tools.benchmarks.signing_in import sign_in

TIMEOUT = 60.0  # seconds
PIECE = 65_536  # bytes
END = 500  # bytes


@dataclass(frozen=True)
class Download:
    """A file that was fetched to its end, in seconds, bytes, and its last few hundred bytes."""

    first_byte: float
    seconds: float
    size: int
    end: bytes


class Browser:
    """Sends one request after the other and counts the answers that are the server's errors."""

    def __init__(self, origin: str, *, person: User) -> None:
        self._origin = origin
        self._session = requests.Session()
        # gunicorn closes an idle connection just when we may use it again
        self._session.headers["Connection"] = "close"
        signed_in = Client()
        sign_in(signed_in, person)
        name = settings.SESSION_COOKIE_NAME
        self._session.cookies.set(name, signed_in.cookies[name].value)
        self.errors = 0
        self.milliseconds(reverse("new_upload"))  # which gives the cookie against forgery

    def milliseconds(self, path: str) -> float:
        """How long a page takes; RuntimeError unless it is shown or the server fails."""
        return self._timed("GET", path, wanted={200})

    def milliseconds_to_submit(self, connector: Connector, *, urls: Sequence[str]) -> float:
        """From the click to the redirect; RuntimeError when the form is shown again."""
        form = {"connector": connector.code, "urls": "\n".join(urls), "key": uuid4()}
        return self._timed("POST", reverse("new_upload"), wanted={302, 303}, form=form)

    def download(self, path: str) -> Download:
        """Fetch a file and keep nothing of it but its end; RuntimeError unless it is sent whole."""
        started = time.perf_counter()
        with self._session.get(self._origin + path, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code != 200:
                raise RuntimeError(f"GET {path} was answered {answer.status_code}")
            first, size, end = 0.0, 0, b""
            for piece in answer.iter_content(PIECE):
                first = first or time.perf_counter() - started
                size += len(piece)
                end = (end + piece)[-END:]
        return Download(first, time.perf_counter() - started, size, end)

    def _timed(
        self, method: str, path: str, *, wanted: set[int], form: dict[str, object] | None = None
    ) -> float:
        headers = {"X-CSRFToken": self._session.cookies.get(settings.CSRF_COOKIE_NAME, "")}
        started = time.perf_counter()
        answer = self._session.request(
            method,
            self._origin + path,
            data=form,
            headers=headers,
            allow_redirects=False,
            timeout=TIMEOUT,
        )
        milliseconds = 1000 * (time.perf_counter() - started)
        if answer.status_code >= 500:
            self.errors += 1
        elif answer.status_code not in wanted:
            raise RuntimeError(f"{method} {path} was answered {answer.status_code}")
        return milliseconds
