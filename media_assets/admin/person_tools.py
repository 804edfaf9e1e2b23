"""What an owner can do for a person besides editing them. GET asks, POST acts."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from media_assets.accounts import invitations, proof, sessions, throttle
from media_assets.admin.audit import record
from media_assets.models import Invitation

_View = Callable[[HttpRequest, User], HttpResponse]


class PersonTools(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """The buttons of a person's page, and the pages behind them."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, _View] = {
            "link": self.link_view,
            "revoke": self.revoke_view,
            "sign-out": self.sign_out_view,
            "remove-factors": self.remove_factors_view,
            "unblock": self.unblock_view,
        }
        stock = [
            url
            for url in super().get_urls()
            if getattr(url, "name", None) != "auth_user_password_change"
        ]
        return [
            path(f"<int:pk>/{name}/", self._guarded(view), name=f"person_{name}")
            for name, view in views.items()
        ] + stock

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        person = self.get_object(request, unquote(object_id))
        tools = _tools(person) if isinstance(person, User) else []
        context = {"tools": tools, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def link_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if not invitations.may_have_link(person):
            messages.error(request, _("A disabled person gets no link. Enable them first."))
            return _back(person)
        if request.method == "POST":
            return self.show_link(request, person, link=invitations.invite(request, person))
        return self._page(
            request,
            person,
            "admin/operation_tool.html",
            title=_("New link"),
            sentence=_(
                "You get a link that you hand to this person. By it they choose a new password; "
                "their present one goes on working until then. Earlier links end."
            ),
        )

    def show_link(
        self, request: HttpRequest, person: User, *, link: invitations.Link
    ) -> HttpResponse:
        """The only time that the link is shown."""
        title = _("Hand over this link")
        return self._page(request, person, "admin/invitation_link.html", title=title, link=link)

    def revoke_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return _back(person)
        with transaction.atomic():
            if Invitation.objects.filter(person=person).revoke():
                record(request, "person.invitation_revoked", on=person)
                messages.success(request, _("The link is taken back: it opens nothing any more."))
        return _back(person)

    def sign_out_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return _back(person)
        with transaction.atomic():
            ended = sessions.end_all(person)
            record(request, "person.session_ended", on=person, because="owner", ended=ended)
        text = ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", ended)
        messages.success(request, text % {"count": ended})
        return _back(person)

    def remove_factors_view(self, request: HttpRequest, person: User) -> HttpResponse:
        factors = Authenticator.objects.filter(user=person)
        if request.method != "POST":
            return self._page(
                request,
                person,
                "admin/operation_tool.html",
                title=_("Remove second factors"),
                sentence=_(
                    "For somebody who has lost their phone or key: authenticator app, passkeys "
                    "and recovery codes are removed, and they are signed out everywhere."
                ),
                warning=_("Make sure that it is really this person who asks you."),
            )
        with transaction.atomic():
            factors.delete()
            sessions.end_all(person)
        messages.success(request, _("The second factors are removed."))
        return _back(person)

    def unblock_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return _back(person)
        throttle.unblock(person)
        record(request, "person.unblocked", on=person)
        messages.success(request, _("This person can try to sign in again at once."))
        return _back(person)

    def _guarded(self, view: _View) -> Callable[..., HttpResponseBase]:
        @never_cache
        @require_http_methods(["GET", "HEAD", "POST"])
        def inner(request: HttpRequest, pk: int) -> HttpResponse:
            person = self.get_object(request, str(pk))
            if not isinstance(person, User) or not self.has_change_permission(request, person):
                raise Http404
            return view(request, person) if proof.is_fresh(request) else proof.ask(request)

        return self.admin_site.admin_view(inner)

    def _page(
        self, request: HttpRequest, person: User, template: str, **context: Any
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": person,
                "subtitle": str(person),
                "back": _url_of("change", person),
                **context,
            },
        )


def _tools(person: User) -> list[dict[str, Any]]:
    """The buttons that make sense now: links to a question, and forms that act at once."""
    tools: list[dict[str, Any]] = []
    if invitations.may_have_link(person):
        tools.append({"title": _("New link"), "url": _url_of("link", person)})
    if Invitation.objects.filter(person=person).open().exists():
        tools.append(_acting(_("Take back the link"), "revoke", person))
    if person.sessions.live().exists():
        tools.append(_acting(_("Sign out everywhere"), "sign-out", person))
    if Authenticator.objects.filter(user=person).exists():
        title = _("Remove second factors")
        tools.append({"title": title, "url": _url_of("remove-factors", person)})
    if throttle.is_blocked(person):
        tools.append(_acting(_("Let them try again"), "unblock", person))
    return tools


def _acting(title: str, tool: str, person: User) -> dict[str, Any]:
    return {"title": title, "url": _url_of(tool, person), "acts": True}


def _back(person: User) -> HttpResponse:
    return redirect(_url_of("change", person))


def _url_of(name: str, person: User) -> str:
    view = "auth_user_change" if name == "change" else f"person_{name}"
    return reverse(f"admin:{view}", args=[person.pk])
