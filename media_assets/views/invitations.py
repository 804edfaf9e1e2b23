"""The link that an owner has handed over: choose how to sign in, then be signed in."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from media_assets.accounts import invitations, sessions
from media_assets.accounts.forms import PROFILE, TAKEN, InvitationForm
from media_assets.accounts.records import record
from media_assets.models import Invitation

TOKEN = "invitation"  # noqa: S105  (where the link's secret part stands in the session)


@login_not_required
@never_cache
@require_safe
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret part out of the address, which browsers and servers write down."""
    if not request.user.is_authenticated:
        request.session[TOKEN] = token
    return redirect("invitation")


@login_not_required
@never_cache
@sensitive_post_parameters("password1", "password2", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return render(request, "account/invitation_signed_in.html", status=409)
    found = Invitation.objects.by_token(request.session.get(TOKEN, ""))
    if found is None or (sentence := _why_over(found)):
        request.session.pop(TOKEN, None)
        return _refusal(request, sentence if found else _unknown(), status=410)
    person = found.person
    is_new = invitations.is_new(person)
    # a link alone must not be a way around a second factor
    passkeys = not Authenticator.objects.filter(user=person).exists()
    options: dict[str, Any] = {"person": person, "is_new": is_new, "passkeys": passkeys}
    if request.method != "POST":
        form = InvitationForm(initial={"username": _suggestion(person)}, **options)
        return _page(request, form)
    form = InvitationForm(request.POST, **options)
    if not form.is_valid():
        return _page(request, form)
    hashed = make_password(form.cleaned_data.get("password1") or None)  # before anybody is locked
    try:
        with transaction.atomic():
            # first the person, then the link: so does whoever disables them meanwhile
            person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
            if not invitations.may_have_link(person) or not found.set_used():
                return redirect("invitation")  # which says why
            passkey = _take_over(request, person, form=form, hashed=hashed)
    except IntegrityError:  # somebody else has just taken the name
        form.add_error("username", TAKEN)
        return _page(request, form)
    request.session.pop(TOKEN, None)
    if passkey is not None:
        return _signed_in(perform_passwordless_login(request, passkey, Login(user=person)))
    record_authentication(request, person, method="password")
    return _signed_in(perform_login(request, Login(user=person)))


def _signed_in(response: HttpResponse) -> HttpResponse:
    """What django-allauth, which has no types, leads on to."""
    return response


def _take_over(
    request: HttpRequest, person: User, *, form: InvitationForm, hashed: str
) -> Authenticator | None:
    """Write what the person has chosen, and nothing else of them; the passkey, if it is one."""
    chosen = {name: form.cleaned_data[name] for name in PROFILE if form.is_new}
    credential = form.cleaned_data.get("credential")
    values = {**chosen, "is_active": True, "password": hashed}
    for name, value in values.items():
        setattr(person, name, value)
    person.save(update_fields=list(values))
    sessions.end_all(person)
    method = "passkey" if credential else "password"
    record(request, "person.invitation_used", on=person, by=person, method=method)
    if not credential:
        return None
    passkey: Authenticator = webauthn.WebAuthn.add(person, _("Passkey"), credential).instance
    return passkey


def _page(request: HttpRequest, form: InvitationForm) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "person": form.person}
    if form.passkeys:
        creation = webauthn.begin_registration(form.person, passwordless=True)
        context["js_data"] = {"creation_options": creation}
    return render(request, "account/invitation.html", context)


def _refusal(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "account/invitation_over.html", {"sentence": sentence}, status=status)


def _unknown() -> str:
    return _(
        "This link is not one of ours: open it again as a whole, without a line break, or ask "
        "the owner who sent it for a new one."
    )


def _why_over(found: Invitation) -> str:
    if found.used_at:
        day = date_format(localtime(found.used_at), "SHORT_DATETIME_FORMAT")
        return _(
            "This link was used on %(day)s. Sign in with what was chosen then; if that was not "
            "you, tell an owner at once."
        ) % {"day": day}
    if found.revoked_at:
        return _("This link has been taken back or replaced by a newer one. Ask for that one.")
    if not found.is_open:
        return _("This link has expired. Ask the owner who sent it for a new one.")
    if not invitations.may_have_link(found.person):
        return _("This account is disabled. An owner of this installation can enable it.")
    return ""


def _suggestion(person: User) -> str:
    """The part of the address before the @, unless somebody is called so."""
    name = person.email.partition("@")[0]
    return "" if User.objects.filter(username__iexact=name).exists() else name
