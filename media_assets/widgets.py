"""Controls of the filters above lists, each made in one piece.

Django's own render a template for every option and attribute, which for all filters costs as much
as all rows of the list below.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

ISO_DAY = "%Y-%m-%d"
_SELECTED = {True: mark_safe(" selected"), False: ""}


class Line(forms.TextInput):
    """A line of text."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        given = {"type": self.input_type, "name": name, "value": self.format_value(value)}
        attributes = self.build_attrs(self.attrs, attrs)
        return format_html("<input{}>", flatatt({**given, **attributes}))


class DayInput(Line, forms.DateInput):
    """The browser's own calendar, which speaks ISO in every language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format=ISO_DAY)


class Choices(forms.Select):
    """A list of choices, in groups where a choice is a list itself."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        chosen = set(self.format_value(value))
        attributes = flatatt(self.build_attrs(self.attrs, attrs))
        options = _options(self.choices, chosen=chosen)
        return format_html('<select name="{}"{}>{}</select>', name, attributes, options)


def _options(choices: Iterable[tuple[Any, Any]], *, chosen: set[str]) -> SafeString:
    return format_html_join(
        "", "{}", ((_option(key, label, chosen=chosen),) for key, label in choices)
    )


def _option(key: Any, label: Any, *, chosen: set[str]) -> SafeString:
    if isinstance(label, list | tuple):
        within = _options(label, chosen=chosen)
        return format_html('<optgroup label="{}">{}</optgroup>', key, within)
    selected = _SELECTED[str(key) in chosen]
    return format_html('<option value="{}"{}>{}</option>', key, selected, label)
