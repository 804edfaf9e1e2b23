"""The small forms of the lists: a campaign for many uploads, and the name of a saved view."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from media_assets.models import SavedView, Upload
from media_assets.models.texts import plain


class CampaignForm(forms.Form):
    """The campaign that many uploads get; empty takes it from them."""

    campaign = forms.CharField(
        label=_("Campaign"),
        required=False,
        max_length=Upload._meta.get_field("campaign").max_length,
        help_text=_("Empty takes the campaign away."),
        widget=forms.TextInput(attrs={"list": "campaigns", "autocomplete": "off"}),
    )

    def clean_campaign(self) -> str:
        return plain(self.cleaned_data["campaign"]).strip()


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the view"),
        max_length=SavedView._meta.get_field("name").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "view_%s", **kwargs})

    def clean_name(self) -> str:
        name = plain(self.cleaned_data["name"]).strip()
        if not name:
            raise forms.ValidationError(self.fields["name"].error_messages["required"])
        return name
