"""The translation catalogues, kept without GNU gettext: Babel reads and writes the files.

    python -m tools.translations update     add new messages, drop those no longer used
    python -m tools.translations compile    write the .mo files that Django reads
    python -m tools.translations check      fail when a language is incomplete or out of date

English is the language of the source and needs no catalogue: Django adds no fallback to `en`.
Scripts have no catalogue of their own: templates hand them their texts in `data-` attributes.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("media_assets", "wolkvox_admin", "templates")
LOCALE = ROOT / "media_assets" / "locale"
# Two forms each, as in the smaller catalogues Django merges with ours: it then asks ours first.
LANGUAGES = {"es": "nplurals=2; plural=(n != 1);", "pt_BR": "nplurals=2; plural=(n > 1);"}
# What each function takes: (position of the context or None, singular, plural or None)
FUNCTIONS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
PLACEHOLDER = re.compile(
    r"%\((?P<named>\w+)\)[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]|\{(?P<brace>\w*)[^{}]*\}|%(?:[sdfr%])"
)
CALL_IN_TEMPLATE = re.compile(r"(?<![\w.])(?:n?p?gettext|_)\(")


class Message(NamedTuple):
    """A text in the source. `plural` and `context` are "" where there are none."""

    singular: str
    plural: str = ""
    context: str = ""


class OurCatalog(Catalog):
    """A catalogue whose header holds what readers need and nothing that changes by itself."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        language = str(self.locale_identifier)
        return [
            ("Language", language),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", LANGUAGES[language]),
        ]


def messages_of(source: Path) -> Iterator[Message]:
    """The messages of a Python file or a template, in order. SyntaxError where one is unusable."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".py":
        yield from _messages_in(ast.parse(text, filename=str(source)), source=source)
        return
    code = templatize(text, origin=str(source))
    for call in CALL_IN_TEMPLATE.finditer(code):
        yield from _messages_in(_first_expression(code[call.start() :]), source=source)


def _first_expression(code: str) -> ast.AST:
    """The call with which `code` begins; a parenthesis inside its strings is no end."""
    for end in re.finditer(r"\)", code):
        try:
            return ast.parse(code[: end.end()], mode="eval")
        except SyntaxError:
            continue
    raise SyntaxError(f"no end of the call in {code[:80]!r}")


def _messages_in(tree: ast.AST, *, source: Path) -> Iterator[Message]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name not in FUNCTIONS:
            continue
        context, singular, plural = (
            "" if place is None else _text(node, place=place, source=source)
            for place in FUNCTIONS[name]
        )
        if singular:
            yield Message(singular, plural or "", context or "")


def _text(call: ast.Call, *, place: int, source: Path) -> str | None:
    """The constant argument at `place`; None when it is a variable, marked elsewhere."""
    argument = call.args[place] if place < len(call.args) else None
    if isinstance(argument, ast.JoinedStr | ast.BinOp):
        raise SyntaxError(
            f"{source.relative_to(ROOT)}:{call.lineno}: no catalogue can hold a text that is put "
            "together; use a placeholder such as %(name)s"
        )
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None


def used_messages() -> dict[Message, list[str]]:
    """Every message of the source and the files that use it."""
    used: dict[Message, list[str]] = {}
    for folder in SOURCES:
        for source in sorted((ROOT / folder).rglob("*")):
            if source.suffix in {".py", ".html", ".txt"} and "migrations" not in source.parts:
                for message in messages_of(source):
                    files = used.setdefault(message, [])
                    if (shown := source.relative_to(ROOT).as_posix()) not in files:
                        files.append(shown)
    return used


def po_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> dict[Message, Entry]:
    """The entries of a language's catalogue; none when there is no file yet."""
    path = po_path(language)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalog = read_po(file, locale=language, ignore_obsolete=True)
    return {_key(entry): entry for entry in catalog if entry.id}


def _key(entry: Entry) -> Message:
    singular, plural = (entry.id, "") if isinstance(entry.id, str) else entry.id
    return Message(singular, plural, entry.context or "")


def translations_of(entry: Entry) -> tuple[str, ...]:
    return tuple(entry.string) if isinstance(entry.string, tuple | list) else (entry.string or "",)


def merged(language: str, used: dict[Message, list[str]]) -> Catalog:
    """What is used now, with the translations there are: nothing guessed, nothing kept unused."""
    old = read(language)
    catalog = OurCatalog(locale=language, header_comment="# Kept by `make messages`.", fuzzy=False)
    for message, files in sorted(used.items(), key=lambda item: item[0]):
        known = old.get(message)
        strings = translations_of(known) if known and not known.fuzzy else ()
        catalog.add(
            id=(message.singular, message.plural) if message.plural else message.singular,
            string=(strings or ("", "")) if message.plural else (strings or ("",))[0],
            context=message.context or None,
            locations=[(file, 0) for file in files],
            user_comments=known.user_comments if known else [],
        )
    return catalog


def po_bytes(catalog: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return out.getvalue()


def mo_bytes(language: str) -> bytes:
    catalog = OurCatalog(locale=language, fuzzy=False)
    for message, entry in sorted(read(language).items()):
        catalog.add(id=entry.id, string=entry.string, context=message.context or None)
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def placeholders(text: str) -> list[str]:
    """The placeholders of a text, sorted, as often as they occur."""
    return sorted(match.group() for match in PLACEHOLDER.finditer(text))


def problems(language: str, used: dict[Message, list[str]]) -> Iterator[str]:
    """What is wrong with a language's catalogue, a line each."""
    entries = read(language)
    for message, files in used.items():
        place = f"{language}: {message.singular!r} ({files[0]})"
        entry = entries.get(message)
        if entry is None:
            yield f"{place} is missing"
            continue
        strings = translations_of(entry)
        if entry.fuzzy or not all(strings) or len(strings) != (2 if message.plural else 1):
            yield f"{place} is not translated"
            continue
        for source, string in zip((message.singular, message.plural), strings, strict=False):
            if not _same_placeholders(source, string, is_plural=bool(message.plural)):
                yield f"{place} has other placeholders in {string!r}"
    for message in entries.keys() - used.keys():
        yield f"{language}: {message.singular!r} is no longer used"
    mo_path = po_path(language).with_suffix(".mo")
    if not mo_path.exists() or mo_path.read_bytes() != mo_bytes(language):
        yield f"{language}: {mo_path.name} is out of date"


def _same_placeholders(source: str, string: str, *, is_plural: bool) -> bool:
    if placeholders(source) == placeholders(string):
        return True
    # "One file" and "%(count)s files": a singular may leave the number out, and a translation
    # may put it back
    return is_plural and set(placeholders(string)) - set(placeholders(source)) == {"%(count)s"}


def update() -> None:
    used = used_messages()
    for language in LANGUAGES:
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po_bytes(merged(language, used)))


def compile_all() -> None:
    for language in LANGUAGES:
        po_path(language).with_suffix(".mo").write_bytes(mo_bytes(language))


def check() -> int:
    used = used_messages()
    found = [line for language in LANGUAGES for line in problems(language, used)]
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        print("Run 'make messages', translate what is empty in the .po files, and run it again.")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the translation catalogues.")
    parser.add_argument("verb", choices=["update", "compile", "check"])
    verb = parser.parse_args().verb
    try:
        if verb == "check":
            return check()
        update() if verb == "update" else compile_all()
    except SyntaxError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
