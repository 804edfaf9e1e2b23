"""The admin's lists answer questions about what they show, and about nothing else."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse

from media_assets.admin.lists import OfferedFilters
from media_assets.models import AuditEvent, Operation
from tests.factories import make_connector, make_operation, make_upload

SECRETS: set[Any] = {
    Operation._meta.get_field("sealed_token"),
    Operation._meta.get_field("token_fingerprint"),
    User._meta.get_field("password"),
}
LOOKUPS = ["", "__startswith", "__regex", "__gt", "__isnull", "__in", "__length__gt"]
MODELS = [model for model, _admin in admin.site._registry.items()]
DEEPEST = 3

pytestmark = pytest.mark.django_db


def ways_to_secrets(model: type[Model], *, before: str = "", depth: int = 0) -> list[str]:
    """Every way along relations, forth and back, from a model to a column nobody may read."""
    found = []
    for field in model._meta.get_fields():
        if field in SECRETS:
            found.append(before + field.name)
        elif field.is_relation and field.related_model and depth < DEEPEST:
            target = field.related_model
            assert isinstance(target, type)
            found += ways_to_secrets(target, before=f"{before}{field.name}__", depth=depth + 1)
    return found


WAYS = [(model, way) for model in MODELS for way in ways_to_secrets(model)]


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_the_ways_to_secrets_are_found():
    named = {(model.__name__, way) for model, way in WAYS}

    assert ("Operation", "sealed_token") in named
    assert ("Connector", "operation__sealed_token") in named
    assert ("User", "password") in named
    assert ("Group", "user__password") in named
    assert ("Group", "connectors__operation__token_fingerprint") in named
    assert len(named) > 40


def test_no_list_is_filtered_by_a_column_that_nobody_may_read(client_for, owner):
    make_connector(make_operation(token="a-token-to-look-for"))
    browser = client_for(owner)

    answers = {
        (model.__name__, way + lookup): browser.get(list_of(model), {way + lookup: "1"}).status_code
        for model, way in WAYS
        for lookup in (LOOKUPS if way.count("__") < 2 else LOOKUPS[:2])
    }

    assert {key: status for key, status in answers.items() if status != 400} == {}


@pytest.mark.parametrize("begins_so", [True, False])
def test_a_supervisor_cannot_read_a_sealed_token_letter_by_letter(
    client_for, supervisor, begins_so
):
    operation = make_operation(token="a-token-to-look-for")
    first = operation.sealed_token[0] if begins_so else "~"

    response = client_for(supervisor).get(list_of(Operation), {"sealed_token__startswith": first})

    assert response.status_code == 400
    assert operation.name not in response.content.decode()


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Operation, "name__startswith"),
        (Operation, "pk__gt"),
        (Operation, "connectors__upload__handle__startswith"),
        (AuditEvent, "data__icontains"),
        (AuditEvent, "digest__startswith"),
        (User, "email__contains"),
        (User, "nothing_of_that_name"),
    ],
)
def test_what_a_list_does_not_offer_does_not_filter_it(client_for, owner, model, lookup):
    assert client_for(owner).get(list_of(model), {lookup: "1"}).status_code == 400


@pytest.mark.parametrize("model", MODELS)
def test_every_filter_that_a_list_offers_works(client_for, owner, model):
    make_upload()
    AuditEvent.objects.record("person.signed_in", by=owner, on=owner)
    browser = client_for(owner)
    page = browser.get(list_of(model)).content.decode()
    aside = page[page.find('id="changelist-filter"') :] if "changelist-filter" in page else ""

    offered = [unescape(link) for link in re.findall(r'href="(\?[^"]+)"', aside)]

    assert bool(offered) == bool(admin.site._registry[model].list_filter)
    assert {
        link: browser.get(list_of(model) + link).status_code for link in offered
    } == dict.fromkeys(offered, 200)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_is_one_of_ours(model, rf, owner):
    request = rf.get("/")
    request.user = owner

    assert issubclass(admin.site._registry[model].get_changelist(request), OfferedFilters)


@pytest.mark.parametrize("model", MODELS)
def test_no_list_is_put_in_the_order_of_a_secret(model, owner):
    model_admin = admin.site._registry[model]
    orders: set[str] = set()
    for place in range(-12, 13):
        request = RequestFactory().get("/", {"o": str(place)})
        request.user = owner
        orders.update(
            map(str, model_admin.get_changelist_instance(request).queryset.query.order_by)
        )

    assert orders
    secret = {field.name for field in SECRETS}
    assert not [order for order in orders if secret & set(re.split("[-_]{2}|-", order))]


@pytest.mark.parametrize("model", MODELS)
def test_no_search_looks_into_a_secret(model):
    searched = {path.lstrip("^=@") for path in admin.site._registry[model].search_fields}

    assert not searched & {way for found, way in WAYS if found is model}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "column", ["sealed_token", "token_fingerprint", "password", "code", "digest"]
)
def test_no_row_is_named_by_another_column(client_for, owner, model, column):
    browser = client_for(owner)
    change = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=["1"])

    for url in (list_of(model), change):
        assert browser.get(url, {"_to_field": column, "_popup": "1"}).status_code in {400, 404}


@pytest.mark.parametrize(("model", "field"), [("connector", "operation"), ("upload", "operation")])
@pytest.mark.parametrize("term", ["", "v1", "a"])
def test_the_autocomplete_finds_operations_by_what_is_shown(
    client_for, supervisor, model, field, term
):
    operation = make_operation(name="Tienda", server="0042", token="57d1a9" * 8 + "f00d")
    query = {"app_label": "media_assets", "model_name": model, "field_name": field, "term": term}

    found = client_for(supervisor).get(reverse("admin:autocomplete"), query).json()["results"]

    names = {one["text"] for one in found}
    assert names == ({operation.name} if term in {"", "a"} else set())
