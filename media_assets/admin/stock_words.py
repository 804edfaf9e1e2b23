"""Texts of the stock admin that our catalogues say better, and names its history looks up.

Django's Spanish and Portuguese take every object for a masculine one; ours are worded so that any
fits. In its history Django translates a field's name as its form shows it, with a capital.
"""

from django.utils.translation import gettext_noop

SENTENCES = (
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was added successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
    gettext_noop("Added {name} “{object}”."),
    gettext_noop("Changed {fields} for {name} “{object}”."),
    gettext_noop("Changed {fields}."),
    gettext_noop("Deleted {name} “{object}”."),
)
FIELDS = (
    gettext_noop("Name"),
    gettext_noop("Server"),
    gettext_noop("Calls at once"),
    gettext_noop("Active"),
    gettext_noop("Operation"),
    gettext_noop("Connector id"),
    gettext_noop("Groups"),
)
