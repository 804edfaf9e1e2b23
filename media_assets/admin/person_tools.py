"""What an owner can do for a person besides editing them."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from media_assets.accounts import invitations, proof, sessions, throttle
from media_assets.admin.audit import record
from media_assets.admin.tools import ToolPages, View
from media_assets.models import Invitation


class PersonTools(ToolPages):
    def tool_views(self) -> dict[str, View]:
        views = {
            "link": self.link_view,
            "revoke": self.revoke_view,
            "sign-out": self.sign_out_view,
            "remove-factors": self.remove_factors_view,
            "unblock": self.unblock_view,
        }
        return {name: _proven(view) for name, view in views.items()}

    def tools_of(self, target: User) -> list[dict[str, Any]]:
        tools: list[dict[str, Any]] = []
        if invitations.may_have_link(target):
            tools.append(self.link(_("New link"), "link", target))
        if Invitation.objects.filter(person=target).open().exists():
            tools.append(self.button(_("Take back the link"), "revoke", target))
        if target.sessions.live().exists():
            tools.append(self.button(_("Sign out everywhere"), "sign-out", target))
        if Authenticator.objects.filter(user=target).exists():
            tools.append(self.link(_("Remove second factors"), "remove-factors", target))
        if throttle.is_blocked(target):
            tools.append(self.button(_("Let them try again"), "unblock", target))
        return tools

    def get_urls(self) -> list[URLPattern]:
        stock = "auth_user_password_change"  # by which one would type another's password
        return [url for url in super().get_urls() if getattr(url, "name", None) != stock]

    def link_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if not invitations.may_have_link(person):
            messages.error(request, _("A disabled person gets no link. Enable them first."))
            return self.back_to(person)
        if request.method == "POST":
            return self.show_link(request, person, link=invitations.invite(request, person))
        return self.ask(
            request,
            person,
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
        return self.page(request, person, "admin/invitation_link.html", title=title, link=link)

    def revoke_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return self.ask(
                request,
                person,
                title=_("Take back the link"),
                sentence=_("The link that was handed over will open nothing any more."),
            )
        with transaction.atomic():
            if Invitation.objects.filter(person=person).revoke():
                record(request, "person.invitation_revoked", on=person)
                messages.success(request, _("The link is taken back: it opens nothing any more."))
            else:
                messages.info(request, _("Nothing to change: it is so already."))
        return self.back_to(person)

    def sign_out_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return self.ask(
                request,
                person,
                title=_("Sign out everywhere"),
                sentence=_("This person's sessions will end at once, in every browser."),
            )
        with transaction.atomic():
            ended = sessions.end_all(person)
            record(
                request, "person.session_ended", on=person, because="owner", sessions_ended=ended
            )
        text = ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", ended)
        messages.success(request, text % {"count": ended})
        return self.back_to(person)

    def remove_factors_view(self, request: HttpRequest, person: User) -> HttpResponse:
        factors = Authenticator.objects.filter(user=person)
        if request.method != "POST":
            return self.ask(
                request,
                person,
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
        return self.back_to(person)

    def unblock_view(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.method != "POST":
            return self.ask(
                request,
                person,
                title=_("Let them try again"),
                sentence=_("Their failed attempts will be forgotten; the password stays."),
            )
        throttle.unblock(person)
        record(request, "person.unblocked", on=person)
        messages.success(request, _("This person can try to sign in again at once."))
        return self.back_to(person)


def _proven(view: View) -> View:
    def with_fresh_proof(request: HttpRequest, person: User) -> HttpResponse:
        return view(request, person) if proof.is_fresh(request) else proof.ask(request)

    return with_fresh_proof
