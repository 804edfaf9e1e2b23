"""The documented calls. Each takes a `Visit` and gives the answer of a call that was let in.

The vendor prints `code` as text in some samples and as a number in others without saying which
call does what. Ours: `whatsapp.php` answers text, `information.php` and the errors a number.
No error sample is published for `upload_media` nor for template creation: those sentences are ours.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from media_assets.wolkvox.sandbox.handle import new_handle
from media_assets.wolkvox.sandbox.messages import Answer, envelope, failure
from media_assets.wolkvox.sandbox.operations import Operation
from media_assets.wolkvox.sandbox.storage import Storage, path_in
from media_assets.wolkvox.sandbox.templates import template_fault

UNKNOWN_API = "THE API YOU WANT TO CONSULT DOES NOT EXIST"
PARAMETERS_REQUIRED = "SOME PARAMETERS ARE REQUIRED"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a call sees: whose it is, what it says, and the Storage beside it."""

    operation: Operation
    body: dict[str, Any] | None
    storage: Storage
    port: int
    handle_lifetime: int

    def texts(self, *names: str) -> list[str] | None:
        """The named parameters, or None unless each is a non-empty string, as documented."""
        values = [(self.body or {}).get(name) for name in names]
        texts = [value for value in values if isinstance(value, str) and value.strip()]
        return texts if len(texts) == len(names) else None


class Documented(NamedTuple):
    method: str
    answer: Callable[[Visit], Answer]


def upload_media(visit: Visit) -> Answer:
    """`{"connector_id", "file_url"}` → `data.handle`."""
    parameters = visit.texts("connector_id", "file_url")
    if parameters is None:
        return failure(400, msg=PARAMETERS_REQUIRED)
    connector_id, file_url = parameters
    if (refusal := _connector_fault(visit, connector_id=connector_id)) is not None:
        return refusal
    if (sentence := _file_fault(visit, file_url=file_url)) is not None:
        return failure("400", msg=sentence)
    handle = new_handle(
        file_name_of(file_url), server=visit.operation.server, lifetime=visit.handle_lifetime
    )
    data = {"0": "media_uploaded_successfully", "handle": handle}
    return envelope(data, msg="Media uploaded successfully")


def create_template(visit: Visit) -> Answer:
    return _create(visit, category="MARKETING")


def create_utility_template(visit: Visit) -> Answer:
    return _create(visit, category="UTILITY")


def list_templates(visit: Visit) -> Answer:
    """GET with a JSON body `{"connector_id"}` → `data.meta_templates[]`."""
    parameters = visit.texts("connector_id")
    if parameters is None:
        return failure(400, msg=PARAMETERS_REQUIRED)
    (connector_id,) = parameters
    if (refusal := _connector_fault(visit, connector_id=connector_id)) is not None:
        return refusal
    operation = visit.operation
    with operation.lock:
        kept = list(operation.templates.values())
    shown = [_as_listed(item) for item in kept if item["connector_id"] == connector_id]
    return envelope({"meta_templates": shown}, msg="Templates listed successfully")


def connectors(visit: Visit) -> Answer:
    return envelope(list(visit.operation.connectors), code=200, msg="Connectors")


def services(visit: Visit) -> Answer:
    data = {
        "licences": str(visit.operation.licences),
        "wolkvox_storage": "true",
        "whatsapp": "true",
    }
    return envelope(data, code=200, msg="Services")


def token_info(visit: Visit) -> Answer:
    """The day's numbers, as text; this very call is among them."""
    operation = visit.operation
    data = {
        "description": f"Token de la operación {operation.server} (SANDBOX)",
        "token_limit": str(operation.daily_limit),
        "token_use_today": str(operation.used_today),
        "all_token_today": str(operation.used_today),
        "available_consumption_options": str(operation.daily_limit - operation.used_today),
    }
    return envelope(data, code=200, msg="Token info")


CALLS: dict[tuple[str, str], Documented] = {
    ("whatsapp.php", "upload_media"): Documented("POST", upload_media),
    ("whatsapp.php", "create_template"): Documented("POST", create_template),
    ("whatsapp.php", "create_utility_template"): Documented("POST", create_utility_template),
    ("whatsapp.php", "list_templates"): Documented("GET", list_templates),
    ("information.php", "connectors"): Documented("GET", connectors),
    ("information.php", "services"): Documented("GET", services),
    ("information.php", "token_info"): Documented("GET", token_info),
}


def file_name_of(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""


def _connector_fault(visit: Visit, *, connector_id: str) -> Answer | None:
    connector = visit.operation.connector(connector_id)
    if connector is None:
        return failure("400", msg=f"EL CONECTOR {connector_id} NO EXISTE / UNKNOWN CONNECTOR_ID")
    if connector["channel"] != "whatsapp":
        return failure("400", msg=f"EL CONECTOR {connector_id} NO ES DE WHATSAPP / NOT WHATSAPP")
    return None


def _file_fault(visit: Visit, *, file_url: str) -> str | None:
    """What is wrong with the file, as far as can be seen without fetching anything."""
    if (path := path_in(file_url, port=visit.port)) is not None:
        file = visit.storage.find(path)
        if file is None:
            return "El archivo no existe en wolkvox Storage / The file does not exist"
        if not file.public:
            return "El archivo es restringido, hágalo público / The file is not public"
        return None
    if not re.match(r"https://[^/\s]+/\S", file_url):
        return "file_url debe ser una URL pública https / must be a public https URL"
    return None


def _create(visit: Visit, *, category: str) -> Answer:
    parameters = visit.texts("connector_id", "name", "language", "category")
    if parameters is None or visit.body is None or not visit.body.get("components"):
        return failure(400, msg=PARAMETERS_REQUIRED)
    connector_id, name, _, given_category = parameters
    if (refusal := _connector_fault(visit, connector_id=connector_id)) is not None:
        return refusal
    if given_category != category:
        return failure("400", msg=f"category debe ser / must be {category}")
    operation = visit.operation
    if (sentence := template_fault(visit.body, server=operation.server)) is not None:
        return failure("400", msg=sentence)
    with operation.lock:
        if name in operation.templates:
            return failure("400", msg="Ya existe una plantilla con ese name / name already in use")
        template_id = str(700_000_000_000_001 + len(operation.templates))
        operation.templates[name] = {**visit.body, "id": template_id, "status": "PENDING"}
    data = {"template_id": template_id, "name": name, "status": "PENDING"}
    return envelope(data, msg="Template created successfully")


def _as_listed(template: dict[str, Any]) -> dict[str, Any]:
    """A template as the list shows it, where `header_handle` holds URLs and never handles."""
    shown = {key: value for key, value in template.items() if key != "connector_id"}
    shown["components"] = [
        {**part, "example": {"header_handle": [f"https://scontent.example.invalid/{shown['id']}"]}}
        if isinstance(part.get("example"), dict) and "header_handle" in part["example"]
        else part
        for part in template["components"]
    ]
    return shown
