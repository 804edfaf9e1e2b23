"""What the audit list's actions mean, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

WORKER, SERVER, VISITOR = "worker", "server", ""

# the first part of an action
SUBJECTS: dict[str, str | Promise] = {
    "operation": _("Operations"),
    "demonstration": _("Demonstration"),
    "connector": _("Connectors"),
    "upload": _("Uploads"),
    "batch": _("Batches"),
    "handle": _("Handles"),
    "history": _("History"),
    "audit": _("Audit list"),
    "person": _("People and signing in"),
    "group": _("Groups"),
    "access": _("Refused requests"),
}

ACTIONS: dict[str, str | Promise] = {
    "access.refused": _("Was refused what was asked for"),
    "access.refused_more": _("Was refused this and more in the same minute, which is left out"),
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
    "demonstration.filled": _("Filled the database for a demonstration"),
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
    "person.invitation_revoked": _("Took back the link of a person"),
    "person.invitation_used": _("Used the link that an owner had sent"),
    "person.invited": _("Made a link for a person to come in"),
    "person.password_changed": _("Changed the own password"),
    "person.proof_failed": _("Could not confirm who they are"),
    "person.recovery_codes_made": _("Made new recovery codes"),
    "person.role_changed": _("Changed a person's role"),
    "person.second_factor_added": _("Set up a second factor"),
    "person.second_factor_failed": _("A second factor was wrong"),
    "person.second_factor_removed": _("Removed a second factor"),
    "person.session_ended": _("Ended sessions"),
    "person.sign_in_blocked": _("Signing in was blocked after too many failures"),
    "person.sign_in_failed": _("Signing in failed"),
    "person.signed_in": _("Signed in"),
    "person.signed_out": _("Signed out"),
    "person.unblocked": _("Let a person try to sign in again"),
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
    """Who did it: a person's name as it was then, the worker, a command, or nobody known."""
    if name == WORKER:
        return pgettext("actor", "worker")
    if name == VISITOR:
        return pgettext("actor", "not signed in")
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
