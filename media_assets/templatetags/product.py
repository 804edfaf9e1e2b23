"""Tags and filters that every page of ours shares: icons, states, expiry, thumbnails, fields."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.forms import BoundField
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import get_language, gettext, ngettext_lazy

from media_assets import preflight, results, submission, words
from media_assets.figures import words as figures_words
from media_assets.models import Format, Status, Upload

register = template.Library()

STATUS_ICONS = {
    Status.QUEUED: "clock",
    Status.SENDING: "loader",
    Status.READY: "circle-check",
    Status.FAILED: "alert-triangle",
    Status.CANCELLED: "circle-x",
}
FORMAT_ICONS = {Format.IMAGE: "photo", Format.VIDEO: "video", Format.DOCUMENT: "file-text"}
SOON = timedelta(hours=24)
SAID_SHOWN = 90
SOME_CODE = UUID(int=0)
UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}
EXPIRES = {
    "day": ngettext_lazy(
        "expires in %(count)d day (estimated)", "expires in %(count)d days (estimated)", "count"
    ),
    "hour": ngettext_lazy(
        "expires in %(count)d hour (estimated)", "expires in %(count)d hours (estimated)", "count"
    ),
    "minute": ngettext_lazy(
        "expires in %(count)d minute (estimated)",
        "expires in %(count)d minutes (estimated)",
        "count",
    ),
}
EXPIRED = {
    "day": ngettext_lazy(
        "expired %(count)d day ago (estimated)", "expired %(count)d days ago (estimated)", "count"
    ),
    "hour": ngettext_lazy(
        "expired %(count)d hour ago (estimated)",
        "expired %(count)d hours ago (estimated)",
        "count",
    ),
    "minute": ngettext_lazy(
        "expired %(count)d minute ago (estimated)",
        "expired %(count)d minutes ago (estimated)",
        "count",
    ),
}


# Lists show several of these in every row: made here they cost a tenth of what templates of their
# own would.


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    """One of the icons in `_icons.html`. It is decoration: say the same in words beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#icon-{}" /></svg>',
        f"icon {css}".rstrip(),
        name,
    )


@register.simple_tag
def url_of(upload: Upload, name: str) -> str:
    """As `{% url name upload.code %}`."""
    return _address(name, get_script_prefix()).replace(str(SOME_CODE), str(upload.code))


@register.simple_tag
def status_badge(upload: Upload) -> SafeString:
    """The state in words, with an icon and a colour."""
    return _badge(Status(upload.status), get_language())


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """Date and time of day, short, in the person's zone and manner."""
    local = timezone.localtime(at)
    day, time = _day(local.date(), get_language()), f"{local:%H:%M}"
    iso = local.isoformat(timespec="seconds")
    return format_html('<time class="nowrap" datetime="{}">{} {}</time>', iso, day, time)


@register.simple_tag
def reason(upload: Upload) -> str:
    """What there is to say of an upload's state in a list, if there is: why, or until when."""
    if upload.status == Status.READY:
        tone = expiry_tone(upload)
        return format_html('<p class="row-meta expiry {}">{}</p>', tone, expiry(upload))
    if upload.status == Status.FAILED:
        said = Truncator(results.said_of(upload)).chars(SAID_SHOWN)
        quoted = format_html(": <q>{}</q>", said) if said else ""
        return format_html('<p class="row-reason">{}{}</p>', results.result_of(upload), quoted)
    if upload.status == Status.SENDING or not upload.last_outcome:
        return ""
    return format_html('<p class="row-meta">{}</p>', words.state_of(upload))


@register.simple_tag
def thumbnail(upload: Upload) -> SafeString:
    """The picture itself when its host is listed, over the icon of its format."""
    symbol = icon(FORMAT_ICONS.get(Format(upload.format), "file-text"))
    if upload.format != Format.IMAGE or not _is_listed(upload.file_url):
        return format_html('<span class="thumb">{}</span>', symbol)
    return format_html(
        '<span class="thumb">{}<img src="{}" alt="" loading="lazy" decoding="async" '
        'referrerpolicy="no-referrer" data-thumbnail></span>',
        symbol,
        upload.file_url,
    )


@register.filter
def expiry(upload: Upload) -> str:
    """How long the handle lives by our estimate; "" while there is none."""
    if upload.status != Status.READY:
        return ""
    if upload.handle_expires_at is None:
        return gettext("expiry unknown")
    left = upload.handle_expires_at - timezone.now()
    unit, count = _span(abs(left))
    sentences = EXPIRES if left > timedelta(0) else EXPIRED
    return str(sentences[unit] % {"count": count})


@register.filter
def expiry_tone(upload: Upload) -> str:
    """The CSS class that goes with `expiry`: expiry-live, expiry-soon or expiry-over."""
    if upload.is_expired:
        return "expiry-over"
    expires_at = upload.handle_expires_at
    if expires_at is not None and expires_at - timezone.now() <= SOON:
        return "expiry-soon"
    return "expiry-live"


@register.filter
def age(instant: datetime) -> str:
    """How long ago something was."""
    if timezone.now() - instant < UNITS["minute"]:
        return gettext("just now")
    return gettext("%(age)s ago") % {"age": timesince(instant)}


register.filter("grouped", figures_words.number)
register.filter("duration", figures_words.duration)
register.filter("share_of", figures_words.percentage)
register.filter("result", results.result_of)
register.filter("attempt_result", results.result_of_attempt)
register.filter("said", results.said_of)
register.filter("is_page", results.is_page)
register.filter("reason_in_words", results.reason_in_words)


@register.filter
def advice(upload: Upload, usable: Collection[int]) -> str:
    """What to do about it, for a person to whom these connectors (their keys) are usable."""
    return results.advice_of(upload, may_retry=upload.connector_id in usable)


@register.filter
def why_left_out(line: dict[str, Any]) -> str:
    """Why a stored line was not sent."""
    return submission.why_left_out(line)


@register.filter
def control(field: BoundField) -> SafeString:
    """A form's control with Tabler's classes."""
    kind = getattr(field.field.widget, "input_type", "textarea")
    css = {"checkbox": "form-check-input", "select": "form-select"}.get(kind, "form-control")
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.simple_tag
def copy_source(upload: Upload) -> SafeString:
    """The handle, byte for byte, as the JSON block that a copy button reads."""
    return json_script(upload.handle, f"handle-{upload.code}")


@register.simple_tag
def copy_url_source(upload: Upload) -> SafeString:
    """The file's public address, for the copy button beside the handle's."""
    return json_script(upload.file_url, f"file-{upload.code}")


@cache
def _address(name: str, _script_prefix: str) -> str:
    return reverse(name, args=[SOME_CODE])


@cache
def _badge(status: Status, _language: str | None) -> SafeString:
    symbol = icon(STATUS_ICONS[status])
    return format_html(
        '<span class="state state-{}">{} {}</span>', status.value, symbol, status.label
    )


@lru_cache(maxsize=1_000)
def _day(day: date, _language: str | None) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _is_listed(url: str) -> bool:
    try:
        return preflight.parse_url(url).listed
    except preflight.UrlProblem:
        return False


def _span(span: timedelta) -> tuple[str, int]:
    """The largest unit that fits at least once, and how often it does."""
    for unit, length in UNITS.items():
        if span >= length:
            return unit, span // length
    return "minute", 1
