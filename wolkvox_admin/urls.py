"""The product's addresses: our own pages, the admin, and the language menu."""

from django.contrib import admin
from django.urls import include, path

from media_assets.views import errors

urlpatterns = [
    path("", include("media_assets.urls")),
    path("admin/", admin.site.urls),
]
handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
