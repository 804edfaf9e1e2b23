"""Answers as no vendor should send them: envelopes with anything in them, and anything else."""

import json
from typing import Any

from hypothesis import strategies as st

TOKEN = "57d1a9" * 8 + "f00d"
HANDLE = "4::aW1hZ2UvcG5n:ARZVv4zu-_Hg:e:1900000000:6346:100089:ARa1ZDhw"

texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "200", "0", "null", HANDLE, TOKEN, TOKEN.upper(), "https://a.co/", "\0"]),
    st.sampled_from(
        ["\ud800", "4::" + "a" * 20_000, "TOKEN LIMIT EXCEEDED", "é" * 9_000, "\u202e"]
    ),
)
numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.just(10**400))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, numbers),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                texts, st.sampled_from(["handle", "connector_id", "token_limit", "name", "0"])
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "code": st.one_of(st.sampled_from(["200", 200, "401", 403, 200.0, True, "٢٠٠"]), values),
        "error": st.one_of(st.none(), st.just(""), values),
        "msg": values,
        "data": st.one_of(st.fixed_dictionaries({"handle": texts}), values),
    },
)


def _as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


GOOD = {"code": "200", "error": None, "msg": "uploaded", "data": {"0": "x", "handle": HANDLE}}
bodies = st.one_of(
    st.just(_as_json(GOOD)),
    envelopes.map(_as_json),
    envelopes.map(_as_json),
    values.map(_as_json),
    envelopes.map(lambda value: _as_json(value)[:-3]),
    envelopes.map(lambda value: b"\xef\xbb\xbf" + _as_json(value)),
    envelopes.map(lambda value: json.dumps(value).encode("utf-16")),
    st.binary(max_size=200),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b"<html>502", b"\0" * 999]),
)
statuses = st.one_of(
    st.sampled_from([200, 200, 200, 401, 403, 429, 500, 503]), st.integers(100, 599)
)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "Content-Type", "Location"]),
    st.one_of(texts, st.integers().map(str), st.just("Wed, 21 Oct 2099 07:28:00 GMT")),
    max_size=2,
)


def _on_the_wire(status: int, body: bytes, extra: bytes, length: int | None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, size, extra, body)


extras = st.sampled_from(
    [
        *(
            b"",
            b"Content-Encoding: gzip\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Location: /x\r\n",
        ),
        *(
            b"Retry-After: -1\r\n",
            b"Retry-After: 999999999999\r\n",
            b"X: " + b"a" * 70_000 + b"\r\n",
        ),
        *(b"Broken header\r\n", b"X: \xff\xfe\r\n", b"X: y\r\n" * 200),
    ]
)
wires = st.one_of(
    st.builds(
        _on_the_wire, statuses, bodies, extras, st.sampled_from([None, None, None, 0, 10**9])
    ),
    st.binary(max_size=100),
    st.sampled_from([b"", b"HTTP/1.1", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]),
    st.sampled_from(
        [b"HTTP/1.1 -1 X\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, b"\r\n" * 99]
    ),
)
