"""Start-up: system checks, and what every `migrate` sets up anew."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MediaAssetsConfig(AppConfig):
    name = "media_assets"
    verbose_name = _("Operations and connectors")

    def ready(self) -> None:
        from media_assets import (  # noqa: F401  (models exist only now)
            checks,
            roles,
            safe_start,
            token_checks,
        )
        from media_assets.accounts import factors

        factors.listen()
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="audit_triggers")
        post_migrate.connect(install_search, sender=self, dispatch_uid="search")
        post_migrate.connect(roles.install, sender=self, dispatch_uid="roles")


def install_triggers(*, using: str = "default", **_: Any) -> None:
    """Make the audit table append-only in the database; a rebuilt table has lost its triggers."""
    from media_assets.models import triggers  # (this module is read before any model)

    triggers.install(using=using)


def install_search(*, using: str = "default", **_: Any) -> None:
    """Bring back what the search looks in, if any of it is missing; once its tables are there."""
    from media_assets.models import search  # (this module is read before any model)

    if search.missing(using=using):
        search.install(using=using)
        search.rebuild(using=using)
