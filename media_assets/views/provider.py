"""To the identity provider and back: to sign in, or to prove who somebody still is."""

import time

from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from media_assets.accounts import proof, throttle
from media_assets.accounts.provider import ASKED
from media_assets.views.account import keep_typed


@login_not_required
@require_POST
def sign_in_at_provider(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("overview")
    is_kept = _may_keep_typed(request)
    if is_kept:
        keep_typed(request)
    answer = _away(request, process=AuthProcess.LOGIN)
    if not is_kept:  # to be read on the way back, not on the page that leads on
        messages.warning(request, _("What you typed could not be kept. Type it again, please."))
    return answer


def _may_keep_typed(request: HttpRequest) -> bool:
    """Neither much nor often: nobody has signed in yet. True if there is nothing to keep."""
    length = sum(len(value) for name, value in request.POST.items() if name.startswith("typed-"))
    if not length:
        return True
    may = ratelimit.consume(request, app=throttle.APP, action="keep_typed")
    return length <= proof.MOST_KEPT and bool(may)


@require_http_methods(["GET", "HEAD", "POST"])
def prove_by_provider(request: HttpRequest) -> HttpResponse:
    """The provider is told to ask again, even if somebody is signed in there."""
    if request.method != "POST":
        wanted = get_next_redirect_url(request) or ""
        return render(request, "account/prove_by_provider.html", {"next": wanted})
    request.session[ASKED] = time.time()
    asked = {"prompt": "login", "max_age": "0"}
    return _away(request, process=AuthProcess.REDIRECT, auth_params=asked)


def _away(
    request: HttpRequest, *, process: str, auth_params: dict[str, str] | None = None
) -> HttpResponse:
    adapter = get_adapter()
    provider = adapter.get_provider(request, settings.OIDC_ID)
    wanted = get_next_redirect_url(request) or reverse("overview")
    try:
        answer: HttpResponse = provider.redirect(
            request, process=process, next_url=wanted, auth_params=auth_params
        )
    except (OSError, ValueError, KeyError) as error:  # away, or its description is none
        adapter.on_authentication_error(request, provider, exception=error)
        raise
    # not as a redirect: a form that is led on may go nowhere else (form-action), and providers
    # lead on to others again
    return render(request, "account/leading_on.html", {"url": answer.headers["Location"]})
