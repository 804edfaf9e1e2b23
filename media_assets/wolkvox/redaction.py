"""Taking a token out of a text that others wrote, however they may have written it.

The vendor's text is kept and shown, and nobody knows what its servers put into it: the token whole
or in part, in another letter case, backwards, in hex or base64, as the bytes that its hex digits
stand for, and any of it escaped for URLs, HTML or JSON, once or several times. So the text is read
as often as there are escapes to undo, each time remembering which characters of the original a
character came from; whatever stands there of the token is replaced in the original.

A part counts from 12 characters on: fewer say too little of 52 hex digits, and ordinary words
would be taken for them.
"""

import base64
import html
import re
import string
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

SECURE = "[secure]"
PART = 12  # characters of a token

_LONG_HEX = re.compile("[0-9a-f]{40,}", re.IGNORECASE)
_SHORTEST_ENCODED = 8  # of fewer characters only the token as it is can be told from other text
_MOST_ESCAPES = 4  # on top of one another
_ESCAPE = re.compile(
    r"%(?P<percent>[0-9a-f]{2})"
    r"|[\\%]u\{?(?P<unicode>[0-9a-f]{4})\}?"
    r"|\\x(?P<hex>[0-9a-f]{2})"
    r"|(?P<html>&(?:#[0-9]{1,7};?|#x[0-9a-f]{1,6};?|[a-z][a-z0-9]{1,31};))"
    r"|\\(?P<plain>[\"'/\\bfnrt])",
    re.IGNORECASE,
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ONE_ALPHABET = str.maketrans("-_", "+/")  # base64 for URLs as the other one
_BETWEEN = "\0"  # parts what is looked for
_LETTERS = frozenset(string.ascii_lowercase + string.digits)
_SIGNS = re.compile(f"[^a-z0-9{_BETWEEN}]")


_LONG_TEXT = 400
_Parts = Container[str]


@dataclass(frozen=True)
class _View:
    """A reading of a text: its characters, and where each begins and ends in the original."""

    text: str
    starts: list[int]
    ends: list[int]


def redact(text: str, *, token: str) -> str:
    """`text` with "[secure]" for all of the token in it, and for any hex run of 40 or more.

    token: "" when none is known; then only long hex runs, which is what the vendor's tokens are.
    """
    return redact_all(text, secrets=[token])


def redact_all(text: str, *, secrets: Iterable[str]) -> str:
    """The same for several at once."""
    views = _views(text)
    return _without(text, [*_secrets_in(views, secrets), *_long_hex_in(views)])


def holds(text: str, *, token: str) -> bool:
    """Whether there is anything of the token in `text`, in any of these forms."""
    return next(_secrets_in(_views(text), [token]), None) is not None


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with one mark for each run of overlapping or touching spans."""
    kept, done, covered = [], 0, -1
    for start, end in sorted(spans):
        if start > covered:
            kept += [text[done:start], SECURE]
        covered = max(covered, end)
        done = covered
    return "".join([*kept, text[done:]])


def _long_hex_in(views: Iterable[_View]) -> Iterator[tuple[int, int]]:
    for view in views:
        for found in _LONG_HEX.finditer(view.text):
            yield view.starts[found.start()], view.ends[found.end() - 1]


def _secrets_in(views: Sequence[_View], secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    length = len(views[0].text)
    forms: dict[int, list[str]] = {}
    for secret in secrets:
        if secret and length >= min(len(secret), PART):
            _add_spellings(forms, secret)
    if not forms:
        return
    sought = {
        width: _BETWEEN.join(each).lower().translate(_ONE_ALPHABET) for width, each in forms.items()
    }
    letters = {width: _SIGNS.sub("", text) for width, text in sought.items() if width >= PART}
    whole, squeezed = _parts_of(sought, length=length), _parts_of(letters, length=length)
    for view in views:
        yield from _parts_in(view, whole)
        # once more without what may stand between: line breaks, blanks, colons, dashes
        yield from _parts_in(_squeezed(view), squeezed)


def _parts_of(sought: dict[int, str], *, length: int) -> dict[int, _Parts]:
    """What can be asked whether it holds a part: for a long text a set, which answers at once.

    To make one takes longer than to search a few lines.
    """
    if length <= _LONG_TEXT:
        return dict(sought)
    return {
        width: {text[at : at + width] for at in range(len(text) - width + 1)}
        for width, text in sought.items()
    }


def _parts_in(view: _View, parts: dict[int, _Parts]) -> Iterator[tuple[int, int]]:
    for width, known in parts.items():
        for at in range(len(view.text) - width + 1):
            if view.text[at : at + width] in known:
                yield view.starts[at], view.ends[at + width - 1]


def _add_spellings(forms: dict[int, list[str]], token: str) -> None:
    """What is looked for, by the length of the shortest part."""
    width = min(PART, len(token))
    direct = forms.setdefault(width, [])
    direct.append(token)
    if len(token) < _SHORTEST_ENCODED:
        return
    direct.append(token[::-1])
    for plain in {token, token.lower(), token.upper(), token[::-1]}:
        _add_encoded(forms, plain.encode(errors="replace"), part=width)
    if decoded := _bytes_of_hex(token):
        direct += [decoded.decode("latin-1"), decoded.decode(errors="replace")]
        _add_encoded(forms, decoded, part=width)


def _add_encoded(forms: dict[int, list[str]], content: bytes, *, part: int) -> None:
    """`content` in hex, and in base64 as it looks at each of the three places it may begin."""
    forms.setdefault(2 * part, []).append(content.hex())
    for before in range(3):
        # from the first character that is made of the content alone
        whole = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        forms.setdefault((8 * part - 4) // 6, []).append(whole[-(-8 * before // 6) :])


def _bytes_of_hex(token: str) -> bytes:
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""


def _views(text: str) -> list[_View]:
    """The text as it stands, then with one more layer of escapes undone each time."""
    places = range(len(text))
    views = [_lowered(_View(text, list(places), [place + 1 for place in places]))]
    while len(views) <= _MOST_ESCAPES and _ESCAPE.search(views[-1].text):
        views.append(_lowered(_unescaped(views[-1])))
    return views


def _unescaped(view: _View) -> _View:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(view.text):
        at, after = found.span()
        meant = _meaning(found)
        characters += [view.text[done:at], meant]
        starts += [*view.starts[done:at], *[view.starts[at]] * len(meant)]
        ends += [*view.ends[done:at], *[view.ends[after - 1]] * len(meant)]
        done = after
    characters.append(view.text[done:])
    return _View("".join(characters), starts + view.starts[done:], ends + view.ends[done:])


def _meaning(found: re.Match[str]) -> str:
    number = found["percent"] or found["unicode"] or found["hex"]
    if number:
        return chr(int(number, 16))
    if found["html"]:
        return html.unescape(found["html"])
    return _CONTROLS.get(found["plain"], found["plain"])


def _lowered(view: _View) -> _View:
    """In lower case, and with the one alphabet of base64 for both."""
    lowered = view.text.lower().translate(_ONE_ALPHABET)
    if len(lowered) == len(view.text):
        return _View(lowered, view.starts, view.ends)
    # a few characters become two
    each = [character.lower().translate(_ONE_ALPHABET) for character in view.text]
    places = [place for place, letters in enumerate(each) for _ in letters]
    return _View(
        "".join(each),
        [view.starts[place] for place in places],
        [view.ends[place] for place in places],
    )


def _squeezed(view: _View) -> _View:
    places = [place for place, letter in enumerate(view.text) if letter in _LETTERS]
    return _View(
        "".join(view.text[place] for place in places),
        [view.starts[place] for place in places],
        [view.ends[place] for place in places],
    )
