"""The shell around every page: navigation, banners, error pages, policy, shared tags."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from media_assets.models import Status
from media_assets.templatetags.product import age, expiry, expiry_tone
from media_assets.views import errors
from media_assets.visitors import address_of
from tests.factories import make_upload

PAGES = ["overview", "handles", "history", "password_change"]
TEMPLATES = Path(settings.BASE_DIR) / "templates"
INLINE = re.compile(r"<[^>]+\s(?:style|on[a-z]+)=", re.IGNORECASE)
SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE)


@pytest.mark.parametrize("page", [*PAGES, "history_csv", "new_upload"])
def test_who_has_not_signed_in_is_sent_to_the_sign_in_page(page, client, db):
    response = client.get(reverse(page))

    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("page", PAGES)
def test_pages_need_no_inline_script_or_style(page, owner, client_for):
    make_upload()

    html = client_for(owner).get(reverse(page)).content.decode()

    assert not INLINE.search(html)
    assert not SCRIPT.search(html)


def test_the_content_security_policy_allows_nothing_unsafe(client, db):
    policy = client.get(reverse("login")).headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_marketing_is_offered_uploads_and_no_administration(marketing, client_for):
    html = client_for(marketing).get("/").content.decode()

    assert reverse("new_upload") in html
    assert reverse("admin:index") not in html


def test_a_supervisor_is_offered_the_administration_and_no_uploads(supervisor, client_for):
    html = client_for(supervisor).get("/").content.decode()

    assert reverse("new_upload") not in html
    assert reverse("admin:index") in html


def test_the_navigation_marks_where_one_is(marketing, client_for):
    html = client_for(marketing).get(reverse("handles")).content.decode()

    assert re.search(r'href="/handles/" aria-current="page"', html)
    assert not re.search(r'href="/history/" aria-current', html)


def test_the_sandbox_is_labelled_on_every_page(client, db, settings):
    assert "handles from here are imitations" in _english(client, reverse("login"))

    settings.SANDBOX = False

    assert "handles from here are imitations" not in _english(client, reverse("login"))


def test_a_demonstration_says_so(client, db, settings):
    settings.DEMO = True

    assert "made up" in _english(client, reverse("login"))


def test_the_language_menu_changes_the_language_and_returns(client, db):
    response = client.post(
        reverse("set_language"), {"language": "pt-br", "next": reverse("login")}, follow=True
    )

    assert response.redirect_chain == [(reverse("login"), 302)]
    assert '<html lang="pt-br"' in response.content.decode()


def test_an_unknown_address_gets_the_products_own_page(client, db):
    response = client.get("/nowhere/", headers={"accept-language": "en"})

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


@pytest.mark.parametrize(
    ("view", "error", "status"),
    [
        (errors.bad_request, SuspiciousOperation(), 400),
        (errors.permission_denied, PermissionDenied(), 403),
    ],
)
def test_refusals_have_the_products_look_even_before_anybody_is_known(view, error, status):
    response = view(RequestFactory().get("/somewhere/"), error)

    assert response.status_code == status
    assert "topbar" in response.content.decode()


def test_a_server_error_needs_neither_context_nor_database():
    response = errors.server_error(RequestFactory().get("/"))

    assert response.status_code == 500
    assert "Something broke here" in response.content.decode()


def test_an_expired_form_says_what_to_do(db):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})

    response = client.post(reverse("login"), {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert "reload the page, and send it again" in response.content.decode()


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = (TEMPLATES / "_icons.html").read_text()
    known = set(re.findall(r'id="icon-([a-z0-9-]+)"', sprite))
    used = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(
            r'{% icon "([a-z0-9-]+)"|_empty.html" with name="([a-z0-9-]+)"', path.read_text()
        )
        for name in name
        if name
    }

    assert used <= known


@pytest.mark.parametrize(
    ("left", "sentence", "tone"),
    [
        (timedelta(days=3, hours=5), "expires in 3 days (estimated)", "expiry-live"),
        (timedelta(days=1, hours=5), "expires in 1 day (estimated)", "expiry-live"),
        (timedelta(hours=2, minutes=5), "expires in 2 hours (estimated)", "expiry-soon"),
        (timedelta(seconds=50), "expires in 1 minute (estimated)", "expiry-soon"),
        (timedelta(minutes=-5, seconds=-20), "expired 5 minutes ago (estimated)", "expiry-over"),
        (timedelta(hours=-3, minutes=-5), "expired 3 hours ago (estimated)", "expiry-over"),
        (timedelta(days=-2, hours=-1), "expired 2 days ago (estimated)", "expiry-over"),
    ],
)
def test_expiry_is_told_in_words_and_as_an_estimate(left, sentence, tone, db):
    upload = make_upload(handle_expires_at=timezone.now() + left)

    assert expiry(upload) == sentence
    assert expiry_tone(upload) == tone


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "just now"), (50, "just now"), (70, "1\xa0minute ago")]
)
def test_what_has_just_been_is_not_0_minutes_ago(seconds, words):
    assert age(timezone.now() - timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, "198.51.100.9", "192.0.2.7"),
        (True, "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        (True, "198.51.100.9, 2001:db8::1", "2001:db8::1"),
        (True, "198.51.100.9, nonsense", "192.0.2.7"),
        (True, "fe80::1%eth0", "192.0.2.7"),
        (True, "", "192.0.2.7"),
    ],
)
def test_the_address_of_a_visitor_is_the_one_that_our_own_proxy_saw(
    behind_proxy, forwarded, address, settings
):
    settings.BEHIND_PROXY = behind_proxy
    headers = {"x-forwarded-for": forwarded}
    assert (
        address_of(RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", headers=headers)) == address
    )


def test_a_handle_without_a_readable_expiry_says_so(db):
    assert expiry(make_upload(handle="opaque", handle_expires_at=None)) == "expiry unknown"


def test_what_has_no_handle_has_no_expiry(db):
    assert expiry(make_upload(status=Status.FAILED)) == ""


def test_a_picture_of_a_listed_host_is_shown_over_its_icon(db):
    html = _render("{% thumbnail upload %}", upload=make_upload())

    assert 'referrerpolicy="no-referrer"' in html
    assert 'href="#icon-photo"' in html


@pytest.mark.parametrize(
    "file_url",
    ["https://files.example.com/a.jpg", "https://storage.googleapis.com/wvox-demo/a.mp4"],
)
def test_nothing_else_is_loaded_for_a_thumbnail(file_url, db):
    html = _render("{% thumbnail upload %}", upload=make_upload(file_url=file_url))

    assert "<img" not in html
    assert "<svg" in html


def test_a_state_is_told_in_words_and_not_by_colour_alone(db):
    html = _render("{% status_badge upload %}", upload=make_upload(status=Status.FAILED))

    assert "Failed" in html
    assert "icon-alert-triangle" in html


def _render(text: str, **context: object) -> str:
    return Template("{% load product %}" + text).render(Context(context))


def _english(client: Client, path: str) -> str:
    return client.get(path, headers={"accept-language": "en"}).content.decode()
