"""Every address of the product, made from the URL configuration and values for its parameters.

A new address with a parameter for which there is no value here is an error: add its values to
`parameters_of`, under the beginning of its route.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from media_assets.models import (
    AuditEvent,
    Batch,
    Connector,
    ListPage,
    Operation,
    PersonSession,
    SavedView,
    Upload,
)
from media_assets.submission import Action

MOST_VALUES = 2
_PARAMETER = re.compile(r"<(?:\w+:)?(?P<path>\w+)>|\(\?P<(?P<regex>\w+)>[^()]*\)")

Values = Mapping[str, Sequence[object]]


class NoValue(Exception):
    """A parameter of an address has no values."""


def parameters_of() -> dict[str, Values]:
    """Values of parameters, by how a route begins; the longest beginning counts."""
    return {
        "batches/": {"code": _some(Batch, "code")},
        "uploads/": {"code": _some(Upload, "code")},
        "bulk/": {"page": ["history", "handles"], "action": [*Action]},
        "saved-views/": {"code": _some(SavedView, "code"), "page": list(ListPage)},
        "account/invitation/": {"token": ["0" * 43]},
        "account/sessions/": {"code": _some(PersonSession, "code")},
        "account/second-factor/webauthn/keys/": {"pk": [1]},
        "account/oidc/": {"provider_id": ["oidc"]},
        "admin/media_assets/operation/": {"pk": _some(Operation), "object_id": _some(Operation)},
        "admin/media_assets/connector/": {"object_id": _some(Connector)},
        "admin/media_assets/auditevent/": {"object_id": _some(AuditEvent)},
        "admin/auth/user/": {"object_id": _some(User), "pk": _some(User)},
        "admin/auth/group/": {"object_id": _some(Group)},
        "admin/r/": {
            "content_type_id": [ContentType.objects.get_for_model(Upload).pk],
            "object_id": _some(Upload),
        },
        "admin/": {"app_label": ["media_assets", "auth"], "url": ["nowhere/"]},
    }


def addresses(parameters: Mapping[str, Values]) -> list[str]:
    """Every address with each combination of its values. Raises NoValue."""
    found = {
        address
        for route in routes(get_resolver().url_patterns)
        for address in _filled(route, parameters)
    }
    return sorted(found)


def routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def _filled(route: str, parameters: Mapping[str, Values]) -> Iterator[str]:
    names = [found["path"] or found["regex"] for found in _PARAMETER.finditer(route)]
    beginnings = sorted(filter(route.startswith, parameters), key=len)
    known = parameters[beginnings[-1]] if beginnings else {}
    missing = [name for name in names if not known.get(name)]
    if missing:
        raise NoValue(f"{route!r}: no values for {', '.join(missing)} in tests/security/crawling")
    for values in itertools.product(*(known[name][:MOST_VALUES] for name in names)):
        yield "/" + _with(values, route)


def _with(values: Iterable[object], route: str) -> str:
    left = iter(values)
    return _PARAMETER.sub(lambda _: str(next(left)), route).removesuffix("$")


def _some(model: type, field: str = "pk") -> list[object]:
    """The first and the last there are."""
    rows = model._default_manager.order_by("pk").values_list(field, flat=True)  # type: ignore[attr-defined]
    found = list(rows)
    return list(dict.fromkeys([*found[:1], *found[-1:]]))
