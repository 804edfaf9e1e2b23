"""`manage.py invite`: a link for the first owner, or for one who has lost every way in."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from media_assets import roles
from media_assets.accounts import invitations
from media_assets.models import AuditEvent
from media_assets.retention import Server


class Command(BaseCommand):
    help = "Print a link by which a person comes in: somebody new, or somebody who is locked out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help="an email address, or a username that is there already")
        parser.add_argument("--role", choices=sorted(roles.BY_SLUG), help="of somebody new")
        parser.add_argument(
            "--origin",
            default="",
            help="where the product is reached, as https://media.example.org",
        )
        parser.add_argument(
            "--remove-factors", action="store_true", help="also the second factors of a lost phone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        who, role = options["who"], options["role"]
        origin = options["origin"] or _origin()
        there = User.objects.filter(Q(username__iexact=who) | Q(email__iexact=who))
        if len(there) > 1:
            raise CommandError(f"Several people are called {who}: give the username of one.")
        if there and role:
            raise CommandError(
                f"{there[0]} is there already, and --role is for somebody new: leave it out for a "
                "link, and change the role in the administration."
            )
        with transaction.atomic():
            person = there[0] if there else _made(who, role=role)
            if not invitations.may_have_link(person):
                raise CommandError(f"{person} is disabled. An owner has to enable them first.")
            if options["remove_factors"]:
                _remove_factors(person)
            link = invitations.make_link(person, by=Server(), origin=origin)
        self.stdout.write(link.url)
        mailed = f", and was mailed to {link.email}" if link.mailed else ""
        self.stderr.write(
            f"For {person}. It can be used once, until {link.expires_at:%Y-%m-%d %H:%M %Z}{mailed}."
        )


def _made(email: str, *, role: str | None) -> User:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"Nobody is called {email}, and it is no email address.") from None
    if role is None:
        raise CommandError("Somebody new needs a role: add --role owner, or another one.")
    person = invitations.new_person(email, role=roles.BY_SLUG[role])
    person.save()
    roles.give(person, roles.BY_SLUG[role])
    AuditEvent.objects.record("person.created", by=Server(), on=person, role=roles.BY_SLUG[role])
    return person


def _remove_factors(person: User) -> None:
    factors = person.authenticator_set.all()  # type: ignore[attr-defined]  # django-allauth's table
    kinds = sorted(factors.values_list("type", flat=True))
    factors.delete()
    if kinds:
        AuditEvent.objects.record(
            "person.second_factor_removed", by=Server(), on=person, kinds=kinds
        )


def _origin() -> str:
    """The first name of ALLOWED_HOSTS that is one."""
    named = [host for host in settings.ALLOWED_HOSTS if host.strip("*.") == host and host]
    if not named:
        raise CommandError("ALLOWED_HOSTS names no host: say where with --origin https://…")
    return f"{'https' if settings.HTTPS else 'http'}://{named[0]}"
