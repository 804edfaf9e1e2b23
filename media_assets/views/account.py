"""Signing in and out, and changing one's password; each is recorded."""

from typing import Any

from allauth.account.internal.flows.logout import logout
from allauth.account.views import LoginView
from allauth.decorators import rate_limit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from media_assets.accounts import proof, sessions
from media_assets.accounts.forms import SignInForm
from media_assets.accounts.records import record
from media_assets.visitors import person_of

# The fields of a form that somebody sent when their session had ended, and whose form it was.
TYPED = ("person", "connector", "urls", "label", "campaign")


class SignIn(LoginView):  # type: ignore[misc]  # django-allauth has no types
    template_name = "account/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = self.get_next_url() or ""
        return {
            **super().get_context_data(**kwargs),
            "next": wanted,
            "typed": _typed(self.request, prefix="typed-"),
            "why": _why(self.request, wanted=wanted),
        }

    def form_valid(self, form: SignInForm) -> HttpResponse:
        keep_typed(self.request)
        response: HttpResponse = super().form_valid(form)
        return response


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """The way to the sign-in page; a form that was sent goes along as hidden fields."""
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    context = {
        "form": SignInForm(request=request),
        "next": request.get_full_path(),
        "typed": _typed(request),
        "file_lost": "csv_file" in request.FILES,
    }
    return render(request, SignIn.template_name, context)


def keep_typed(request: HttpRequest) -> None:
    """Keep what the sign-in page brought along; whoever signs in next gets only their own."""
    typed = _typed(request, prefix="typed-")
    if by := typed.pop("person", ""):
        request.session.update({"typed": typed, "typed_by": by})


def _typed(request: HttpRequest, *, prefix: str = "") -> dict[str, str]:
    found = {name: request.POST.get(prefix + name, "") for name in TYPED}
    return {name: value for name, value in found.items() if value}


def _why(request: HttpRequest, *, wanted: str) -> str:
    """Why somebody was led to the sign-in page; "" if they came by themselves."""
    ended = request.session.get(sessions.ENDED)
    if ended == "idle":
        return _("Your session has ended, because nothing was done for a while. Sign in again.")
    if ended == "absolute":
        return _("Your session has ended: everybody signs in again from time to time.")
    if ended:
        return _("You have been signed out from elsewhere, or your account has changed.")
    if not wanted:
        return ""
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return _("Your session has ended. Sign in again.")
    if wanted == reverse("overview"):
        return ""
    return _("Sign in to open that page. If you were signed in before, your session has ended.")


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Also for who has only got as far as the second factor."""
    logout(request)
    return redirect("login")


@method_decorator(rate_limit(action="change_password"), name="dispatch")
class ChangePassword(PasswordChangeView):
    template_name = "account/password.html"
    success_url = reverse_lazy("overview")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not person_of(request).has_usable_password() and not proof.is_fresh(request):
            return proof.ask(request)
        return super().dispatch(request, *args, **kwargs)

    def get_form_class(self) -> Any:
        """Whoever signs in without a password has no old one to tell."""
        has_one = person_of(self.request).has_usable_password()
        return PasswordChangeForm if has_one else SetPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        person, old_key = person_of(self.request), self.request.session.session_key
        with transaction.atomic():
            response = super().form_valid(form)
            sessions.move(self.request, old_key=old_key)
            ended = sessions.end_others(self.request, person)
            record(self.request, "person.password_changed", on=person, sessions_ended=ended)
        messages.success(self.request, _("Your password is changed."))
        return response
