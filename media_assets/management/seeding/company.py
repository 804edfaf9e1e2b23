"""Who works where: operations, their WhatsApp lines, teams and people."""

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from django.contrib.auth.models import Group, User

from media_assets import roles
from media_assets.management.seeding import texts
from media_assets.models import Connector, Operation

PEOPLE = 25
FIRST_SERVER = 301
FIRST_CONNECTOR_ID = 4100
QUIET = "4099"  # the connector of the one who has only just begun
BEGINNER = 200  # times less than a colleague


@dataclass(frozen=True)
class Colleague:
    """Somebody who submits, with the connectors they may use and how much falls to each."""

    person: User
    connectors: Sequence[Connector]
    weights: Sequence[float]


@dataclass(frozen=True)
class Company:
    """Who submits, and the running sums of how much."""

    colleagues: Sequence[Colleague]
    shares: Sequence[float]

    def somebody(self, rng: random.Random) -> tuple[User, Connector]:
        """A person and a connector that they may use, both as likely as they are busy."""
        (one,) = rng.choices(self.colleagues, cum_weights=self.shares)
        (connector,) = rng.choices(one.connectors, cum_weights=one.weights)
        return one.person, connector


def make_company(rng: random.Random) -> Company:
    """Add what is missing of twelve operations and 25 people; whoever is there submits, too."""
    _operations(rng)
    _people(rng)
    marketing = User.objects.filter(groups__name=roles.MARKETING).order_by("pk")
    colleagues = [one for person in marketing if (one := _colleague(person)) is not None]
    busy = _weights(len(colleagues))
    for place, one in enumerate(colleagues):
        if [connector.connector_id for connector in one.connectors] == [QUIET]:
            busy[place] /= BEGINNER
    return Company(colleagues, list(accumulate(busy)))


def _colleague(person: User) -> Colleague | None:
    connectors = list(roles.connectors_usable_by(person).order_by("pk"))
    weights = list(accumulate(_weights(len(connectors))))
    return Colleague(person, connectors, weights) if connectors else None


def _weights(count: int) -> list[float]:
    """A few are busy, many are not (Zipf)."""
    return [1 / (place + 1) ** 0.8 for place in range(count)]


def _operations(rng: random.Random) -> None:
    """Those of the seed have no token, so nothing of theirs is ever sent."""
    teams = [Group.objects.get_or_create(name=name)[0] for name in texts.TEAMS]
    for place, name in enumerate(texts.OPERATIONS):
        operation, _is_new = Operation.objects.get_or_create(
            name=name, defaults={"server": f"{FIRST_SERVER + place:04}"}
        )
        for number in range(2 + (place % 4 == 0)):
            connector, is_new = Connector.objects.get_or_create(
                operation=operation,
                connector_id=str(FIRST_CONNECTOR_ID + 10 * place + number),
                defaults={"name": texts.LINES[(place + number) % len(texts.LINES)]},
            )
            if is_new:
                connector.groups.set(rng.sample(teams, 1 + (place % 3 == 0)))
    quiet, is_new = Connector.objects.get_or_create(
        operation=Operation.objects.get(name=texts.OPERATIONS[0]),
        connector_id=QUIET,
        defaults={"name": "WhatsApp Pruebas"},
    )
    if is_new:
        quiet.groups.add(Group.objects.get_or_create(name=texts.INTERNS)[0])


def _people(rng: random.Random) -> None:
    """Nobody of the seed can sign in: they have no password."""
    names = list(zip(texts.FIRST_NAMES, texts.LAST_NAMES, strict=True))[:PEOPLE]
    for place, (first, last) in enumerate(names):
        role, teams = _place_of(place, rng)
        username = _plain(f"{first}.{last}".lower())
        person, is_new = User.objects.get_or_create(
            username=username, defaults={"first_name": first, "last_name": last}
        )
        if not is_new:
            continue
        person.set_unusable_password()
        person.save()
        person.groups.add(*Group.objects.filter(name__in=[role, *teams]))


def _place_of(place: int, rng: random.Random) -> tuple[str, list[str]]:
    """The last has only just begun and hardly submits; four of the 25 do not submit at all."""
    if place == PEOPLE - 1:
        return roles.MARKETING, [texts.INTERNS]
    if place % 12 == 5:
        return roles.SUPERVISOR, []
    if place % 12 == 11:
        return roles.CONNECTOR_ADMIN, []
    return roles.MARKETING, rng.sample(texts.TEAMS, rng.choice((1, 1, 2, 3)))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
