"""What a template request has to look like. The rules are Meta's, the sentences ours."""

import re
from typing import Any

from media_assets.wolkvox.sandbox.handle import is_issued

HEADER_FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT")
COMPONENT_TYPES = ("HEADER", "BODY", "FOOTER", "BUTTONS")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
NAME = re.compile(r"[a-z0-9_]{1,512}")
MAX_BODY = 1024


def template_fault(body: dict[str, Any], *, server: str) -> str | None:
    """What is wrong with a creation request, in Spanish and English, or None."""
    if not NAME.fullmatch(body["name"]):
        return "name: solo minúsculas, dígitos y _ / lower case letters, digits and _ only"
    if not LANGUAGE.fullmatch(body["language"]):
        return "language: un código como es_CO / a code such as es_CO"
    parts = body["components"]
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return "components: una lista de objetos / a list of objects"
    types = [part.get("type") for part in parts]
    if any(kind not in COMPONENT_TYPES for kind in types) or len(types) != len(set(types)):
        return f"components: uno de cada / one of each: {', '.join(COMPONENT_TYPES)}"
    if "BODY" not in types:
        return "components: falta BODY / BODY is missing"
    faults = (_part_fault(part, server=server) for part in parts)
    return next((fault for fault in faults if fault), None)


def _part_fault(part: dict[str, Any], *, server: str) -> str | None:
    if part["type"] == "HEADER":
        return _header_fault(part, server=server)
    if part["type"] == "BUTTONS":
        given = isinstance(part.get("buttons"), list) and part["buttons"]
        return None if given else "BUTTONS: falta la lista buttons / the list buttons is missing"
    text = part.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= MAX_BODY:
        return f"{part['type']}: text de 1 a {MAX_BODY} caracteres / of 1 to {MAX_BODY} characters"
    return None


def _header_fault(part: dict[str, Any], *, server: str) -> str | None:
    if part.get("format") not in HEADER_FORMATS:
        return f"HEADER: format debe ser uno de / must be one of {', '.join(HEADER_FORMATS)}"
    if part["format"] == "TEXT":
        return None if part.get("text") else "HEADER: falta text / text is missing"
    example = part.get("example")
    handle = example.get("header_handle") if isinstance(example, dict) else None
    if isinstance(handle, list):
        return "header_handle: un texto y no una lista / a plain string, not a list"
    if not isinstance(handle, str) or not handle:
        return "header_handle: falta el handle / the handle is missing"
    if re.match(r"https?://", handle, re.IGNORECASE):
        return "header_handle: es una URL y no un handle / this is a URL, not a handle"
    if not is_issued(handle, server=server):
        return "header_handle: no es un handle de esta operación / not issued for this operation"
    return None
