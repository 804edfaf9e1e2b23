"""What is told of an error: what it is and where it happened, never what somebody has typed.

Django leaves out what is declared sensitive, and with DEBUG not even that. Here nothing is shown
that may hold a secret, with DEBUG or without: neither input, cookies, variables nor settings. What
remains are texts of exceptions, which may quote their input: it is taken out of them.
"""

from collections.abc import ItemsView
from types import FrameType, SimpleNamespace
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, RawPostDataException
from django.http.multipartparser import MultiPartParserError
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from media_assets.wolkvox.redaction import PART, redact_all

HIDDEN = SafeExceptionReporterFilter.cleansed_substitute
SHOWN_META = [
    "REQUEST_METHOD",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_PROTO",
    "REMOTE_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
]
SHOWN_SETTINGS = ["SETTINGS_MODULE", "DEBUG", "DEMO", "HTTPS", "INSTALLED_APPS", "MIDDLEWARE"]
# Of what somebody typed, only what may be a secret is looked for: neither short words, which
# would be found everywhere, nor long lists of addresses, which would take long.
MOST_LETTERS = 512
MOST_LETTERS_IN_ALL = 8_000
MOST_TEXT = 8_000


def without_secrets(text: str, *, request: HttpRequest | None = None) -> str:
    """`text` without long runs of hex, and without whatever the request has brought."""
    return redact_all(text, secrets=_typed(request))


class NothingTyped(SafeExceptionReporterFilter):
    """Names of fields and cookies, and what is known to be harmless; no values besides."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_safe_settings(self) -> dict[str, Any]:
        return {name: getattr(settings, name) for name in SHOWN_SETTINGS}

    def get_safe_request_meta(self, request: HttpRequest | None) -> dict[str, Any]:
        meta = getattr(request, "META", {})
        return {name: without_secrets(str(meta[name])) for name in SHOWN_META if name in meta}

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, Any]:
        return _names_of(getattr(request, "COOKIES", {}))

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return _names_of(_form_of(request))

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return dict[str, Any]().items()


class Reporter(ExceptionReporter):
    """Django's report, with nothing in it that came with the request."""

    def get_traceback_data(self) -> dict[str, Any]:
        data = super().get_traceback_data()
        data["unicode_hint"] = ""
        for name in ("exception_value", "exception_notes"):
            if name in data:
                data[name] = self._clean(data[name])
        for frame in data["frames"]:
            if frame["exc_cause"] is not None:
                frame["exc_cause"] = self._clean(str(frame["exc_cause"]))
        if data["template_info"]:
            message = self._clean(str(data["template_info"].get("message", "")))
            data["template_info"] = {**data["template_info"], "message": message}
        if self.request is not None:
            self._hide(self.request, data)
        return data

    def _hide(self, request: HttpRequest, data: dict[str, Any]) -> None:
        path = without_secrets(request.path_info)
        data["request_insecure_uri"] = path
        data["request_GET_items"] = _names_of(request.GET).items()
        data["request_FILES_items"] = _names_of(request.FILES).items()
        data["request"] = SimpleNamespace(
            path_info=path,
            META={"REQUEST_METHOD": request.method},
            GET=request.GET,
            FILES=request.FILES,
            COOKIES=request.COOKIES,
        )

    def _clean(self, text: str) -> str:
        return without_secrets(text[:MOST_TEXT], request=self.request)


def _typed(request: HttpRequest | None) -> list[str]:
    """What came with a request, as far as it could be a secret; what is called one comes first."""
    if not isinstance(request, HttpRequest):
        return []
    came = [
        *((name, value) for name, values in _form_of(request).items() for value in values),
        *((name, value) for name, values in request.GET.lists() for value in values),
        *request.COOKIES.items(),
    ]
    came.sort(key=lambda field: not NothingTyped.hidden_settings.search(field[0]))
    secrets: list[str] = []
    left = MOST_LETTERS_IN_ALL
    for _name, value in came:
        secret = value.strip() if isinstance(value, str) else ""
        if PART <= len(secret) <= min(MOST_LETTERS, left):
            secrets.append(secret)
            left -= len(secret)
    return secrets


def _form_of(request: HttpRequest | None) -> dict[str, list[Any]]:
    """The fields of a form with their values; none if the form could not be read."""
    try:
        return dict(request.POST.lists()) if request is not None else {}
    except (OSError, SuspiciousOperation, MultiPartParserError, RawPostDataException):
        return {}


def _names_of(fields: Any) -> dict[str, str]:
    return {without_secrets(str(name)): HIDDEN for name in fields}
