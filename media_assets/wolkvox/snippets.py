"""What people copy once they have a handle: the text itself and requests that use it.

Bodies follow wolkvox's page on `create_template`, where `header_handle` is plain text, and Meta's
page on message templates, where it is a list with one text in it.
"""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Literal

from media_assets.wolkvox import handles

Language = Literal["text", "json", "bash", "python"]

# Legal in JSON as they are, but lost or acted upon by encoders, terminals and editors.
_FRAGILE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")

_CURL = """\
# export WOLKVOX_TOKEN=...
curl --silent --show-error {url} \\
  --header "wolkvox-token: $WOLKVOX_TOKEN" \\
  --header 'Content-Type: application/json' \\
  --data-raw {body}
"""

_PYTHON = """\
import os

import requests

body = {body}

response = requests.post(
    {url},
    headers={{"wolkvox-token": os.environ["WOLKVOX_TOKEN"]}},
    json=body,
    timeout=75,
    allow_redirects=False,
)
print(response.status_code, response.text)
"""


@dataclass(frozen=True)
class Snippet:
    """`name` is a slug; `text` is what is copied, with every character of the handle in it."""

    name: str
    language: Language
    text: str


def snippets(
    handle_text: str, *, connector_id: str, format: str, base_url: str, public_url: str
) -> list[Snippet]:
    """All that can be copied for one handle, in the order in which people need it.

    format: IMAGE, VIDEO or DOCUMENT. base_url: the operation's, as built by `servers.base_url`, or
    "" when it has none, which leaves out the calls.
    public_url: the file in Storage, which is what customers get; the handle is only the sample.
    "first_line" is left out for a handle of one line, "public_url" when it is empty.
    Raises ValueError when the handle is a URL.
    """
    handle = handles.parse(handle_text)
    header = _header(handle.text, format=format)
    template = {"connector_id": connector_id, **_marketing(header)}
    url = base_url.rstrip("/") + "/whatsapp.php?api=create_template"
    found = [
        Snippet("handle", "text", handle.text),
        Snippet("first_line", "text", handle.first_line),
        Snippet("header_handle", "json", _json(header)),
        Snippet("create_template", "json", _json(template)),
        Snippet(
            "create_utility_template",
            "json",
            _json({"connector_id": connector_id, **_utility(header)}),
        ),
        Snippet("curl", "bash", _curl(template, url=url)),
        Snippet("python", "python", _PYTHON.format(url=_json(url), body=_json(template))),
        Snippet("meta", "json", _json(_marketing(_header([handle.text], format=format)))),
        Snippet("public_url", "text", public_url),
    ]
    left_out = set() if handle.is_multiline else {"first_line"}
    left_out |= set() if base_url else {"curl", "python"}
    return [snippet for snippet in found if snippet.text and snippet.name not in left_out]


def _header(header_handle: str | list[str], *, format: str) -> dict[str, object]:
    return {"type": "HEADER", "format": format, "example": {"header_handle": header_handle}}


def _marketing(header: dict[str, object]) -> dict[str, object]:
    return {
        "name": "mi_plantilla",
        "language": "es",
        "category": "MARKETING",
        "components": [
            header,
            {
                "type": "BODY",
                "text": "Hola {{1}}, esta semana tenemos {{2}} con precio especial para ti.",
                "example": {"body_text": [["Laura", "la colección de verano"]]},
            },
            {"type": "FOOTER", "text": "Responde SALIR si prefieres no recibir promociones"},
        ],
    }


def _utility(header: dict[str, object]) -> dict[str, object]:
    return {
        "name": "mi_plantilla_de_servicio",
        "language": "es",
        "category": "UTILITY",
        "components": [
            header,
            {
                "type": "BODY",
                "text": "Hola {{1}}, tu pedido {{2}} está listo y sale hoy hacia tu dirección.",
                "example": {"body_text": [["Laura", "10452"]]},
            },
        ],
    }


def _json(value: object) -> str:
    """JSON of texts, lists and objects only, which is a Python literal as well."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _FRAGILE.sub(_escape, text)


def _curl(body: dict[str, object], *, url: str) -> str:
    # With neither a quote nor a "!" in it, no shell has anything to interpret when it is pasted.
    safe_body = re.sub("[!']", _escape, _json(body))
    return _CURL.format(url=shlex.quote(url), body=shlex.quote(safe_body))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
