"""`manage.py rotate_tokens`: bring every stored token under the newest key of TOKEN_KEYS."""

from collections import Counter
from enum import Enum
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from media_assets import crypto
from media_assets.accounts import factors
from media_assets.models import Operation
from media_assets.wolkvox import servers


class Result(Enum):
    RESEALED = "sealed again under the newest key"
    NEW = "already under the newest key"
    LOST = "could not be opened"


class Lost(NamedTuple):
    """What could not be opened: names of operations, and the number of second factors."""

    operations: list[str]
    factors: int


class Command(BaseCommand):
    help = "Seal every token again under the newest key. May be stopped anywhere and started again."
    requires_system_checks: list[str] = []  # a damaged key is reported here, in a sentence

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument(
            "--check", action="store_true", help="only say which keys are still needed"
        )
        chosen.add_argument(
            "--new-key", action="store_true", help="only print a fresh key for TOKEN_KEYS"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self.stdout.write(crypto.generate_key())
            return
        try:
            lost = self._check() if options["check"] else self._rotate()
        except crypto.KeyringError as error:
            raise CommandError(str(error)) from None
        problems = []
        if lost.operations:
            problems.append(
                "The token of these operations could not be opened: "
                f"{', '.join(lost.operations)}. Put the key that sealed it back into TOKEN_KEYS; "
                "if it is there, see whether the server or WOLKVOX_BASE_URL is another than it "
                "was. Or remove the token and enter it again."
            )
        if lost.factors:
            problems.append(
                f"Secrets of second factors that could not be opened: {lost.factors}. Put the key "
                "that sealed them back, or let an owner remove the second factors of the people "
                "who cannot sign in."
            )
        if problems:
            raise CommandError("\n".join(problems))

    def _rotate(self) -> Lost:
        """Seal again whatever needs it."""
        crypto.keyring()
        results: dict[int, Result] = {}
        lost = []
        for pk in _with_token().order_by("pk").values_list("pk", flat=True):
            if pk in results:
                continue
            for operation, result in _reseal_sharing(pk):
                results[operation.pk] = result
                if result is Result.LOST:
                    lost.append(operation.name)
        counts = Counter(results.values())
        for result in Result:
            self.stdout.write(f"{counts[result]} {result.value}")
        return Lost(lost, self._rotate_factors())

    def _rotate_factors(self) -> int:
        """The secrets of second factors are sealed with the same keys; how many are lost."""
        found = factors.reseal(newest=crypto.keyring().newest_id)
        if found:
            self.stdout.write(
                f"Second factors: {found['resealed']} sealed again, {found['new']} already under "
                f"the newest key, {found['lost']} could not be opened"
            )
        return found["lost"]

    def _check(self) -> Lost:
        """Say how many tokens and secrets need each key."""
        known = crypto.keyring().ids
        needed: Counter[str] = Counter()
        lost = []
        for operation in _with_token().order_by("name"):
            try:
                needed.update(_keys_of(operation))
            except crypto.Unopenable:
                lost.append(operation.name)
                needed.update(_named_key(operation))
        of_factors, lost_factors = factors.keys_in_use()
        needed.update(of_factors)
        for key_id in known:
            note = ""
            if key_id == known[0]:
                note = " (newest)"
            elif not needed[key_id]:
                note = "; it may be removed from TOKEN_KEYS"
            self.stdout.write(f"Key {key_id}: needed by {needed[key_id]}{note}")
        for key_id in sorted(set(needed) - set(known)):
            self.stdout.write(f"Key {key_id}: needed by {needed[key_id]}; NOT in TOKEN_KEYS")
        return Lost(lost, lost_factors)


def _with_token() -> Any:
    return Operation.objects.exclude(sealed_token="")


def _reseal_sharing(pk: int) -> list[tuple[Operation, Result]]:
    """One operation and all that share its token, together, so that they go on sharing it."""
    with transaction.atomic():
        first = _with_token().filter(pk=pk).first()
        if first is None:
            return []
        sharing = _with_token().filter(token_fingerprint=first.token_fingerprint)
        locked = sharing.select_for_update(no_key=True).order_by("pk")
        return [(operation, _reseal(operation)) for operation in locked]


@sensitive_variables()
def _reseal(operation: Operation) -> Result:
    try:
        token = operation.reveal_token()
    except crypto.Unopenable:
        return Result.LOST
    fingerprint = crypto.fingerprints(token)[0]
    is_newest = crypto.key_id(operation.sealed_token) == crypto.keyring().newest_id
    if is_newest and operation.token_fingerprint == fingerprint:
        return Result.NEW
    origin = servers.origin(operation.base_url)  # acceptable, or nothing had been revealed
    operation.sealed_token = crypto.seal(token, operation=operation.code, origin=origin)
    operation.token_fingerprint = fingerprint
    operation.save(update_fields=["sealed_token", "token_fingerprint"])
    return Result.RESEALED


@sensitive_variables()
def _keys_of(operation: Operation) -> set[str]:
    """The ids of the keys that seal a token and that made its fingerprint. Raises Unopenable."""
    made_with = dict(
        zip(crypto.fingerprints(operation.reveal_token()), crypto.keyring().ids, strict=True)
    )
    keys = {crypto.key_id(operation.sealed_token), made_with.get(operation.token_fingerprint)}
    return {key_id for key_id in keys if key_id}


def _named_key(operation: Operation) -> list[str]:
    try:
        return [crypto.key_id(operation.sealed_token)]
    except crypto.Unopenable:
        return []
