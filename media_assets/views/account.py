"""Signing in and out, and changing one's password; each is recorded."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from media_assets.models import AuditEvent
from media_assets.visitors import address_of


class SignIn(LoginView):
    template_name = "account/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        _record("person.signed_in", self.request)
        return response


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
