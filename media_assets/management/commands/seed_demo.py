"""The demonstration's people, operations and connectors, all of them on the sandbox.

With --uploads also a year of history, as much of it as wanted.
"""

import json
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Q

from media_assets import crypto, roles, safe_start
from media_assets.management import seeding
from media_assets.models import AuditEvent, Connector, Operation
from media_assets.wolkvox.sandbox import Sandbox, state

ROLES = {
    "marketing": roles.MARKETING,
    "supervisor": roles.SUPERVISOR,
    "admin": roles.CONNECTOR_ADMIN,
    "owner": "Owner",
}
OPERATIONS = {"0042": "Tienda Andina", "0077": "Mercado do Sul"}
# The groups of an operation's WhatsApp lines in the order of the sandbox; the last line of the
# second operation has none, so that the admin shows what that means.
SALES, SERVICE = "Ventas", "Servicio al cliente"
GROUPS = {"0042": [[SALES], [SERVICE]], "0077": [[SALES], []]}
PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105  (what passwords are made of)


class Command(BaseCommand):
    help = "Fill a demonstration (DEMO=true) with people, operations and connectors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--state", default=settings.BASE_DIR / "var" / "sandbox.json")
        parser.add_argument(
            "--new-passwords", action="store_true", help="for all four people, and nothing else"
        )
        parser.add_argument("--json", action="store_true", help="print for programs, not people")
        parser.add_argument("--uploads", type=int, default=0, help="add so many finished uploads")
        parser.add_argument("--queued", type=int, default=0, help="and so many that wait")
        parser.add_argument(
            "--events", type=int, default=20_000, help="about so many audit events of the latest"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEMO and settings.SANDBOX):
            raise CommandError(
                "seed_demo fills a demonstration only: it needs DEMO=true, and a WOLKVOX_BASE_URL "
                "that points at the sandbox."
            )
        try:
            crypto.keyring()
            tokens = state.load_or_create(options["state"])
        except (crypto.KeyringError, OSError, ValueError) as problem:
            raise CommandError(str(problem)) from None
        with transaction.atomic():
            people = [
                {
                    "username": name,
                    "role": role,
                    "password": _person(name, role=role, renew=options["new_passwords"]),
                }
                for name, role in ROLES.items()
            ]
            if not options["new_passwords"]:
                _operations(tokens)
            if not AuditEvent.objects.filter(action=safe_start.FILLED).exists():
                AuditEvent.objects.record(safe_start.FILLED, by=None)
        self._fill(options)
        operations = [
            {"server": server, "token": token, "name": _name_on(server)}
            for server, token in tokens.items()
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"people": people, "operations": operations}))
            return
        for person in people:
            password = person["password"] or "(set earlier)"
            self.stdout.write(f"{person['username']:<12}{person['role']:<18}{password}")

    def _fill(self, options: dict[str, Any]) -> None:
        if options["new_passwords"] or options["uploads"] + options["queued"] == 0:
            return
        filled = seeding.fill(
            options["uploads"],
            queued=options["queued"],
            events=options["events"],
            say=self.stderr.write,
        )
        self.stderr.write(
            f"{filled.uploads:,} uploads in {filled.batches:,} batches, {filled.attempts:,} "
            f"attempts, {filled.events:,} audit events: {filled.seconds:.0f} s"
        )


def _person(username: str, *, role: str, renew: bool) -> str:
    """The new password, or "" when the person keeps the one they have."""
    person, is_new = User.objects.get_or_create(username=username)
    if is_new:
        person.is_superuser = username == "owner"
        person.groups.set(Group.objects.filter(name=role))
        if username == "marketing":
            for name in (SALES, SERVICE):
                person.groups.add(Group.objects.get_or_create(name=name)[0])
    password = _new_password() if is_new or renew else ""
    if password:
        person.set_password(password)
    person.save()
    return password


def _new_password() -> str:
    """Four groups of four characters that nobody mistakes for one another: 79 bits."""
    groups = ["".join(secrets.choice(PASSWORD_LETTERS) for _ in range(4)) for _ in range(4)]
    return "-".join(groups)


def _operations(tokens: dict[str, str]) -> None:
    for server, name in OPERATIONS.items():
        there = Operation.objects.filter(Q(server=server) | Q(name=name))
        if server in tokens and not there.exists():
            _operation(server, name=name, tokens=tokens)
    _restore_tokens(tokens)


def _operation(server: str, *, name: str, tokens: dict[str, str]) -> None:
    operation = Operation(name=name, server=server)
    operation.set_token(tokens[server])
    lines = Sandbox(operations=tokens, samples=False).operations[server].connectors
    whatsapp = [line for line in lines if line["channel"] == "whatsapp"]
    for line, groups in zip(whatsapp, GROUPS[server], strict=True):
        connector = Connector.objects.create(
            operation=operation, name=line["name"], connector_id=line["connector_id"]
        )
        connector.groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)


def _restore_tokens(tokens: dict[str, str]) -> None:
    """Seal anew what no longer opens: a token is bound to the sandbox's port, which may change."""
    for operation in Operation.objects.filter(server__in=tokens).exclude(sealed_token=""):
        try:
            operation.reveal_token()
        except crypto.Unopenable:
            operation.set_token(tokens[operation.server])


def _name_on(server: str) -> str:
    """What the first operation on this server is called; "" when there is none."""
    operation = Operation.objects.filter(server=server).order_by("pk").first()
    return operation.name if operation else ""
