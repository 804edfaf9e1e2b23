"""The form by which people submit URLs."""

from __future__ import annotations

import codecs
import csv
import re
import uuid
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.models import ModelChoiceIterator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets import roles, submission
from media_assets.models import Batch, Connector, Operation, Upload
from media_assets.models.texts import plain
from media_assets.words import notice_of

_DELIMITERS = ("\t", ";", ",")


class _ByOperation(ModelChoiceIterator):  # type: ignore[type-arg]  # generic in the stubs only
    """Connectors under the name of their operation, which says so if nothing can be sent."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        for operation, connectors in groupby(self.queryset, key=attrgetter("operation")):
            yield _title_of(operation), [self.choice(connector) for connector in connectors]


class ConnectorField(forms.ModelChoiceField):  # type: ignore[type-arg]  # likewise
    """What may not be used is refused in the same words as what does not exist."""

    iterator = _ByOperation
    default_error_messages = {"invalid_choice": _("Choose one of the connectors in the list.")}

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError:
            raise ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            ) from None


class LinesField(forms.CharField):
    """Typed lines; a NUL, which no database keeps, becomes a character that no address has."""

    def to_python(self, value: Any) -> str:
        return _without_nul(super().to_python(value) or "")


class SubmitForm(forms.Form):
    """One or many URLs for one connector.

    The rows of a CSV file are moved into `urls` first of all, so that the page that shows an
    error shows them too.
    """

    connector = ConnectorField(
        queryset=Connector.objects.none(),
        to_field_name="code",
        label=_("Connector"),
        empty_label=_("Choose a connector"),
    )
    csv_file = forms.FileField(
        label=_("Or a CSV file"),
        required=False,
        help_text=_("With the columns url and label. Its rows are added to the field above."),
        error_messages={
            "empty": _("The file is empty. Put one address per line under the heading url.")
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    urls = LinesField(
        label=_("URLs in wolkvox Storage"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "rows": 8,
                "placeholder": "https://storage.googleapis.com/wvox-…/promo.jpg",
                "wrap": "off",
                "spellcheck": "false",
                "autocapitalize": "off",
            }
        ),
    )
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=Upload._meta.get_field("label").max_length,
        help_text=_("A name by which you find the handle again. Lines with a label keep theirs."),
    )
    campaign = forms.CharField(
        label=_("Campaign"),
        required=False,
        max_length=Batch._meta.get_field("campaign").max_length,
    )
    again = forms.BooleanField(label=_("Make new handles for these too"), required=False)
    leave_out = forms.CharField(required=False)
    key = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["connector"].queryset = roles.connectors_usable_by(user)  # type: ignore[attr-defined]
        lines = gettext(
            "One per line, at most %(most)s. A label may follow after a tab, as when you paste two "
            "columns of a spreadsheet."
        ) % {"most": settings.BATCH_MAX}
        files = gettext("JPEG and PNG up to 5 MB, MP4 up to 16 MB, PDF up to 100 MB.")
        self.fields["urls"].help_text = f"{lines} {files}"

    @property
    def chosen_connector(self) -> Connector | None:
        """The connector of a submitted form, if the person may use it."""
        return self.cleaned_data.get("connector") if self.is_bound else None

    @property
    def typed(self) -> str:
        """The lines as the page shows them, those of the file among them, parted by a newline.

        Browsers part them by two characters when they send a form, and htmx by one.
        """
        text = _without_nul(str(self["urls"].value() or ""))
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @property
    def batch_key(self) -> uuid.UUID:
        """The key of the batch that this valid form makes: the same whenever it is sent again."""
        values = self.cleaned_data
        typed = (str(values["connector"].code), self.typed, values["label"], values["campaign"])
        return submission.batch_key(values["key"], *typed, str(values["again"]))

    def digest_of(self, checked: submission.Checked) -> str:
        """By which the page says what its reader has seen: these lines, these of them left out.

        "" while the form has no key.
        """
        key = self.cleaned_data.get("key")
        if key is None:
            return ""
        connector = self.chosen_connector
        bad, there = (
            " ".join(str(line.number) for line in lines) for lines in (checked.bad, checked.there)
        )
        code = str(connector.code) if connector else ""
        return str(submission.batch_key(key, code, self.typed, bad, there))

    def is_decided(self, checked: submission.Checked) -> bool:
        """Whether the person has seen what would not be sent, or everything would be."""
        values = self.cleaned_data
        those_there_are_fine = values["again"] or not checked.there
        everything_goes = those_there_are_fine and not checked.bad
        return bool(everything_goes or values["leave_out"] == self.digest_of(checked))

    def clean_csv_file(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data["csv_file"]
        if upload is not None:
            rows = _tabbed(_as_csv(_decoded(upload)))
            if not rows:
                raise ValidationError(self.fields["csv_file"].error_messages["empty"])
            typed = _tabbed(self.typed)
            data = cast(QueryDict, self.data).copy()
            data["urls"] = f"{typed}\n{rows}" if typed else rows
            self.data = data
        return upload

    def clean_label(self) -> str:
        return plain(self.cleaned_data["label"])

    def clean_campaign(self) -> str:
        return plain(self.cleaned_data["campaign"])

    def check_lines(self, *, probe_seconds: float = 0.0) -> submission.Checked:
        """Look at every line, whether or not the rest of the form is right."""
        if "urls" in self.errors:
            return submission.Checked()
        try:
            return submission.check(
                self.typed, connector=self.chosen_connector, probe_seconds=probe_seconds
            )
        except submission.TooManyLines as error:
            self.add_error("urls", _too_many(error))
        except csv.Error:
            self.add_error("urls", _("This is not CSV. Paste one address per line instead."))
        return submission.Checked()


def as_typed(left_out: list[dict[str, Any]]) -> str:
    """The lines that a batch left out, as they go into the field again."""
    pairs = ((line["text"], line.get("label")) for line in left_out)
    return "\n".join(f"{text}\t{label}" if label else text for text, label in pairs)


def _without_nul(text: str) -> str:
    return text.replace("\0", "\x7f")


def _title_of(operation: Operation) -> str:
    notice = notice_of(operation)
    return f"{operation} – {notice}" if notice else str(operation)


def _too_many(error: submission.TooManyLines) -> str:
    sentence = gettext(
        "These are %(count)s lines, at most %(most)s can be sent at once. "
        "Send the rest as a second batch."
    )
    return sentence % {"count": error.count, "most": error.most}


def _decoded(upload: UploadedFile[bytes]) -> str:
    """The file as text, that of an old Mac too, or a ValidationError."""
    text = _text_of(upload)
    if "\0" in text:
        raise ValidationError(_not_csv())
    return text if "\n" in text else text.replace("\r", "\n")


def _text_of(upload: UploadedFile[bytes]) -> str:
    """UTF-8, or what Excel writes on Windows."""
    if (upload.size or 0) > settings.CSV_MAX_BYTES:
        most = settings.CSV_MAX_BYTES // 1024
        raise ValidationError(
            gettext("The file may have at most %(most)s KB. Split it into several.")
            % {"most": most}
        )
    content: bytes = upload.read()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise ValidationError(_not_csv())
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError(
        gettext("The characters of this file cannot be read. Save it as “CSV UTF-8”.")
    )


def _not_csv() -> str:
    return gettext("This is not a CSV file. In Excel choose “CSV UTF-8” when saving.")


def _as_csv(text: str) -> str:
    """A file without a header gets one, with the delimiter of its first line."""
    first = text.lstrip("\ufeff\r\n ").partition("\n")[0].strip()
    if first and "://" not in first:
        _refuse_unknown_columns(first)
    if not first.lstrip('"').lower().startswith("http"):
        return text
    delimiter = next((mark for mark in _DELIMITERS if mark in first), ",")
    return f"url{delimiter}label\n{text}"


def _refuse_unknown_columns(header: str) -> None:
    names = [name.strip(' "').lower() for name in re.split("[,;\t]", header)]
    if not submission.URL_NAMES.intersection(names):
        sentence = gettext(
            "The first line names the columns, and none of them is called url (%(found)s). Call "
            "the column with the addresses url, and the one with the labels label."
        )
        raise ValidationError(sentence % {"found": header[:80]})


def _tabbed(text: str) -> str:
    """CSV or plain lines as one `url<TAB>label` a line."""
    try:
        submission.require_readable(text)
        lines = submission.read_lines(text)
    except submission.TooManyLines as error:
        raise ValidationError(_too_many(error)) from None
    except csv.Error:
        raise ValidationError(_not_csv()) from None
    pairs = ((_one_line(line.text), _one_line(line.label)) for line in lines)
    return "\n".join(f"{url}\t{label}" if label else url for url, label in pairs)


def _one_line(cell: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", cell)
