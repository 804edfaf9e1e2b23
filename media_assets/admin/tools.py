"""Pages of the admin for what can be done to a row besides editing it. GET asks, POST acts."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

View = Callable[[HttpRequest, Any], HttpResponse]


class ToolPages(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """The buttons of a row's page, and the pages behind them.

    For whoever may change the row; for others the pages do not exist.
    """

    def tool_views(self) -> dict[str, View]:
        """The tools by the last part of their addresses."""
        raise NotImplementedError

    def tools_of(self, target: Any) -> list[dict[str, Any]]:
        """The buttons that make sense now, as `link` and `button` make them."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        return [
            path(f"<int:pk>/{name}/", self._guarded(view), name=self._name(name))
            for name, view in self.tool_views().items()
        ] + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        target = self.get_object(request, unquote(object_id))
        may = target is not None and self.has_change_permission(request, target)
        context = {"tools": self.tools_of(target) if may else [], **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def link(self, title: str, tool: str, target: Model) -> dict[str, Any]:
        """A button that leads to a question."""
        return {"title": title, "url": self.url_of(tool, target)}

    def button(self, title: str, tool: str, target: Model) -> dict[str, Any]:
        """A button that acts at once: for what can be taken back, or does no harm."""
        return {**self.link(title, tool, target), "acts": True}

    def url_of(self, tool: str, target: Model) -> str:
        return reverse(f"admin:{self._name(tool)}", args=[target.pk])

    def back_to(self, target: Model) -> HttpResponse:
        return redirect(self.url_of("change", target))

    def ask(self, request: HttpRequest, target: Model, *, title: str, **said: Any) -> HttpResponse:
        """A question with one button; `sentence`, `warning` and `button` are its words."""
        return self.page(request, target, "admin/tool.html", title=title, **said)

    def page(
        self, request: HttpRequest, target: Model, template: str, **context: Any
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": target,
                "subtitle": str(target),
                "back": self.url_of("change", target),
                **context,
            },
        )

    def _guarded(self, view: View) -> Callable[..., HttpResponseBase]:
        @require_http_methods(["GET", "HEAD", "POST"])
        def inner(request: HttpRequest, pk: int) -> HttpResponse:
            target = self.get_object(request, str(pk))
            if target is None or not self.has_change_permission(request, target):
                raise Http404
            return view(request, target)

        return self.admin_site.admin_view(inner)

    def _name(self, tool: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{tool}"
