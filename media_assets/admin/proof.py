"""Pages of the admin that want a fresh proof of who is asking."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from media_assets.accounts import proof

_LATE = _(
    "This took more than ten minutes, so you were asked again who you are. Nothing is saved yet: "
    "look through what you typed, enter a token again if there was one, and save."
)


class ProvenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Its form needs a proof of whoever may change something there, and so do its other pages
    unless `only_form_needs_proof`."""

    only_form_needs_proof = False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        may = self.has_change_permission if object_id else self.has_add_permission
        if not may(request):
            return super().changeform_view(request, object_id, *args, **kwargs)
        if not proof.is_fresh(request):
            if request.method == "POST":
                proof.keep_typed(request)
            return proof.ask(request)
        if request.method == "GET" and (typed := proof.take_typed(request)) is not None:
            _as_if_sent(request, typed)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if not getattr(request, "is_typed_late", False):
            return form

        class TypedLate(form):  # type: ignore[misc, valid-type]  # made at run time
            """Shows what was typed, and saves nothing."""

            def clean(self) -> Any:
                cleaned = super().clean()
                self.add_error(None, ValidationError(_LATE))
                return cleaned

        return TypedLate

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self._needs_proof(request):
            return proof.ask(request)
        return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and self._needs_proof(request):
            messages.warning(request, _("Nothing is done yet. Choose again afterwards, please."))
            return proof.ask(request)
        return super().changelist_view(request, *args, **kwargs)

    def _needs_proof(self, request: HttpRequest) -> bool:
        if self.only_form_needs_proof or not self.has_change_permission(request):
            return False
        return not proof.is_fresh(request)


def _as_if_sent(request: HttpRequest, typed: Any) -> None:
    """Let the admin show a form with what was typed, as it does with one that has errors."""
    request.method = "POST"
    request.POST = typed
    request._files = MultiValueDict()  # type: ignore[attr-defined]  # as Django's own parser sets it
    request.is_typed_late = True  # type: ignore[attr-defined]  # ours
