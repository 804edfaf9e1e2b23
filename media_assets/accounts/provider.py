"""Signing in at the company's own identity provider (OpenID Connect), where one is configured.

The provider says who somebody is and, by a claim, which role they have (OIDC_ROLES); nobody comes
in without one. The role is taken over at each sign-in; other groups are an owner's business.
"""

from typing import Any, NoReturn

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from media_assets import roles
from media_assets.accounts import invitations, owners, sessions
from media_assets.accounts.records import record, record_visitor
from media_assets.models import Invitation

BECAUSE = "oidc"  # in events
CLOCKS = 60  # seconds that the provider's may differ from ours
ASKED = "proof_asked_at"  # in the session: when somebody was sent there to prove who they are


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # it has no types
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """After the provider has answered, and before anybody is signed in."""
        if sociallogin.state.get("process") == AuthProcess.REDIRECT:
            self._prove(request, sociallogin)
            return
        role = role_in(_claims(sociallogin))
        if not role:
            self._refuse(
                request,
                _("Your account at %(name)s has no role here. Ask an owner of this installation."),
                person=sociallogin.user if sociallogin.is_existing else None,
                because="no role",
            )
        if not sociallogin.is_existing:
            self._connect_invited(request, sociallogin)
        if sociallogin.is_existing:
            _take_over(request, sociallogin.user, role=role)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        with transaction.atomic():
            person: User = super().save_user(request, sociallogin, form)
            role = role_in(_claims(sociallogin))
            roles.give(person, role)
            record(request, "person.created", on=person, by=person, role=role, because=BECAUSE)
        return person

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Whoever has a role there is let in; `pre_social_login` has looked."""
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self._refuse(
            request,
            _(
                "%(name)s did not confirm who you are. Try again; if it goes on, tell whoever "
                "runs this server."
            ),
            because="provider",
        )

    def _prove(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The provider has just asked who somebody is who is signed in here already."""
        if not request.user.is_authenticated or sociallogin.user != request.user:
            sentence = _(
                "Your account at %(name)s is not the one that you are signed in with here."
            )
            messages.error(request, sentence % {"name": settings.OIDC_NAME})
            return
        if not self._has_asked_anew(request, sociallogin):
            record(request, "person.proof_failed", on=request.user, because="not asked anew")
            sentence = _(
                "%(name)s did not say that it has asked you just now, so this proves nothing. Try "
                "again, or ask an owner of this installation for a link to choose a password."
            )
            messages.error(request, sentence % {"name": settings.OIDC_NAME})
            return
        request.session.pop(STATE_SESSION_KEY, None)  # a form that waits is not sent by itself
        record_authentication(request, request.user, "socialaccount", reauthenticated=True)

    def _has_asked_anew(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Whether the person has signed in there since they were sent there.

        The request for it goes through their browser, where it can be changed; the time of the
        sign-in (auth_time, OpenID Connect Core 3.1.2.1) comes from the provider itself.
        """
        asked_at = request.session.pop(ASKED, None)
        signed_in_at = _claims(sociallogin).get("auth_time")
        if asked_at is None or not isinstance(signed_in_at, int | float):
            return False
        return bool(signed_in_at >= asked_at - CLOCKS)

    def _connect_invited(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Somebody invited by the same address, if the provider vouches for it."""
        email = sociallogin.user.email
        there = User.objects.filter(email__iexact=email) if email else User.objects.none()
        person = there.first()
        if person is None:
            return
        vouched = any(each.verified for each in sociallogin.email_addresses)
        is_invited = Invitation.objects.filter(person=person).open().exists()
        is_invited = is_invited and invitations.is_new(person) and len(there) == 1
        if not (vouched and is_invited):
            self._refuse(
                request,
                _(
                    "There is already a person with the address of your account at %(name)s. Ask "
                    "an owner of this installation to look at it."
                ),
                person=person,
                because="address",
            )
        with transaction.atomic():
            User.objects.filter(pk=person.pk).update(is_active=True)
            person.is_active = True
            Invitation.objects.filter(person=person).revoke()
            sociallogin.connect(request, person)
            record(request, "person.invitation_used", on=person, by=person, method=BECAUSE)

    def _refuse(
        self, request: HttpRequest, sentence: str, *, because: str, person: User | None = None
    ) -> NoReturn:
        if isinstance(request.user, User):
            record(request, "person.proof_failed", on=request.user, because=because)
        else:
            record_visitor(request, "person.sign_in_failed", on=person, because=because)
        messages.error(request, sentence % {"name": settings.OIDC_NAME})
        raise ImmediateHttpResponse(redirect("login"))


def role_in(claims: dict[str, Any]) -> str:
    """The first role of OIDC_ROLES that the claim names, or "": the order of the setting counts."""
    value = claims.get(settings.OIDC_CLAIM)
    values = {str(each) for each in (value if isinstance(value, list) else [value])}
    meant = [role for name, role in settings.OIDC_ROLES.items() if name in values]
    return roles.BY_SLUG[meant[0]] if meant else ""


def _claims(sociallogin: SocialLogin) -> dict[str, Any]:
    data = sociallogin.account.extra_data
    return {**(data.get("id_token") or {}), **(data.get("userinfo") or {})}


def _take_over(request: HttpRequest, person: User, *, role: str) -> None:
    """Give the role that the provider names now, unless that takes the last owner away."""
    before = roles.roles_of(person)
    if before == [role] or not person.is_active:
        return
    with transaction.atomic():
        owners.lock()
        if role != roles.OWNER and owners.are_last([person]):
            return
        roles.give(person, role)
        sessions.end_all(person)
        change = {"before": ", ".join(before), "after": role, "because": BECAUSE}
        record(request, "person.role_changed", on=person, by=person, **change)
