"""What every model of the admin shares: its list does what it offers, and nothing else."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse


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

    view_on_site = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedFilters

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuses what the list does not offer to do; the stock one shows itself again."""
        wanted = {name for name in request.POST.getlist("action") if name}
        offered = self.get_actions(request)
        if request.method == "POST" and (not offered or wanted - set(offered)):
            raise PermissionDenied
        if "_save" in request.POST and not self.list_editable:
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found
