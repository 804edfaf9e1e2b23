"""A fresh proof of who somebody is, before accounts, roles or tokens are changed.

Signing in is one, and so is whatever django-allauth's confirmation pages accept: password, code,
passkey, or the identity provider; but not signing in by that, which may have asked nothing. It is
asked for before a form is shown; a form that comes too late all the same is kept, but for its
secrets, and shown again afterwards.
"""

import re
import time

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from media_assets.visitors import person_of

TYPED = "typed_late"
SECRET = re.compile(r"token|password|credential", re.IGNORECASE)
MOST_KEPT = 200_000  # characters
KEPT = 3600  # seconds


def is_fresh(request: HttpRequest) -> bool:
    """Whether this session's person has proved who they are within the last ten minutes."""
    since = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, person_of(request))
    return any(
        since < each["at"] <= time.time()
        for each in records
        if each["method"] != "socialaccount" or each.get("reauthenticated")
    )


def ask(request: HttpRequest) -> HttpResponse:
    """To the page that asks, which leads back to where this request wanted to go."""
    methods = get_adapter().get_reauthentication_methods(person_of(request))
    if not methods:
        raise PermissionDenied  # neither password nor key nor provider: an owner has to help
    query = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return redirect(f"{methods[0]['url']}?{query}")


def keep_typed(request: HttpRequest) -> None:
    """Keep a form that has come too late, without its secrets."""
    kept = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if not SECRET.search(name):
            kept.setlist(name, values)
    text = kept.urlencode()
    if len(text) > MOST_KEPT:
        messages.warning(request, _("This form was too long to be kept. Type it again, please."))
        return
    request.session[TYPED] = {"path": request.get_full_path(), "form": text, "at": time.time()}


def take_typed(request: HttpRequest) -> QueryDict | None:
    """What was typed into the form at this address before the proof, once."""
    kept = request.session.get(TYPED)
    if not kept or kept["path"] != request.get_full_path():
        return None
    del request.session[TYPED]
    return QueryDict(kept["form"]) if kept["at"] > time.time() - KEPT else None
