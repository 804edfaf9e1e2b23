"""django-allauth's pages that change second factors: each is one transaction with its event.

Recovery codes have a seed that is sealed: they say so where its key is missing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from media_assets.accounts.factors import SecretLost

_View = Callable[..., HttpResponseBase]


def _told(view: _View) -> _View:
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except SecretLost as lost:
            context = {"sentence": " ".join(lost.messages)}
            return render(request, "mfa/secret_lost.html", context, status=503)

    return wrapped


def _changing(view: _View) -> _View:
    """One transaction, but to look takes none: on SQLite it would wait for whoever writes."""
    in_one = transaction.atomic(view)

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        chosen = in_one if request.method == "POST" else view
        return chosen(request, *args, **kwargs)

    return wrapped


class PasskeyProof(passkeys.ReauthenticateWebAuthnView):  # type: ignore[misc]  # it has no types
    """A wrong key is told where the next one can be tried."""

    def form_invalid(self, form: Any) -> HttpResponseBase:
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        response: HttpResponseBase = self.render_to_response(self.get_context_data(form=form))
        return response


prove_by_passkey = PasskeyProof.as_view()
set_up_app = never_cache(_changing(_told(app.activate_totp)))  # it shows the secret
remove_app = _changing(app.deactivate_totp)
add_passkey = _changing(passkeys.add_webauthn)
remove_passkey = _changing(passkeys.remove_webauthn)
recovery_codes = _told(codes.view_recovery_codes)
new_recovery_codes = _changing(_told(codes.generate_recovery_codes))
recovery_codes_file = _told(codes.download_recovery_codes)
