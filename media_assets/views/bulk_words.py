"""What people read when they do something for many uploads at once."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from media_assets.models import Status
from media_assets.submission import Action, Outlook
from media_assets.submission.fitting import RENEWED, SOMEBODY_ELSES

LABELS: dict[Action, str | Promise] = {
    Action.RETRY: _("Retry"),
    Action.RENEW: _("Renew"),
    Action.CANCEL: _("Cancel"),
    Action.CAMPAIGN: _("Set campaign"),
    Action.COPY: _("Copy handles"),
}
ICONS = {
    Action.RETRY: "refresh",
    Action.RENEW: "refresh",
    Action.CANCEL: "circle-x",
    Action.CAMPAIGN: "pencil",
    Action.COPY: "copy",
}
TITLES = {
    Action.RETRY: ngettext_lazy("Retry %(n)s upload?", "Retry %(n)s uploads?", "n"),
    Action.RENEW: ngettext_lazy("Renew %(n)s handle?", "Renew %(n)s handles?", "n"),
    Action.CANCEL: ngettext_lazy(
        "Cancel %(n)s upload that is waiting?", "Cancel %(n)s uploads that are waiting?", "n"
    ),
    Action.CAMPAIGN: ngettext_lazy(
        "Set the campaign of %(n)s upload?", "Set the campaign of %(n)s uploads?", "n"
    ),
}
BUTTONS = {
    Action.RETRY: ngettext_lazy("Retry %(n)s upload", "Retry %(n)s uploads", "n"),
    Action.RENEW: ngettext_lazy("Renew %(n)s handle", "Renew %(n)s handles", "n"),
    Action.CANCEL: ngettext_lazy("Cancel %(n)s upload", "Cancel %(n)s uploads", "n"),
    Action.CAMPAIGN: ngettext_lazy(
        "Set the campaign of %(n)s upload", "Set the campaign of %(n)s uploads", "n"
    ),
}
MEANINGS: dict[Action, str | Promise] = {
    Action.RETRY: _("They go into the queue again and are sent when it is their turn."),
    Action.RENEW: _("The same files are sent again for fresh handles; the earlier ones stay."),
    Action.CANCEL: _(
        "What is cancelled is not sent. What is under way or done stays as it is. "
        "A cancelled upload can be retried later."
    ),
    Action.CAMPAIGN: _("Handles and results stay as they are. Who changed it, and when, is kept."),
}
DONE = {
    Action.RETRY: ngettext_lazy(
        "%(n)s upload is in the queue again.", "%(n)s uploads are in the queue again.", "n"
    ),
    Action.RENEW: ngettext_lazy(
        "%(n)s fresh handle is on its way; the earlier one stays as it is.",
        "%(n)s fresh handles are on their way; the earlier ones stay as they are.",
        "n",
    ),
    Action.CANCEL: ngettext_lazy("%(n)d upload is cancelled.", "%(n)d uploads are cancelled.", "n"),
    Action.CAMPAIGN: ngettext_lazy(
        "The campaign of %(n)s upload is changed.", "The campaign of %(n)s uploads is changed.", "n"
    ),
}
LATE = {
    Action.RETRY: ngettext_lazy(
        "%(n)s has changed in the meantime and was not retried.",
        "%(n)s have changed in the meantime and were not retried.",
        "n",
    ),
    Action.RENEW: ngettext_lazy(
        "%(n)s has been renewed in the meantime.", "%(n)s have been renewed in the meantime.", "n"
    ),
    Action.CANCEL: ngettext_lazy(
        "%(n)d could not be cancelled any more: it was already under way or done.",
        "%(n)d could not be cancelled any more: they were already under way or done.",
        "n",
    ),
    Action.CAMPAIGN: ngettext_lazy(
        "%(n)s had this campaign already.", "%(n)s had this campaign already.", "n"
    ),
}
_LEFT = {
    RENEWED: ngettext_lazy(
        "%(n)s has been renewed already", "%(n)s have been renewed already", "n"
    ),
    Status.QUEUED: ngettext_lazy(
        "%(n)s is waiting to be sent", "%(n)s are waiting to be sent", "n"
    ),
    Status.SENDING: ngettext_lazy(
        "%(n)s is being sent just now", "%(n)s are being sent just now", "n"
    ),
    Status.READY: ngettext_lazy("%(n)s is ready", "%(n)s are ready", "n"),
    Status.FAILED: ngettext_lazy("%(n)s has failed", "%(n)s have failed", "n"),
    Status.CANCELLED: ngettext_lazy("%(n)s is cancelled", "%(n)s are cancelled", "n"),
}
_NOT_CHANGEABLE = ngettext_lazy(
    "%(n)s belongs to a connector that you cannot use or that is disabled",
    "%(n)s belong to connectors that you cannot use or that are disabled",
    "n",
)
_NOT_OWN = ngettext_lazy(
    "%(n)s was submitted by somebody else", "%(n)s were submitted by somebody else", "n"
)


def reasons(action: Action, outlook: Outlook) -> list[str]:
    """For how many it cannot be done and why, the largest number first."""
    not_theirs = _NOT_OWN if action == Action.CANCEL else _NOT_CHANGEABLE
    sentences = {**_LEFT, SOMEBODY_ELSES: not_theirs}
    ordered = sorted(outlook.left.items(), key=lambda item: -item[1])
    return [str(sentences[reason] % {"n": number}) for reason, number in ordered]
