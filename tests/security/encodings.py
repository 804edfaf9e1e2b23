"""A token as it may look when somebody else has written it down; made without the product's code.

Characters that need no escape are escaped all the same: what is looked for is a token that came
out, and how thorough the one was who wrote it down is not known.
"""

import base64
from collections.abc import Callable

PART = 12

_ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "reversed": lambda token: token[::-1].encode(),
    "upper": lambda token: token.upper().encode(),
    "base64": lambda token: _in_base64(token, before=0),
    "base64 after one byte": lambda token: _in_base64(token, before=1),
    "base64 after two bytes": lambda token: _in_base64(token, before=2),
    "base64url": lambda token: base64.urlsafe_b64encode(bytes.fromhex(token)).rstrip(b"="),
    "hex": lambda token: token.encode().hex().encode(),
    "URL": lambda token: _each(token, "%{:02x}"),
    "double URL": lambda token: _each(token, "%25{:02x}"),
    "HTML": lambda token: _each(token, "&#{};"),
    "HTML in hex": lambda token: _each(token, "&#x{:x};"),
    "JSON": lambda token: _each(token, "\\u{:04x}"),
    "hex-decoded": bytes.fromhex,
    "first 12": lambda token: token[:PART].encode(),
    "last 12": lambda token: token[-PART:].encode(),
}
EXACT = {"base64", "base64 after one byte", "base64 after two bytes", "base64url", "hex-decoded"}


def forms_of(token: str) -> dict[str, bytes]:
    """By the encoding's name. A token is hex digits, as the vendor's are."""
    return {name: encode(token) for name, encode in _ENCODINGS.items()}


def _in_base64(token: str, *, before: int) -> bytes:
    """Those characters that are the same whatever stands before and after the token."""
    whole = base64.b64encode(bytes(before) + token.encode() + bytes(2))
    first = -(-before * 8 // 6)
    return whole[first : (before + len(token)) * 8 // 6]


def _each(token: str, pattern: str) -> bytes:
    # numbers for {}, hex digits for {:x}
    return "".join(pattern.format(ord(letter)) for letter in token).encode()
