"""What the shell around every page shows: banners, navigation, role and languages."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext_lazy as _

from media_assets import roles
from media_assets.accounts import factors

ROLE_NAMES: dict[str, Promise] = {**roles.LABELS, "Owner": _("Owner")}


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation; `current` is the value of aria-current, or ""."""

    title: str | Promise
    url: str
    icon: str
    current: str


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context for `base.html`. Lazy, so that fragments and the admin do not pay for it."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> dict[str, Any]:
    user: User | AnonymousUser = getattr(request, "user", AnonymousUser())
    return {
        "sandbox": settings.SANDBOX,
        "demo": settings.DEMO,
        "navigation": [] if _leads_nowhere(request, user) else _navigation(request, user),
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "role": ROLE_NAMES.get(roles.role_of(user), "") if user.is_authenticated else "",
        "time_zone": timezone.get_current_timezone_name(),
        "languages": [get_language_info(code) for code, _name in settings.LANGUAGES],
        "language_code": (get_language() or settings.LANGUAGE_CODE).partition("-")[0],
        "here": request.get_full_path() if request.method == "GET" else request.path,
    }


def _leads_nowhere(request: HttpRequest, user: User | AnonymousUser) -> bool:
    """Whether every entry would end at the sign-in, or at the page that demands a second factor."""
    if not user.is_authenticated:
        return True
    here = request.resolver_match.view_name if request.resolver_match else ""
    return here in factors.ALLOWED_WITHOUT and factors.is_missing(user)


def _navigation(request: HttpRequest, user: User | AnonymousUser) -> list[Entry]:
    entries = [_entry(request, _("Overview"), "overview", "home")]
    if roles.may_submit(user):
        entries.append(_entry(request, _("New upload"), "new_upload", "upload", "batch"))
    entries.append(_entry(request, _("Handles"), "handles", "library", "upload"))
    entries.append(_entry(request, _("History"), "history", "history"))
    if roles.may_read_audit(user):
        entries.append(_entry(request, _("Audit"), "audit", "shield-check"))
    if admin.site.has_permission(request):
        entries.append(_entry(request, _("Administration"), "admin:index", "settings"))
    return entries


def _entry(
    request: HttpRequest, title: str | Promise, view: str, icon: str, *pages_within: str
) -> Entry:
    here = request.resolver_match.view_name if request.resolver_match else ""
    current = "page" if here == view else "true" if here in pages_within else ""
    return Entry(title=title, url=reverse(view), icon=icon, current=current)
