"""The admin's own calls to wolkvox: a token is asked about, or the list of connectors is read."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from django.db.models import Min, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from media_assets import crypto
from media_assets.models import Operation, Upload
from media_assets.wolkvox.client import Client
from media_assets.wolkvox.errors import WolkvoxError

DEADLINE = 20.0  # seconds; a person is waiting

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
    "simultaneous": _("Other calls with this token are under way. Wait a moment and try again."),
    "unclear": _(
        "%(address)s gave no clear answer. Check that the server number is right, and try again."
    ),
    "refused": _(
        "%(address)s does not know what it was asked. Check that the server number is right."
    ),
}
NO_TOKEN = _("This operation has no token yet.")
NO_CALLS = _(
    "This server cannot make calls: what it needs to check certificates is missing or damaged. "
    "Ask whoever runs it to install it again."
)


class NoAnswer(Exception):
    """Why there is no answer: a code for the audit list, and a sentence for the person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def ask(operation: Operation, question: Callable[[Client], _Answer]) -> _Answer:
    """Make one call with the operation's token. Raises NoAnswer, never with a token in it.

    Whether the token allows another call now is a look, not a lock: a worker may begin one in the
    same moment, and then wolkvox may refuse either.
    """
    if not operation.has_token:
        raise NoAnswer("no_token", str(NO_TOKEN))
    if not _has_free_slot(operation):
        raise NoAnswer("simultaneous", str(SENTENCES["simultaneous"]))
    try:
        client = _client(operation)
    except (crypto.KeyringError, crypto.Unopenable) as error:
        raise NoAnswer("local", str(error.sentence)) from None
    except (OSError, ValueError):
        raise NoAnswer("local", str(NO_CALLS)) from None
    try:
        return question(client)
    except WolkvoxError as error:
        sentence = SENTENCES[error.code] % {"address": urlsplit(operation.base_url).netloc}
        if error.message:
            sentence += " " + gettext("wolkvox says: %(text)s") % {"text": error.message}
        raise NoAnswer(error.code, sentence) from None


@sensitive_variables()
def _client(operation: Operation) -> Client:
    token = operation.reveal_token()  # first: it says why if the address is not acceptable
    return Client(operation.base_url, token, deadline=DEADLINE)


def _has_free_slot(operation: Operation) -> bool:
    """Whether fewer calls are in flight than the most careful operation of this token allows."""
    sharing = Operation.objects.sharing(operation.token_fingerprint)
    slots = sharing.aggregate(slots=Min("max_in_flight"))["slots"]
    with_this_token = Q(operation__in=sharing) | Q(sent_with=operation.token_fingerprint)
    under_way = Upload.objects.holding(timezone.now()).filter(with_this_token).count()
    return bool(under_way < slots)
