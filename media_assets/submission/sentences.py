"""Why a line was not sent, in the reader's language: the sentence for a stored code."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from media_assets import preflight

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SENTENCES: dict[str, "StrOrPromise"] = {
    "duplicate": _("The same address stands in line {line} already."),
    "long_label": _("The label has {count} characters, at most {most} are possible. Shorten it."),
    "live": _("A live handle was already there."),
    "under_way": _("The file was already waiting or being sent."),
}


def sentence_for(code: str, values: Mapping[str, str]) -> "StrOrPromise":
    """What people read for a problem's code; "" for a code that is not known."""
    if code in SENTENCES:
        return format_lazy(SENTENCES[code], **values)
    return preflight.sentence_for(code, values)


def why_left_out(line: Mapping[str, Any]) -> str:
    """The reason of a stored line, whoever sent it; older ones hold the sentence itself."""
    try:
        sentence = str(sentence_for(line.get("code", ""), line.get("values", {})))
    except (KeyError, IndexError):  # stored by a version whose sentence held less
        sentence = ""
    return sentence or str(line.get("problem", ""))
