"""`manage.py rotate_tokens`: bring every stored token under the newest key of TOKEN_KEYS."""

from collections import Counter
from enum import Enum
from typing import Any

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
    CHANGED = "set by somebody meanwhile"
    LOST = "could not be opened"


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
        if lost:
            raise CommandError(
                f"The token of these operations could not be opened: {', '.join(lost)}. Put the "
                "key that sealed it back into TOKEN_KEYS, or remove the token and enter it again."
            )

    def _rotate(self) -> list[str]:
        """Seal again whatever needs it; the names of operations whose token is lost."""
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
            if counts[result] or result is not Result.CHANGED:
                self.stdout.write(f"{counts[result]} {result.value}")
        self._rotate_factors()
        return lost

    def _rotate_factors(self) -> None:
        """The secrets of second factors are sealed with the same keys."""
        found = factors.reseal(newest=crypto.keyring().newest_id)
        if found:
            self.stdout.write(
                f"Second factors: {found['resealed']} sealed again, {found['new']} already under "
                f"the newest key, {found['lost']} could not be opened"
            )

    def _check(self) -> list[str]:
        """Say how many tokens need each key; the names of operations whose token is lost."""
        known = crypto.keyring().ids
        needed: Counter[str] = Counter()
        lost = []
        for operation in _with_token().order_by("name"):
            try:
                needed.update(_keys_of(operation))
            except crypto.Unopenable:
                lost.append(operation.name)
                needed.update(_named_key(operation))
        needed.update(factors.keys_in_use())
        for key_id in known:
            note = ""
            if key_id == known[0]:
                note = " (newest)"
            elif not needed[key_id]:
                note = "; it may be removed from TOKEN_KEYS"
            self.stdout.write(f"Key {key_id}: needed by {needed[key_id]}{note}")
        for key_id in sorted(set(needed) - set(known)):
            self.stdout.write(f"Key {key_id}: needed by {needed[key_id]}; NOT in TOKEN_KEYS")
        return lost


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
    # Only the very value that was opened is replaced, never one that was stored meanwhile.
    as_read = Operation.objects.filter(pk=operation.pk, sealed_token=operation.sealed_token)
    origin = servers.origin(operation.base_url)  # acceptable, or nothing had been revealed
    replaced = as_read.update(
        sealed_token=crypto.seal(token, operation=operation.code, origin=origin),
        token_fingerprint=fingerprint,
    )
    return Result.RESEALED if replaced else Result.CHANGED


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
