"""What owners alone may do: whoever may change people could make themselves anything."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from media_assets.accounts import owners
from media_assets.admin.audit import record, record_changes
from media_assets.admin.kept import KeptAdmin

ALL_OWNERS = _("These are all the active owners. Leave out at least one of them.")
SHOWN_IN_EVENTS = ["groups", "is_superuser", "name"]


class OwnersOnly(KeptAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_owner(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_owner(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_owner(request) and super().has_delete_permission(request, obj)

    def told_of(self, new: Any) -> dict[str, Any]:
        """What the event of a new one holds besides its name."""
        return {}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            record_changes(request, form, kind=self.kind, on=form.instance, shown=SHOWN_IN_EVENTS)
            return
        new = form.instance
        record(request, f"{self.kind}.created", on=new, **self.told_of(new))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._keeping_owners(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._keeping_owners(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._keeping_owners(request, super().changelist_view, *args, **kwargs)

    def _keeping_owners(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method != "POST" or not self._is_owner(request):
            return view(request, *args, **kwargs)
        try:
            with owners.kept(by=request.user):
                return view(request, *args, **kwargs)
        except owners.LastOwner:
            return self._refused(request)

    def _refused(self, request: HttpRequest) -> HttpResponse:
        """Somebody else has taken the other owner away meanwhile."""
        messages.error(request, ALL_OWNERS)
        return redirect(reverse(f"admin:auth_{self.opts.model_name}_changelist"))

    def _is_owner(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser
