"""Lists are narrowed by the filters that they offer, and by nothing else."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest


class OfferedFilters(ChangeList):
    """Refuses whatever is left of the address when the list's own filters have had theirs.

    The stock list filters by any column of its model, and so answers questions about what it
    does not show: whether a sealed token begins with an "a", for one.
    """

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        left_over: dict[str, Any] = found[2]
        if left_over:
            raise DisallowedModelAdminLookup(
                f"{self.opts.verbose_name_plural} are not filtered by {', '.join(left_over)}"
            )
        return found


class ListedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What every model in the admin is shown by."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedFilters
