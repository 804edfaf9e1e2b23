"""The stock Django admin behind the product's own site class."""

from django.contrib.admin.apps import AdminConfig


class ProductAdminConfig(AdminConfig):
    default_site = "media_assets.admin_site.ProductAdminSite"
