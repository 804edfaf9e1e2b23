"""`manage.py invite`: the first owner, and whoever has lost every way in."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from media_assets import roles
from media_assets.models import AuditEvent, Invitation
from tests.people import ENGLISH, give_app

pytestmark = pytest.mark.django_db
NEW = "correct horse battery staple"


def invite(capsys, *arguments):
    call_command("invite", *arguments)
    return capsys.readouterr().out.strip()


def test_the_first_owner_comes_in_by_the_printed_link(capsys):
    link = invite(capsys, "ona@example.org", "--role", "owner", "--origin", "http://testserver")

    visitor = Client(headers=ENGLISH)
    visitor.get(link)
    typed = {"username": "ona", "password1": NEW, "password2": NEW}
    visitor.post(reverse("invitation"), typed)

    ona = User.objects.get(username="ona")
    assert (ona.is_superuser, ona.is_active) == (True, True)
    assert visitor.get("/admin/auth/user/").status_code == 200
    events = AuditEvent.objects.filter(actor_name="server").order_by("id")
    assert [event.action for event in events] == ["person.created", "person.invited"]


def test_somebody_who_is_there_gets_a_link_and_loses_lost_factors(marketing, capsys):
    give_app(marketing)

    link = invite(capsys, "marta", "--remove-factors")

    assert link.startswith("http://testserver/account/invitation/")
    assert Invitation.objects.get().person == marketing
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.filter(action="person.second_factor_removed").count() == 1
    assert roles.role_of(marketing) == roles.MARKETING


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nadia"], "no email address"),
        (["nadia@example.org"], "needs a role"),
        (["marta"], "is disabled"),
        (["marta", "--role", "owner"], "is there already"),
    ],
)
def test_what_does_not_do_is_said_and_nothing_is_made(arguments, sentence, marketing):
    marketing.is_active = False
    marketing.save()

    with pytest.raises(CommandError, match=sentence):
        call_command("invite", *arguments)
    assert not Invitation.objects.exists()
    assert User.objects.count() == 1


def test_where_the_product_is_reached_has_to_be_known(marketing, settings):
    settings.ALLOWED_HOSTS = ["*", ".example.org"]

    with pytest.raises(CommandError, match="--origin"):
        call_command("invite", "marta")
