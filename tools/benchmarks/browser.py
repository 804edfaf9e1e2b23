"""A signed-in person's requests to the running web, each with the time it takes."""

import time
from collections.abc import Sequence
from uuid import uuid4

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from media_assets.models import Connector

TIMEOUT = 60.0  # seconds


class Browser:
    """Sends one request after the other and counts the answers that are the server's errors."""

    def __init__(self, origin: str, *, person: User) -> None:
        self._origin = origin
        self._session = requests.Session()
        # gunicorn closes an idle connection just when we may use it again
        self._session.headers["Connection"] = "close"
        signed_in = Client()
        signed_in.force_login(person)
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
