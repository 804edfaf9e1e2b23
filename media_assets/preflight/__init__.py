"""Everything about a submitted file URL before it is sent: its text, then a look at the file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.text import format_lazy

from media_assets.preflight import probes, urls
from media_assets.preflight.probes import Probe as Probe
from media_assets.preflight.probes import cached_probe as cached_probe
from media_assets.preflight.probes import probe as probe
from media_assets.preflight.probes import probe_many as probe_many
from media_assets.preflight.urls import FileUrl as FileUrl
from media_assets.preflight.urls import UrlProblem as UrlProblem
from media_assets.preflight.urls import check_storage_hosts as check_storage_hosts
from media_assets.preflight.urls import parse_url as parse_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def sentence_for(code: str, values: Mapping[str, str]) -> "StrOrPromise":
    """The sentence of a problem, made again from its code and `values`; "" for other codes.

    The code of a problem with the file itself begins with `file_`.
    """
    problem = code.removeprefix("file_")
    if problem != code and problem in probes.SENTENCES:
        return probes.sentence_of(problem, values)
    return format_lazy(urls.SENTENCES[code], **values) if code in urls.SENTENCES else ""
