"""Where a page leads when its work is done."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme


def redirect_to_see(shown: Any) -> HttpResponse:
    """303: what was posted is done, and this is where to see it."""
    response = redirect(shown)
    response.status_code = 303
    return response


def redirect_back(request: HttpRequest, *, otherwise: Any) -> HttpResponse:
    """303 to the list that the form was on, if it names one of this site."""
    back = request.POST.get("back", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect_to_see(back if is_ours else otherwise)
