"""The admin's site: who gets in, and that nobody learns from it what they may not see."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, reverse
from django.utils.translation import gettext_lazy as _

from media_assets import roles

_View = TypeVar("_View", bound=Callable[..., HttpResponseBase])
OUR_OWN_PAGES = {"login", "logout", "password_change", "password_change_done"}
# It leads from any model's key to that object's page, whoever may see it.
NOT_OFFERED = {"view_on_site"}


class ProductAdminSite(admin.AdminSite):
    """The admin in the product's colours; signing in and passwords are pages of the product."""

    site_header = _("Administration")
    site_title = _("Media handles")
    index_title = _("Operations, connectors and people")

    def has_permission(self, request: HttpRequest) -> bool:
        """Being in a role's group is enough; `is_staff` need not be set."""
        user = request.user
        return user.is_active and (user.is_superuser or user.is_staff or roles.may_administer(user))

    def admin_view(self, view: _View, cacheable: bool = False) -> _View:
        """Not permitted and not existing look the same: 404."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), reverse("login"))
            if not self.has_permission(request):
                raise Http404
            try:
                return guarded(request, *args, **kwargs)
            except PermissionDenied as error:
                raise Http404 from error

        return cast(_View, update_wrapper(inner, view))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        left_out = OUR_OWN_PAGES | NOT_OFFERED
        urls = [url for url in super().get_urls() if getattr(url, "name", None) not in left_out]
        for url in urls:
            if isinstance(url, URLPattern):
                # It names the admin's own sign-in page; without it, ours is used.
                vars(url.callback).pop("login_url", None)
        return urls

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "site_url": reverse("overview"),
            "sandbox": settings.SANDBOX,
            "demo": settings.DEMO,
        }
