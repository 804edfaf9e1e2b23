"""What the stock admin says, in the product's languages."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory
from django.utils import translation

from media_assets import actions
from media_assets.admin import stock_words
from media_assets.models import AuditEvent, Connector, Operation
from tests.factories import make_operation
from tools.environment import ROOT

RECORDED = re.compile(
    r"""["']((?:audit|batch|connector|group|handle|history|operation|person|upload)\.[a-z_]+)["']"""
)


def test_every_action_that_is_recorded_has_words():
    sources = [path.read_text() for path in (ROOT / "media_assets").rglob("*.py")]
    found = {action for text in sources for action in RECORDED.findall(text)}
    recorded = {action for action in found if not action.endswith((".html", ".css"))}
    assert recorded <= set(actions.ACTIONS)
    kinds = {action.partition(".")[0] for action in actions.ACTIONS}
    assert kinds == set(actions.SUBJECTS)


def test_the_audit_list_shows_words_with_the_code_beside_them(owner, client_for):
    event = AuditEvent.objects.record("upload.ready", by=None, on=make_operation())
    unknown = AuditEvent.objects.record("upload.mended", by=None)
    olga = client_for(owner)
    page = olga.get("/admin/media_assets/auditevent/").content.decode()
    assert 'Received a handle<br><small class="event-code">upload.ready</small>' in page
    assert '<small class="event-code">upload.mended</small>' in page
    one = olga.get(f"/admin/media_assets/auditevent/{event.pk}/change/").content.decode()
    assert "Object code" not in one
    assert unknown.action == "upload.mended"


@pytest.mark.parametrize("model", [Operation, Connector])
@pytest.mark.parametrize("language", ["es", "pt-br"])
def test_the_names_in_the_history_are_translated(owner, rf: RequestFactory, model, language):
    request = rf.get("/")
    request.user = owner
    with translation.override(None):
        form = admin.site._registry[model].get_form(request)
        labels = {
            str(field.label)
            for name, field in form.base_fields.items()
            if name in {each.name for each in model._meta.fields}
        }
    assert labels <= set(stock_words.FIELDS)
    entry = LogEntry(
        action_flag=2,
        change_message=f'[{{"changed": {{"fields": {list(labels)!r}}}}}]'.replace("'", '"'),
    )
    with translation.override(language):
        told = entry.get_change_message()
    words = {"es": "Nombre", "pt-br": "Nome"}
    assert words[language] in told
    assert not any(label in told for label in ("Name", "Calls at once", "Groups"))


def test_what_was_saved_is_told_without_a_gender(owner, client_for):
    olga = client_for(owner)
    name = make_operation().name
    operation = Operation.objects.get(name=name)
    page = olga.post(
        f"/admin/media_assets/operation/{operation.pk}/delete/",
        {"post": "yes"},
        follow=True,
        headers={"accept-language": "es"},
    ).content.decode()
    assert f"Se eliminó: operación “{name}”." in page
