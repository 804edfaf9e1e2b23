"""What people read about each form in which a handle can be copied."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

SNIPPETS: dict[str, tuple[str | Promise, str | Promise]] = {
    "handle": (
        gettext_lazy("Handle"),
        gettext_lazy("Paste it where a template asks for the sample of its header."),
    ),
    "first_line": (
        gettext_lazy("First line only"),
        gettext_lazy("Use it only where the whole handle is not accepted."),
    ),
    "header_handle": (
        gettext_lazy("Header with the handle"),
        gettext_lazy("The HEADER component, to put into a template you already have."),
    ),
    "create_template": (
        gettext_lazy("Marketing template"),
        gettext_lazy("The whole request for create_template: change its name and its texts."),
    ),
    "create_utility_template": (
        gettext_lazy("Utility template"),
        gettext_lazy("The whole request for create_utility_template."),
    ),
    "curl": (
        gettext_lazy("cURL command"),
        gettext_lazy("Creates the template from a terminal; the token goes into WOLKVOX_TOKEN."),
    ),
    "python": (
        gettext_lazy("Python"),
        gettext_lazy("The same call as a program; the token goes into WOLKVOX_TOKEN."),
    ),
    "meta": (
        gettext_lazy("Meta's own API"),
        gettext_lazy("The request for graph.facebook.com, where the handle stands in a list."),
    ),
    "public_url": (gettext_lazy("Public URL"), ""),
}
