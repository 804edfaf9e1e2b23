"""Saved views: one's own filters under a name, and what is suggested before there are any."""

import html
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from media_assets.models import NameTaken, SavedView, Status, TooManyViews
from tests.factories import make_connector, make_upload, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta(client_for, marketing):
    return client_for(marketing)


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def save(browser, name, query, page="history"):
    return browser.post(reverse("save_view", args=[page]), {"name": name, "query": query})


def said(browser, response):
    assert response.status_code == 303
    page = text_of(browser.get(response.headers["location"]))
    return re.findall(r'alert note note-\w+">.*?<span class="note-text">(.*?)</span>', page)


def links(response):
    """The views that a list shows: names, addresses, and which is the current one."""
    nav = re.search(r'<nav class="views".*?</nav>', text_of(response))
    if nav is None:
        return []
    found = re.findall(r'<a class="chip" href="([^"]+)"( aria-current="page")?>(.*?)</a>', nav[0])
    strip = re.compile(r"<svg.*?</svg>")
    return [(strip.sub("", name).strip(), url, bool(now)) for url, now, name in found]


def test_the_filters_in_force_can_be_saved_and_come_back_as_a_link(marta):
    query = "q=verano&state=failed"
    shown = text_of(marta.get(f"{reverse('history')}?{query}"))
    assert f'<input type="hidden" name="query" value="{query}">' in shown

    response = save(marta, "Fallos de verano", query)

    assert response.headers["location"] == f"{reverse('history')}?{query}"
    assert said(marta, response) == ["The view “Fallos de verano” is saved."]
    view = ("Fallos de verano", f"/history/?{query}", True)
    assert links(marta.get(f"{reverse('history')}?state=failed&q=verano")) == [view]
    assert links(marta.get(reverse("history"))) == [(*view[:2], False)]
    assert "Save this view" not in text_of(marta.get(f"{reverse('history')}?{query}"))


def test_without_filters_there_is_nothing_to_save(marta):
    assert "Save this view" not in text_of(marta.get(reverse("history")))
    save(marta, "Nada", "")
    save(marta, "Nada", "after=1.1&page=3")
    assert not SavedView.objects.exists()


def test_only_filters_are_saved_and_no_place_in_the_list(marta):
    save(marta, "Fallos", "state=failed&after=1.1&next=//evil.test&q=")
    assert SavedView.objects.get().query == "state=failed"


def test_what_cannot_be_saved_stays_in_the_list(marta):
    response = save(marta, "Nada", "state=ready&connector=abc&after=1.1")

    assert response.url == f"{reverse('history')}?connector=abc&state=ready"


@pytest.mark.parametrize("query", ["state=lost", "since=yesterday", "q=" + "x" * 8000])
def test_filters_with_a_value_that_does_not_exist_are_not_saved(marta, query):
    response = save(marta, "Nada", query)
    assert said(marta, response) == ["These filters cannot be saved: a value does not exist."]
    assert not SavedView.objects.exists()


def test_a_view_stays_when_what_it_names_is_gone(marta):
    connector = make_connector(name="Ventas")
    make_upload(connector)
    query = f"connector={connector.code}"
    save(marta, "Ventas", query)
    connector.groups.clear()

    response = marta.get(f"{reverse('history')}?{query}")

    assert response.status_code == 200
    assert links(response) == [("Ventas", f"/history/?{query}", True)]
    assert "Nothing fits these filters" in text_of(response)


def test_each_list_has_views_of_its_own(marta):
    save(marta, "De video", "format=VIDEO", page="handles")
    assert links(marta.get(reverse("handles"))) == [
        ("De video", "/handles/?format=VIDEO", False),
    ]
    assert "De video" not in text_of(marta.get(reverse("history")))


def test_the_audit_list_has_views_for_those_who_may_read_it(client_for, supervisor, marta):
    browser = client_for(supervisor)
    save(browser, "De Marta", "person=sofia", page="audit")
    save(browser, "Nada", "person=nobody", page="audit")
    assert SavedView.objects.count() == 0  # neither has done anything yet
    save(browser, "De un lote", "q=lote&after=1.1", page="audit")
    assert links(browser.get(reverse("audit"))) == [("De un lote", "/audit/?q=lote", False)]
    assert browser.get(reverse("saved_views", args=["audit"])).status_code == 200

    assert save(marta, "Otra", "q=lote", page="audit").status_code == 404
    assert marta.get(reverse("saved_views", args=["audit"])).status_code == 404


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "\u202e"])
def test_a_name_is_needed_and_not_too_long(marta, name):
    response = save(marta, name, "state=failed")
    assert len(said(marta, response)) == 1
    assert not SavedView.objects.exists()


def test_a_name_stands_for_one_view(marta):
    save(marta, "Fallos", "state=failed")
    again = save(marta, "Fallos", "state=failed")
    assert said(marta, again)[-1] == "The view “Fallos” is saved."
    other = save(marta, "Fallos", "state=ready")
    assert said(marta, other) == ["You have another view of this name."]
    assert SavedView.objects.get().query == "state=failed"
    save(marta, "Fallos", "format=VIDEO", page="handles")
    assert SavedView.objects.count() == 2


def test_a_name_is_shown_as_it_was_typed_and_is_no_html(marta):
    save(marta, "<b>Año & mes</b>", "state=failed")
    page = marta.get(reverse("history")).content.decode()
    assert "&lt;b&gt;Año &amp; mes&lt;/b&gt;" in page


def test_fifty_are_enough(marta, marketing):
    for number in range(SavedView.MOST):
        SavedView.objects.keep(marketing, page="history", name=f"{number}", query=f"q={number}")
    response = save(marta, "51", "state=failed")
    assert said(marta, response) == [
        "You have 50 views of this list, more are not possible. Delete one first."
    ]
    with pytest.raises(TooManyViews):
        SavedView.objects.keep(marketing, page="history", name="51", query="q=51")
    assert SavedView.objects.keep(marketing, page="handles", name="1", query="q=1")


# Whose


def test_nobody_sees_the_views_of_others(marta, client_for, supervisor):
    save(marta, "De Marta", "state=failed")
    browser = client_for(supervisor)
    for url in (reverse("history"), reverse("saved_views", args=["history"])):
        assert "De Marta" not in text_of(browser.get(url))


@pytest.mark.parametrize("name", ["rename_view", "delete_view"])
@pytest.mark.parametrize("who", ["stranger", "supervisor", "connector_admin", "owner"])
def test_the_views_of_others_do_not_exist(request, marta, client_for, name, who):
    save(marta, "De Marta", "state=failed")
    view = SavedView.objects.get()
    browser = client_for(request.getfixturevalue(who))

    assert browser.post(reverse(name, args=[view.code]), {"name": "Mine"}).status_code == 404
    assert browser.post(reverse(name, args=[uuid.uuid4()]), {"name": "Mine"}).status_code == 404
    view.refresh_from_db()
    assert view.name == "De Marta"


@pytest.mark.parametrize("page", ["nowhere", "overview"])
def test_there_are_views_of_lists_only(marta, page):
    assert save(marta, "Otra", "q=x", page=page).status_code == 404
    assert marta.get(reverse("saved_views", args=[page])).status_code == 404


def test_a_link_changes_nothing(marta):
    save(marta, "Fallos", "state=failed")
    view = SavedView.objects.get()
    for url in (
        reverse("save_view", args=["history"]),
        reverse("rename_view", args=[view.code]),
        reverse("delete_view", args=[view.code]),
    ):
        assert marta.get(url).status_code == 405
    assert SavedView.objects.get().name == "Fallos"


def test_nobody_is_let_in_without_signing_in(client, marta):
    save(marta, "Fallos", "state=failed")
    code = SavedView.objects.get().code
    for url in (
        reverse("save_view", args=["history"]),
        reverse("rename_view", args=[code]),
        reverse("delete_view", args=[code]),
        reverse("saved_views", args=["history"]),
    ):
        assert client.post(url).headers["location"].startswith(reverse("login"))


def test_another_site_cannot_post_it(marketing):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(marketing)
    assert save(browser, "Fallos", "state=failed").status_code == 403


def test_they_go_with_their_person(marta, marketing):
    save(marta, "Fallos", "state=failed")
    marketing.delete()
    assert not SavedView.objects.exists()


# Keeping them in order


def test_a_view_can_be_renamed_and_deleted(marta):
    save(marta, "Fallos", "state=failed")
    view = SavedView.objects.get()
    page = text_of(marta.get(reverse("saved_views", args=["history"])))
    assert reverse("rename_view", args=[view.code]) in page

    response = marta.post(reverse("rename_view", args=[view.code]), {"name": "Errores"})
    assert said(marta, response) == ["The view is called “Errores” now."]
    assert links(marta.get(reverse("history")))[0][0] == "Errores"

    response = marta.post(reverse("delete_view", args=[view.code]))
    assert said(marta, response) == ["The view “Errores” is deleted."]
    assert not SavedView.objects.exists()
    assert "No saved views" in text_of(marta.get(reverse("saved_views", args=["history"])))


def test_a_view_does_not_get_the_name_of_another(marta):
    save(marta, "Fallos", "state=failed")
    save(marta, "Listos", "state=ready")
    view = SavedView.objects.get(name="Listos")

    response = marta.post(reverse("rename_view", args=[view.code]), {"name": "Fallos"})

    assert said(marta, response)[-1] == "You have another view of this name."
    view.refresh_from_db()
    assert view.name == "Listos"
    same = marta.post(reverse("rename_view", args=[view.code]), {"name": "Listos"})
    assert said(marta, same)[-1] == "The view is called “Listos” now."
    empty = marta.post(reverse("rename_view", args=[view.code]), {"name": ""})
    assert len(said(marta, empty)) == 1


# Before there are any


def test_views_are_suggested_until_somebody_has_saved_one(marta):
    assert links(marta.get(reverse("history"))) == [
        ("Failed this week", "/history/?state=failed&period=week", False),
        ("Expiring within 24 hours", "/handles/?expiring=soon", False),
        ("Mine", "/history/?person=marta", False),
    ]
    assert links(marta.get(f"{reverse('handles')}?mine=on"))[-1] == (
        "Mine",
        "/handles/?mine=on",
        True,
    )
    save(marta, "Fallos", "state=failed")
    assert [name for name, *_rest in links(marta.get(reverse("history")))] == ["Fallos"]


def test_what_is_suggested_finds_what_it_says(marta, marketing):
    make_upload(make_connector(), marketing, Status.FAILED, label="mine")
    make_upload(label="of a colleague")
    for name, url, _current in links(marta.get(reverse("history"))):
        found = {upload.label for upload in marta.get(url).context["page"]}
        assert found == ({"mine"} if name in {"Mine", "Failed this week"} else set())


def test_what_is_suggested_to_a_newcomer_is_an_empty_list_and_no_error(marta):
    for _name, url, _current in links(marta.get(reverse("history"))):
        page = marta.get(url)
        assert page.context["filters"].is_valid()
        assert len(page.context["page"]) == 0


def test_who_submits_nothing_has_nothing_of_their_own(client_for, supervisor):
    names = [name for name, *_rest in links(client_for(supervisor).get(reverse("history")))]
    assert names == ["Failed this week", "Expiring within 24 hours"]


# At once


@pytest.mark.django_db(transaction=True)
def test_two_that_are_saved_at_once_are_not_one_too_many():
    person = make_user("Owner")
    for number in range(SavedView.MOST - 1):
        SavedView.objects.keep(person, page="history", name=f"{number}", query=f"q={number}")

    def keep(name):
        try:
            return SavedView.objects.keep(person, page="history", name=name, query=f"q={name}").name
        except (TooManyViews, NameTaken):
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        kept = [name for name in pool.map(keep, "abcd") if name]

    assert len(kept) == 1
    assert SavedView.objects.count() == SavedView.MOST
