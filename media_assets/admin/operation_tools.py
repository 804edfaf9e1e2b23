"""What can be done to an operation besides editing it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from media_assets.accounts import proof
from media_assets.admin import importing, switches, vendor
from media_assets.admin.audit import record
from media_assets.admin.kept import KeptAdmin
from media_assets.admin.proof import ProvenAdmin
from media_assets.admin.tools import ToolPages, View
from media_assets.models import Operation
from media_assets.wolkvox.client import Client


class OperationTools(ProvenAdmin, ToolPages, KeptAdmin):
    kind = "operation"
    only_form_needs_proof = True

    def tool_views(self) -> dict[str, View]:
        return {
            "test": self.test_view,
            "import": self.import_view,
            "remove-token": self.remove_token_view,
            **{name: partial(self.switch_view, name=name) for name in switches.SWITCHES},
        }

    def tools_of(self, target: Operation) -> list[dict[str, Any]]:
        switching = [
            self.button(str(switches.SWITCHES[name].title), name, target)
            for name in switches.fitting(target)
        ]
        if not target.has_token:
            return switching
        return [
            self.link(_("Test connection"), "test", target),
            self.link(_("Import connectors"), "import", target),
            *switching,
            self.link(_("Remove token"), "remove-token", target),
        ]

    def test_view(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        if request.method != "POST":
            return self.ask(
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
            return self.back_to(operation)
        quota = {"used": info.used_today, "limit": info.limit}
        record(request, "operation.tested", on=operation, outcome="works", **quota)
        messages.success(request, _quota_in_words(**quota))
        if operation.paused_now:
            messages.warning(request, _("The operation is still paused. Resume it to send."))
        return self.back_to(operation)

    def import_view(self, request: HttpRequest, operation: Operation) -> HttpResponse:
        if request.method != "POST":
            return self.ask(
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
            return self.back_to(operation)
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
            return self.ask(
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
        return self.back_to(operation)

    def switch_view(self, request: HttpRequest, operation: Operation, *, name: str) -> HttpResponse:
        if request.method != "POST":
            chosen = switches.SWITCHES[name]
            return self.ask(
                request, operation, title=str(chosen.title), sentence=str(chosen.explanation)
            )
        targets = Operation.objects.filter(pk=operation.pk)
        switches.switch(request, name, kind=self.kind, targets=targets)
        return self.back_to(operation)

    def clear_token(self, request: HttpRequest, operation: Operation, *, because: str) -> None:
        mark = operation.token_mark
        operation.clear_token()
        record(request, "operation.token_cleared", on=operation, mark=mark, because=because)

    def _show_found(
        self,
        request: HttpRequest,
        operation: Operation,
        *,
        found: list[importing.Found],
        form: importing.ChoiceForm,
    ) -> HttpResponse:
        return self.page(
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
            return redirect(self.url_of("import", operation))
        rows = importing.compare(found, operation=operation)
        form = importing.ChoiceForm(request.POST, rows=rows)
        if not form.is_valid():
            return self._show_found(request, operation, found=found, form=form)
        written = importing.write(request, operation, form=form)
        count = len(written)
        text = ngettext("%(count)d connector imported.", "%(count)d connectors imported.", count)
        messages.success(request, text % {"count": count})
        return self.back_to(operation)


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
