"""The peer of the lists: what Django gives for a class with four lines of options.

A stock `ModelAdmin` on a site of its own, with the history's columns, three of its filters, the
fields it searches and a `date_hierarchy`; fifty rows a page as in the history. It is granted what
costs it nothing to know: which tables to join. `ROOT_URLCONF` names this module while it is
measured, so the site exists in benchmarks only.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import include, path

from media_assets.models import Upload

ROWS = 50
SITE = admin.AdminSite(name="stock")


class StockUploadAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        *("__str__", "status", "connector", "submitted_by"),
        *("campaign", "format", "attempt_count", "created_at"),
    )
    list_filter = ("status", "connector", "submitted_by")
    list_select_related = ("connector__operation", "submitted_by")
    search_fields = (
        *("file_url", "label", "campaign", "handle"),
        *("connector__name", "connector__connector_id"),
    )
    date_hierarchy = "created_at"
    list_per_page = ROWS


SITE.register(Upload, StockUploadAdmin)
urlpatterns = [path("stock/", SITE.urls), path("", include("wolkvox_admin.urls"))]


def changelist(query: Mapping[str, object]) -> str:
    """The address of its list; filters have the names that the admin gives them."""
    return f"/stock/media_assets/upload/?{urlencode(query)}"
