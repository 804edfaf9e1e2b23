"""Whose address is kept behind proxies: never one that the visitor has made up."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from media_assets.models import AuditEvent
from media_assets.visitors import address_of
from tests.factories import PASSWORD

VISITOR, CDN, PROXY = "198.51.100.7", "203.0.113.9", "10.0.0.2"
FORGED = "1.2.3.4"


def address(forwarded: str, *, nearest: str = PROXY) -> str | None:
    headers = {"x-forwarded-for": forwarded}
    return address_of(RequestFactory().get("/", REMOTE_ADDR=nearest, headers=headers))


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.BEHIND_PROXY = True
    settings.TRUSTED_PROXIES = 1
    return settings


@pytest.mark.parametrize("forged", ["", f"{FORGED}, ", f"{FORGED}, 127.0.0.1, ::1, ", ",,,", "x, "])
def test_a_forged_chain_before_one_proxy_changes_nothing(forged):
    assert address(f"{forged}{VISITOR}") == VISITOR


@pytest.mark.parametrize("forged", ["", f"{FORGED}, ", f"{FORGED}, {VISITOR}, {CDN}, ", "x, y, z,"])
def test_a_forged_chain_before_two_proxies_changes_nothing(forged, proxies):
    proxies.TRUSTED_PROXIES = 2
    assert address(f"{forged}{VISITOR}, {CDN}") == VISITOR


def test_who_reaches_an_inner_proxy_directly_is_known_by_what_it_appended(proxies):
    proxies.TRUSTED_PROXIES = 3
    assert address(f"{VISITOR}, {CDN}") == VISITOR
    assert address(VISITOR) == VISITOR


def test_without_a_proxy_the_header_is_not_read(proxies):
    proxies.BEHIND_PROXY = False
    assert address(FORGED, nearest=VISITOR) == VISITOR


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("198.51.100.7:51234", VISITOR),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:198.51.100.7", VISITOR),
        (f"  {VISITOR}\t", VISITOR),
    ],
)
def test_an_address_is_kept_in_one_form(written, kept):
    assert address(written) == kept


GARBAGE = [
    "",
    "unknown",
    "_hidden",
    "localhost",
    "999.1.1.1",
    "1.2.3",
    "01.2.3.4",
    "0x7f000001",
    "2130706433",
    "fe80::1%eth0",
    "fe80::1%' OR 1=1 --",
    "1.2.3.4'; DROP TABLE media_assets_auditevent; --",
    "<script>alert(1)</script>",
    "1.2.3.4\x00",
    "１.２.３.４",
    "[::1",
    "::1]:80",
    "1.2.3.4:999999",
    "1.2.3.4/8",
    "1" * 10_000,
    "[" * 10_000,
    ":" * 10_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_address_is_not_kept_and_the_nearest_one_is(garbage):
    assert address(garbage) == PROXY
    assert address(garbage, nearest="") is None


@pytest.mark.parametrize("garbage", ["unknown", "1.2.3.4'; DROP TABLE x; --", "9" * 5_000])
def test_the_audit_list_keeps_an_address_or_nothing(garbage, marketing):
    visitor = Client(headers={"x-forwarded-for": garbage}, REMOTE_ADDR="")
    answer = visitor.post(reverse("login"), {"username": "marta", "password": PASSWORD})

    assert answer.status_code == 302
    assert AuditEvent.objects.get(action="person.signed_in").address is None
