"""Where django-allauth asks the product: who may, what is recorded, and in which words."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.core.internal import ratelimit
from django.apps import apps
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from media_assets.accounts import proof, sessions, throttle
from media_assets.accounts.records import record, record_visitor
from media_assets.visitors import address_of

_BLOCKED_SECONDS = 300
_WAYS = {
    "reauthenticate": _("Use the password"),
    "mfa_reauthenticate": _("Use a code"),
    "mfa_reauthenticate:webauthn": _("Use a passkey"),
    "provider": format_lazy(_("Confirm with {name}"), name=settings.OIDC_NAME),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # django-allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _(
            "This name and password do not go together. Check capitals and try again; if you have "
            "forgotten the password, an owner of this installation can send you a new link."
        ),
        "too_many_login_attempts": _(
            "Too many attempts have failed. Wait five minutes and try again, or ask an owner of "
            "this installation to let you in sooner."
        ),
        "too_many_from_address": _(
            "Too many attempts have failed from your network. Wait a minute and try again."
        ),
        "account_inactive": _(
            "This account is disabled. An owner of this installation can enable it."
        ),
        "incorrect_password": _("This password is wrong. Check capitals and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited; nobody registers."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the audit list has it; a server on a local socket knows none."""
        return address_of(request) or "unknown"

    def add_message(
        self, request: HttpRequest, level: int, *args: Any, message: Any = None, **kwargs: Any
    ) -> None:
        """django-allauth's own sentences are left out: pages say what has happened."""
        if message:
            messages.add_message(request, level, str(message))

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is mailed but invitations."""

    # Limits

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return throttle.key_of(request, credentials.get("username", ""))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        self._by_address = ratelimit.consume(request, app=throttle.APP, action=throttle.BY_ADDRESS)
        try:
            if not self._by_address:
                raise self.validation_error("too_many_from_address")
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._record_blocked(request, credentials.get("username", ""))
            raise

    def _rollback_login_failed_rl_usage(self) -> None:
        """What failed counts, not what went well."""
        super()._rollback_login_failed_rl_usage()
        self._by_address.rollback()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        if isinstance(request.user, User):
            record(request, "person.proof_failed", on=request.user)
            return
        person = _called(credentials.get("username", ""))
        record_visitor(request, "person.sign_in_failed", on=person)

    def _record_blocked(self, request: HttpRequest, username: str) -> None:
        person = _called(username)
        about = f"{self.get_client_ip(request)}:{person.pk if person else ''}"
        if throttle.is_first(f"blocked:{about}", within=_BLOCKED_SECONDS):
            record_visitor(request, "person.sign_in_blocked", on=person)

    # A fresh proof

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Signing in is a proof, too; django-allauth itself counts only what follows it."""
        return not proof.is_fresh(self.request)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if isinstance(user, User) and _is_known_to_provider(user):
            methods.append({"id": "provider", "url": reverse("prove_by_provider")})
        return [{**each, "description": _WAYS[each["id"]]} for each in methods]

    # Signing in and out

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        clear_login(request)
        record_visitor(request, "person.sign_in_failed", on=user, because="disabled")
        messages.error(request, str(self.error_messages["account_inactive"]))
        return redirect("login")

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        sessions.begin(request, user)
        request.session.pop(sessions.ENDED, None)
        if request.session.pop("typed_by", str(user.pk)) != str(user.pk):
            request.session.pop("typed", None)  # nobody gets another's lines

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        throttle.remember(request, response, person=user)
        record(request, "person.signed_in", on=user, by=user, methods=methods_of(request, user))
        return response

    def logout(self, request: HttpRequest) -> None:
        person: User | AnonymousUser = request.user
        if isinstance(person, User):
            sessions.end_this(request)
            record(request, "person.signed_out", on=person)
        super().logout(request)


def methods_of(request: HttpRequest, person: User) -> list[str]:
    """By what this session's person has proved who they are: "password", "totp", "webauthn" …"""
    records = get_authentication_records(request, person)
    return [str(each.get("type") or each["method"]) for each in records]


def _is_known_to_provider(person: User) -> bool:
    """Whether this person signs in at the identity provider, where there is one."""
    if not settings.OIDC_ISSUER:
        return False
    return bool(apps.get_model("socialaccount", "SocialAccount").objects.filter(user=person))


def _called(username: str) -> User | None:
    return User.objects.filter(username__iexact=username.strip()).first()
