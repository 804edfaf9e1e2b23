"""What the audit list's actions mean, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

WORKER, SERVER = "worker", "server"

# the first part of an action
SUBJECTS: dict[str, str | Promise] = {
    "operation": _("Operations"),
    "connector": _("Connectors"),
    "upload": _("Uploads"),
    "batch": _("Batches"),
    "handle": _("Handles"),
    "history": _("History"),
    "audit": _("Audit list"),
    "person": _("People and signing in"),
    "group": _("Groups"),
}

ACTIONS: dict[str, str | Promise] = {
    "audit.exported": _("Exported the audit list"),
    "batch.cancelled": _("Cancelled what waited of a batch"),
    "batch.copied": _("Copied all handles of a batch"),
    "batch.exported": _("Downloaded a batch as CSV"),
    "batch.submitted": _("Submitted files"),
    "connector.changed": _("Changed a connector"),
    "connector.created": _("Added a connector"),
    "connector.deleted": _("Deleted a connector"),
    "connector.disabled": _("Disabled a connector"),
    "connector.enabled": _("Enabled a connector"),
    "connector.imported": _("Imported a connector from wolkvox"),
    "group.changed": _("Changed a group"),
    "group.created": _("Added a group"),
    "group.deleted": _("Deleted a group"),
    "handle.copied": _("Copied a handle"),
    "handle.copied_many": _("Copied several handles at once"),
    "history.exported": _("Exported the history"),
    "history.purged": _("Removed old uploads from the history"),
    "operation.changed": _("Changed an operation"),
    "operation.connectors_read": _("Read wolkvox's list of connectors"),
    "operation.created": _("Added an operation"),
    "operation.deleted": _("Deleted an operation"),
    "operation.disabled": _("Disabled an operation"),
    "operation.enabled": _("Enabled an operation"),
    "operation.paused": _("Paused an operation"),
    "operation.resumed": _("Resumed an operation"),
    "operation.tested": _("Tested the connection"),
    "operation.token_cleared": _("Removed the token"),
    "operation.token_set": _("Stored a token"),
    "person.changed": _("Changed a person"),
    "person.created": _("Added a person"),
    "person.deleted": _("Deleted a person"),
    "person.disabled": _("Disabled a person"),
    "person.enabled": _("Enabled a person"),
    "person.password_changed": _("Changed the own password"),
    "person.password_set": _("Set a person's password"),
    "person.signed_in": _("Signed in"),
    "person.signed_out": _("Signed out"),
    "upload.cancelled": _("Cancelled an upload"),
    "upload.cancelled_many": _("Cancelled several uploads at once"),
    "upload.changed": _("Changed the campaign of an upload"),
    "upload.changed_many": _("Changed the campaign of several uploads at once"),
    "upload.failed": _("An upload failed"),
    "upload.interrupted": _("A call was interrupted"),
    "upload.postponed": _("An upload will be tried again"),
    "upload.ready": _("Received a handle"),
    "upload.renewed": _("Renewed a handle"),
    "upload.renewed_many": _("Renewed several handles at once"),
    "upload.retried": _("Retried an upload"),
    "upload.retried_many": _("Retried several uploads at once"),
}


def in_words(action: str) -> str:
    """An action for people; "" for one that this version does not know."""
    return str(ACTIONS.get(action, ""))


def actor(name: str) -> str:
    """Who did it: a person's name as it was then, the worker, or a command on the server."""
    if name == WORKER:
        return pgettext("actor", "worker")
    return pgettext("actor", "server") if name == SERVER else name


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every subject with its actions, for a filter: a subject stands for all of them."""
    return [
        (str(title), [(subject, gettext("All: %(subject)s") % {"subject": title}), *_of(subject)])
        for subject, title in SUBJECTS.items()
    ]


def _of(subject: str) -> list[tuple[str, str]]:
    """The actions of a subject, in the order of their words."""
    named = [(code, str(words)) for code, words in ACTIONS.items()]
    return sorted(
        (each for each in named if each[0].startswith(f"{subject}.")), key=lambda each: each[1]
    )
