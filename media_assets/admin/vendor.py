"""The admin's own calls to wolkvox: a token is asked about, or the list of connectors is read."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from media_assets import crypto
from media_assets.models import Operation, Upload
from media_assets.wolkvox.client import Client
from media_assets.wolkvox.errors import WolkvoxError

DEADLINE = 20.0  # seconds; a person is waiting
MOST_AT_ONCE = 2  # calls with one token, by wolkvox's own rule

_Answer = TypeVar("_Answer")

SENTENCES: dict[str, str | Promise] = {
    "not_sent": _(
        "wolkvox could not be reached at %(address)s. Check the server number, and whether the "
        "address of this application is among the allowed IPs in wolkvox Manager."
    ),
    "certificate": _(
        "The certificate of %(address)s was refused, so the token was not sent. Check the server "
        "number."
    ),
    "token": _(
        "wolkvox refuses the token. Copy it again from wolkvox Manager, or make a new one there, "
        "and store it here."
    ),
    "quota": _("The token is right, but its calls of today are used up."),
    "busy": _(
        "wolkvox is busy or in maintenance, so nothing is known about the token. Try again in "
        "some minutes."
    ),
    "simultaneous": _("Two calls with this token are under way already. Try again in a minute."),
    "unclear": _(
        "%(address)s gave no clear answer. Check that the server number is right, and try again."
    ),
    "refused": _(
        "%(address)s does not know what it was asked. Check that the server number is right."
    ),
}
NO_TOKEN = _("This operation has no token yet.")


class NoAnswer(Exception):
    """Why there is no answer: a code for the audit list, and a sentence for the person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def ask(operation: Operation, question: Callable[[Client], _Answer]) -> _Answer:
    """Make one call with the operation's token. Raises NoAnswer, never with a token in it."""
    if not operation.has_token:
        raise NoAnswer("no_token", str(NO_TOKEN))
    if _under_way(operation) >= MOST_AT_ONCE:
        raise NoAnswer("simultaneous", str(SENTENCES["simultaneous"]))
    try:
        return question(_client(operation))
    except (crypto.KeyringError, crypto.Unopenable) as error:
        raise NoAnswer("local", str(error.sentence)) from None
    except WolkvoxError as error:
        sentence = SENTENCES[error.code] % {"address": urlsplit(operation.base_url).netloc}
        if error.message:
            sentence += " " + gettext("wolkvox says: %(text)s") % {"text": error.message}
        raise NoAnswer(error.code, sentence) from None


@sensitive_variables()
def _client(operation: Operation) -> Client:
    return Client(operation.base_url, operation.reveal_token(), deadline=DEADLINE)


def _under_way(operation: Operation) -> int:
    sharing = Operation.objects.sharing(operation.token_fingerprint)
    return Upload.objects.sending().filter(operation__in=sharing).count()
