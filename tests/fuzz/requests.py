"""Requests as nobody would send them by mistake: every address, method, parameter and body."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import strategies as st

METHODS = ["GET"] * 5 + ["POST"] * 5 + ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
NAMES = """
q campaign status connector person operation format since until on days before after last page
sort batch url urls all code codes upload back next key label leave_out again name query snippet
language about action kind actor machine at asked of open username password new_password1
new_password2 old_password typed-urls person to_batch _popup _to_field o p e _changelist_filters
_selected_action index select_across _save _continue _addanother server new_token max_in_flight
is_active groups user_permissions first_name email connectors-TOTAL_FORMS connectors-INITIAL_FORMS
connectors-0-id connectors-0-name connectors-0-connector_id term app_label model_name field_name
usable_password password1 password2 date_joined_0 date_joined_1 permissions csrfmiddlewaretoken
credential code role typed_late invitation totp
""".split()  # noqa: SIM905
VALUES = [
    *("", "0", "1", "-1", "on", "true", "null", "None", "[]", "{}", "a", "%", "'", '"', "\\", "\0"),
    *(
        "9" * 30,
        "-" + "9" * 30,
        "1e400",
        "NaN",
        "٣",
        "½",
        "0x10",
        "1.5",
        "2026-11-28",
        "28/11/2026",
    ),
    *("0001-01-01", "9999-12-31", "99999-01-01", "2026-02-30", "2026-11-28T25:61:61+99:99"),
    *("00000000-0000-0000-0000-000000000000", "g" * 36, "../../etc/passwd", "//evil.test"),
    *("' OR 1=1 --", "%s%n", "{{7*7}}", "<b>", "a\nb", "\u2028", "\ufeff", "\u202e", "😀" * 50),
    *("history", "handles", "audit", "retry", "renew", "cancel", "campaign", "handle", "ready"),
    *("[" * 5_000, '{"a":' * 2_000, '{"response": {"userHandle": "MQ", "clientDataJSON": "gYGB"}}'),
    *("x" * 5_000, "a,b;c\td", "url,label\nhttps://a.co/a.jpg,x", "https://a.co/a.jpg", "١٢٣٤"),
]
HEADERS = """
accept accept-language accept-encoding referer x-forwarded-for x-forwarded-proto x-request-id
hx-request hx-target hx-trigger hx-boosted hx-current-url hx-history-restore-request range
if-none-match if-modified-since origin user-agent cookie content-type expect
""".split()  # noqa: SIM905
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=bogus",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json",
    "text/plain; charset=utf-16",
    "\u00e9",
    "",
]

texts = st.one_of(
    st.sampled_from(VALUES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers().map(str),
    st.dates().map(str),
    st.uuids().map(str),
)
raw = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"%ff%00", b"a=%zz&b", b"&&&==", b"a" * 3_000, b"a=1&" * 1_200, b";a;b"]),
    st.just(b'--x\r\nContent-Disposition: form-data; name="urls"\r\n\r\nv\r\n--x--\r\n'),
    st.just(b'--x\r\nContent-Disposition: form-data; name="csv_file"; filename="\0a"\r\n\r\nurl'),
)


@dataclass(frozen=True)
class Request:
    """One request; `body` is a form's fields, or bytes as they are."""

    role: str
    method: str
    path: str
    query: str
    body: Any
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


@functools.cache
def routes() -> list[str]:
    """Every route of the project, the administration's too, as it is written."""
    return sorted(set(_routes(get_resolver().url_patterns, "")))


def _routes(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<path:\1>", route).replace("\\Z", "")


@st.composite
def requests(draw: st.DrawFn, *, roles: list[str], known: dict[str, list[str]]) -> Request:
    """`known`: what stands in addresses, by its name in a route: codes and keys that are there."""
    everything = sorted({value for values in known.values() for value in values})
    value = st.one_of(st.sampled_from(everything), texts)

    def fill(place: re.Match[str]) -> str:
        fitting = known.get(place[1].rpartition(":")[2], everything)
        right = draw(st.integers(0, 9)) < 8  # a page that is not found says little
        return quote(draw(st.sampled_from(fitting) if right else value), safe="")

    path = "/" + re.sub(r"<([^>]*)>", fill, draw(st.sampled_from(routes())))
    if draw(st.integers(0, 19)) == 0:
        path = draw(value.map(_as_path))
    names = st.one_of(st.sampled_from(NAMES), texts)
    fields = st.dictionaries(names, st.one_of(value, st.lists(value, max_size=3)), max_size=8)
    query = draw(
        st.one_of(fields.map(_encoded), st.just(""), raw.map(lambda b: b.decode("latin-1")))
    )
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), value.map(_as_header), max_size=4))
    return Request(
        role=draw(st.sampled_from(roles)),
        method=draw(st.sampled_from(METHODS)),
        path=path,
        query=query,
        body=draw(st.one_of(fields, fields, raw)),
        content_type=draw(st.sampled_from(CONTENT_TYPES)),
        headers=headers,
    )


def _as_path(text: str) -> str:
    return "/" + quote(text, safe="/%")


def _as_header(text: str) -> str:
    """What a server lets through: no line breaks, one byte a character."""
    return re.sub(r"[\r\n\0]", " ", text).encode("latin-1", "replace").decode("latin-1")[:4_000]


def _encoded(fields: dict[str, Any]) -> str:
    pairs = [(name, one) for name, value in fields.items()
             for one in (value if isinstance(value, list) else [value])]  # fmt: skip
    return "&".join(f"{quote(name, safe='')}={quote(one, safe='')}" for name, one in pairs)
