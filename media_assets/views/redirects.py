"""Where a page leads when its work is done."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect


def redirect_to_see(shown: Any) -> HttpResponse:
    """303: what was posted is done, and this is where to see it."""
    response = redirect(shown)
    response.status_code = 303
    return response
