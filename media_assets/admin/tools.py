"""What can be done to an operation besides editing it. GET asks, POST acts."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from media_assets.accounts import proof
from media_assets.admin import importing, switches, vendor
from media_assets.admin.audit import record
from media_assets.admin.kept import KeptAdmin
from media_assets.admin.proof import ProvenAdmin
from media_assets.models import Operation
from media_assets.wolkvox.client import Client

_View = Callable[[HttpRequest, Operation], HttpResponse]


class OperationTools(ProvenAdmin, KeptAdmin):
    """The buttons of an operation's page, and the pages behind them."""

    kind = "operation"
    only_form_needs_proof = True

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, _View] = {
            "test": self.test_view,
            "import": self.import_view,
            "remove-token": self.remove_token_view,
            **{name: partial(self.switch_view, name=name) for name in switches.SWITCHES},
        }
        return [
            path(f"<int:pk>/{name}/", self._guarded(view), name=f"operation_{name}")
            for name, view in views.items()
        ] + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        operation = self.get_object(request, unquote(object_id))
        tools = self._tools(operation) if self.has_change_permission(request, operation) else []
        context = {"tools": tools, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def test_view(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        if request.method != "POST":
            return self._ask(
                request,
                operation,
                title=_("Test connection"),
                sentence=_("wolkvox is asked how many calls this operation's token has left."),
                warning=_("This costs one of today's calls of this token."),
            )
        try:
            info = vendor.ask(operation, Client.token_info)
        except vendor.NoAnswer as failure:
            record(request, "operation.tested", on=operation, outcome=failure.code)
            messages.error(request, failure.sentence)
            return self._back(operation)
        quota = {"used": info.used_today, "limit": info.limit}
        record(request, "operation.tested", on=operation, outcome="works", **quota)
        messages.success(request, _quota_in_words(**quota))
        if operation.paused_now:
            messages.warning(request, _("The operation is still paused. Resume it to send."))
        return self._back(operation)

    def import_view(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        if request.method != "POST":
            return self._ask(
                request,
                operation,
                title=_("Import connectors"),
                sentence=_(
                    "The list of connectors is read from wolkvox and compared with the ones here. "
                    "Nothing is written before you have chosen."
                ),
                warning=_("This costs one of today's calls of this token."),
                button=_("Read the list"),
            )
        if "found" in request.POST:
            return self._write_chosen(request, operation)
        try:
            answer = vendor.ask(operation, Client.connectors)
        except vendor.NoAnswer as failure:
            record(request, "operation.connectors_read", on=operation, outcome=failure.code)
            messages.error(request, failure.sentence)
            return self._back(operation)
        found = importing.whatsapp_only(answer)
        record(
            request, "operation.connectors_read", on=operation, outcome="works", found=len(found)
        )
        form = importing.ChoiceForm(rows=importing.compare(found, operation=operation))
        return self._show_found(request, operation, found=found, form=form)

    def remove_token_view(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        if not proof.is_fresh(request):
            return proof.ask(request)
        if request.method != "POST":
            return self._ask(
                request,
                operation,
                title=_("Remove token"),
                sentence=_("The stored token is forgotten for good; it stays valid at wolkvox."),
                warning=_("Nothing can be sent for this operation until another token is stored."),
            )
        with transaction.atomic():
            locked = Operation.objects.select_for_update(no_key=True).get(pk=operation.pk)
            if locked.has_token:
                self.clear_token(request, locked, because="removed")
        messages.success(request, _("The token is removed."))
        return self._back(operation)

    def switch_view(self, request: HttpRequest, operation: Operation, *, name: str) -> HttpResponse:
        if request.method != "POST":
            chosen = switches.SWITCHES[name]
            return self._ask(
                request, operation, title=str(chosen.title), sentence=str(chosen.explanation)
            )
        targets = Operation.objects.filter(pk=operation.pk)
        switches.switch(request, name, kind=self.kind, targets=targets)
        return self._back(operation)

    def clear_token(self, request: HttpRequest, operation: Operation, *, because: str) -> None:
        mark = operation.token_mark
        operation.clear_token()
        record(request, "operation.token_cleared", on=operation, mark=mark, because=because)

    def _guarded(self, view: _View) -> Callable[..., HttpResponseBase]:
        @require_http_methods(["GET", "HEAD", "POST"])
        def inner(request: HttpRequest, pk: int) -> HttpResponse:
            operation = self.get_object(request, str(pk))
            if not self.has_change_permission(request, operation):
                raise PermissionDenied
            return view(request, operation)

        return self.admin_site.admin_view(inner)

    def _tools(self, operation: Operation) -> list[dict[str, Any]]:
        """The buttons: forms that act at once and can be taken back, and links to a question."""
        switching = [
            {"title": switches.SWITCHES[name].title, "url": url_of(name, operation), "acts": True}
            for name in switches.fitting(operation)
        ]
        if not operation.has_token:
            return switching
        return [
            {"title": _("Test connection"), "url": url_of("test", operation)},
            {"title": _("Import connectors"), "url": url_of("import", operation)},
            *switching,
            {"title": _("Remove token"), "url": url_of("remove-token", operation)},
        ]

    def _ask(
        self, request: HttpRequest, operation: Operation, *, title: str, **context: Any
    ) -> HttpResponse:
        return self._page(request, operation, "admin/operation_tool.html", title=title, **context)

    def _show_found(
        self,
        request: HttpRequest,
        operation: Operation,
        *,
        found: list[importing.Found],
        form: importing.ChoiceForm,
    ) -> HttpResponse:
        return self._page(
            request,
            operation,
            "admin/operation_import.html",
            title=_("Import connectors"),
            rows=importing.compare(found, operation=operation),
            found=importing.pack(found, operation=operation),
            form=form,
        )

    def _write_chosen(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        try:
            found = importing.unpack(request.POST["found"], operation=operation)
        except signing.BadSignature:
            messages.error(request, _("This list is too old. Read it again."))
            return redirect(url_of("import", operation))
        rows = importing.compare(found, operation=operation)
        form = importing.ChoiceForm(request.POST, rows=rows)
        if not form.is_valid():
            return self._show_found(request, operation, found=found, form=form)
        written = importing.write(request, operation, form=form)
        count = len(written)
        text = ngettext("%(count)d connector imported.", "%(count)d connectors imported.", count)
        messages.success(request, text % {"count": count})
        return self._back(operation)

    def _page(
        self, request: HttpRequest, operation: Operation, template: str, **context: Any
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": operation,
                "subtitle": str(operation),
                "back": url_of("change", operation),
                **context,
            },
        )

    def _back(self, operation: Operation) -> HttpResponse:
        return redirect(url_of("change", operation))


def url_of(name: str, operation: Operation) -> str:
    """The address of one of an operation's tools, or of its page ("change")."""
    view = "media_assets_operation_change" if name == "change" else f"operation_{name}"
    return reverse(f"admin:{view}", args=[operation.pk])


def _quota_in_words(*, used: object, limit: object) -> str:
    if used is None or limit is None:
        return _("The connection works. wolkvox did not say how many calls are left.")
    return _("The connection works. %(used)s of %(limit)s calls are used today.") % {
        "used": _grouped(used),
        "limit": _grouped(limit),
    }


def _grouped(amount: object) -> str:
    """A number as people write it here; wolkvox sometimes sends a text instead."""
    return number_format(amount, force_grouping=True) if isinstance(amount, int) else str(amount)
