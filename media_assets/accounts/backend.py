"""Who a name and a password belong to."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User
from django.http import HttpRequest


class Backend(AuthenticationBackend):  # type: ignore[misc]  # django-allauth has no types
    """Names in any case, but two that differ in nothing else stay two people."""

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        username = credentials.get("username") or ""
        person = User.objects.filter(username=username).first()
        if person is None:
            found: User | None = super()._authenticate(request, **credentials)
            return found
        checked: User | None = self._check_password(person, credentials.get("password") or "")
        return checked
