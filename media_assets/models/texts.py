"""Texts that others have written, made safe to show in a line beside ours."""

import re
import unicodedata

# What changes the direction of the text around it (Unicode UAX #9), and other invisible controls:
# "gpj.exe" could be made to look like "exe.jpg". Tabs and line ends are left to the caller.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """`text` without invisible controls and marks of direction."""
    return _CONTROLS.sub("", text)


def folded(text: str) -> str:
    """`text` without accents and in one case, to compare what people type with what is there."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
