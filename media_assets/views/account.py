"""Signing in and out, and changing one's password; each is recorded."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import LoginView, PasswordChangeView, redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from media_assets.models import AuditEvent
from media_assets.visitors import address_of

# The fields of a form that somebody sent when their session had ended, and whose form it was.
TYPED = ("person", "connector", "urls", "label", "campaign")


class SignIn(LoginView):
    template_name = "account/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        typed = _typed(self.request, prefix="typed-")
        why = _why(self.request, wanted=self.get_redirect_url())
        return super().get_context_data(**kwargs) | {"typed": typed, "why": why}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        _record("person.signed_in", self.request)
        typed = _typed(self.request, prefix="typed-")
        if typed.pop("person", "") == str(form.get_user().pk):  # nobody gets another's lines
            self.request.session["typed"] = typed
        return response


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """The way to the sign-in page; a form that was sent goes along as hidden fields."""
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    context = {
        "form": AuthenticationForm(request),
        "next": request.get_full_path(),
        "typed": _typed(request),
        "file_lost": "csv_file" in request.FILES,
    }
    return render(request, SignIn.template_name, context)


def _typed(request: HttpRequest, *, prefix: str = "") -> dict[str, str]:
    found = {name: request.POST.get(prefix + name, "") for name in TYPED}
    return {name: value for name, value in found.items() if value}


def _why(request: HttpRequest, *, wanted: str) -> str:
    """Why somebody was led to the sign-in page; "" if they came by themselves."""
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
    if request.user.is_authenticated:
        _record("person.signed_out", request)
        logout(request)
    return redirect("login")


class ChangePassword(PasswordChangeView):
    template_name = "account/password.html"
    success_url = reverse_lazy("overview")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            _record("person.password_changed", self.request)
        messages.success(self.request, _("Your password is changed."))
        return response


def _record(action: str, request: HttpRequest) -> None:
    person: User | AnonymousUser = request.user
    AuditEvent.objects.record(
        action,
        by=person,
        on=person if isinstance(person, User) else None,
        address=address_of(request),
    )
