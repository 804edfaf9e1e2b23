"""The catalogues: what the tool finds, keeps and refuses, and which text each language shows."""

import ast
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext

from tools import translations
from tools.translations import Message

PO_HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one folder in one language, with nothing in it."""
    (tmp_path / "app").mkdir()
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(translations, "SOURCES", ("app",))
    monkeypatch.setattr(translations, "LANGUAGES", {"es": "nplurals=2; plural=(n != 1);"})
    return tmp_path


def write(project: Path, name: str, text: str) -> Path:
    path = project / "app" / name
    path.write_text(text, encoding="utf-8")
    return path


def write_po(text: str) -> None:
    path = translations.po_path("es")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{PO_HEADER}\n{text}", encoding="utf-8")


def problems() -> list[str]:
    return list(translations.problems("es", translations.used_messages()))


# What is found


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('_("A handle")', Message("A handle")),
        ('gettext("A " "handle")', Message("A handle")),
        ('gettext_lazy("A handle")', Message("A handle")),
        ('ngettext("%(n)s file", "%(n)s files", n)', Message("%(n)s file", "%(n)s files")),
        ('pgettext("verb", "Copy")', Message("Copy", context="verb")),
        ('translation.gettext("A handle")', Message("A handle")),
        ('npgettext("of a batch", "one", "many", n)', Message("one", "many", "of a batch")),
    ],
)
def test_messages_of_python(project, code, message):
    path = write(project, "views.py", f"shown = {code}\n")

    assert list(translations.messages_of(path)) == [message]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('{% translate "It\'s (here)" %}', Message("It's (here)")),
        ("{% translate 'Say \"hello\"' as greeting %}", Message('Say "hello"')),
        ('{% translate "Copy" context "verb" %}', Message("Copy", context="verb")),
        ('{% include "x.html" with title=_("A handle") %}', Message("A handle")),
        ('<a title="{{ _("A handle") }}">', Message("A handle")),
        (
            "{% blocktranslate trimmed count n=files|length %}\n  {{ n }} file\n"
            "{% plural %}\n  {{ n }} files\n{% endblocktranslate %}",
            Message("%(n)s file", "%(n)s files"),
        ),
        ('{% translate "100 % sure" %}', Message("100 %% sure")),
    ],
)
def test_messages_of_templates(project, code, message):
    path = write(project, "page.html", f"<p>gettext</p>\n{code}\n")

    assert list(translations.messages_of(path)) == [message]


def test_a_text_that_is_put_together_is_refused_with_its_place(project):
    path = write(project, "views.py", 'name = "x"\nshown = _(f"Hello {name}")\n')

    with pytest.raises(SyntaxError, match=r"app/views\.py:2: no catalogue can hold"):
        list(translations.messages_of(path))


def test_a_variable_is_taken_to_be_marked_elsewhere(project):
    path = write(project, "views.py", "shown = _(sentence)\n")

    assert list(translations.messages_of(path)) == []


# What is kept


def test_update_keeps_translations_adds_new_messages_and_drops_unused_ones(project):
    write(project, "views.py", '_("Old")\n_("New")\n')
    write_po('# of the list\nmsgid "Old"\nmsgstr "Viejo"\n\nmsgid "Gone"\nmsgstr "Ido"\n')

    translations.update()

    text = translations.po_path("es").read_text(encoding="utf-8")
    assert 'msgid "Old"\nmsgstr "Viejo"' in text
    assert "# of the list" in text
    assert 'msgid "New"\nmsgstr ""' in text
    assert "Gone" not in text


def test_update_guesses_nothing(project):
    write(project, "views.py", '_("Retry this upload")\n')
    write_po('msgid "Retry the upload"\nmsgstr "Reintentar la subida"\n')

    translations.update()

    text = translations.po_path("es").read_text(encoding="utf-8")
    assert 'msgid "Retry this upload"\nmsgstr ""' in text
    assert "fuzzy" not in text


def test_catalogues_hold_no_dates_and_no_line_numbers(project):
    write(project, "views.py", '_("Old")\n')
    translations.update()
    before = translations.po_path("es").read_bytes()

    write(project, "views.py", '\n\n\n_("Old")\n')
    translations.update()

    assert translations.po_path("es").read_bytes() == before
    assert b"Date" not in before
    assert b"app/views.py\n" in before


def test_compiling_twice_gives_the_same_bytes(project):
    write(project, "views.py", '_("Old")\n')
    write_po('msgid "Old"\nmsgstr "Viejo"\n')

    translations.compile_all()
    first = translations.po_path("es").with_suffix(".mo").read_bytes()
    translations.compile_all()

    assert translations.po_path("es").with_suffix(".mo").read_bytes() == first


# What is refused


def test_a_complete_catalogue_has_no_problems(project):
    write(project, "views.py", '_("Hello %(name)s")\nngettext("One file", "%(count)s files", 2)\n')
    write_po(
        'msgid "Hello %(name)s"\nmsgstr "Hola %(name)s"\n\n'
        'msgid "One file"\nmsgid_plural "%(count)s files"\n'
        'msgstr[0] "Un archivo"\nmsgstr[1] "%(count)s archivos"\n'
    )
    translations.compile_all()

    assert problems() == []


@pytest.mark.parametrize(
    ("po", "problem"),
    [
        ("", "is missing"),
        ('msgid "Hello %(name)s"\nmsgstr ""\n', "is not translated"),
        ('#, fuzzy\nmsgid "Hello %(name)s"\nmsgstr "Hola %(name)s"\n', "is not translated"),
        ('msgid "Hello %(name)s"\nmsgstr "Hola"\n', "has other placeholders"),
        ('msgid "Hello %(name)s"\nmsgstr "Hola %(nombre)s"\n', "has other placeholders"),
        (
            'msgid "Hello %(name)s"\nmsgstr "Hola %(name)s"\n\nmsgid "Bye"\nmsgstr "Adiós"\n',
            "is no longer used",
        ),
    ],
)
def test_an_incomplete_catalogue_is_refused(project, po, problem):
    write(project, "views.py", '_("Hello %(name)s")\n')
    write_po(po)
    translations.compile_all()

    assert [problem in line for line in problems()] == [True]


@pytest.mark.parametrize(
    ("source", "translated"),
    [("{value} is bad", "es malo"), ("%s of %s", "%s"), ("%(n)d", "%(n)s"), ("100 %%", "100")],
)
def test_every_kind_of_placeholder_is_compared(source, translated):
    assert translations.placeholders(source) != translations.placeholders(translated)


def test_a_compiled_catalogue_that_does_not_match_is_refused(project):
    write(project, "views.py", '_("Old")\n')
    write_po('msgid "Old"\nmsgstr "Viejo"\n')
    assert problems() == ["es: django.mo is out of date"]

    translations.compile_all()
    assert problems() == []

    write_po('msgid "Old"\nmsgstr "Antiguo"\n')
    assert problems() == ["es: django.mo is out of date"]


# What people see


def shown(message: Message, *, count: int) -> str:
    if message.plural and message.context:
        return npgettext(message.context, message.singular, message.plural, count)
    if message.plural:
        return ngettext(message.singular, message.plural, count)
    if message.context:
        return pgettext(message.context, message.singular)
    return gettext(message.singular)


@pytest.mark.parametrize(("locale", "language"), [("es", "es"), ("pt_BR", "pt-br")])
def test_each_language_shows_its_own_text(locale, language):
    with translation.override(language):
        for message, entry in translations.read(locale).items():
            strings = translations.translations_of(entry)
            assert shown(message, count=1) == strings[0]
            assert shown(message, count=7) == strings[-1]


def test_english_shows_the_source_although_spanish_is_the_default():
    messages = translations.read("es")
    with translation.override("en"):
        for message in messages:
            assert shown(message, count=1) == message.singular
            assert shown(message, count=7) == (message.plural or message.singular)


def test_no_source_file_is_left_out():
    """A folder with messages that the tool does not look into would stay English for ever."""
    searched = {translations.ROOT / folder for folder in translations.SOURCES}
    for path in translations.ROOT.glob("*/**/*.py"):
        top = translations.ROOT / path.relative_to(translations.ROOT).parts[0]
        if top.name.startswith(".") or top.name in {"tests", "tools", "var"} or top in searched:
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_bytes())) if _marks(node)]
        assert not calls, path


def _marks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in translations.FUNCTIONS
