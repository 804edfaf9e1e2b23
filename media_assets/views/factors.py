"""django-allauth's pages that change second factors: each is one transaction with its event.

Recovery codes have a seed that is sealed: they say so where its key is missing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
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


set_up_app = never_cache(transaction.atomic(_told(app.activate_totp)))  # it shows the secret
remove_app = transaction.atomic(app.deactivate_totp)
add_passkey = transaction.atomic(passkeys.add_webauthn)
remove_passkey = transaction.atomic(passkeys.remove_webauthn)
recovery_codes = _told(codes.view_recovery_codes)
new_recovery_codes = transaction.atomic(_told(codes.generate_recovery_codes))
recovery_codes_file = _told(codes.download_recovery_codes)
