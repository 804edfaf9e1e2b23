"""What the filters of all lists share: they live in the address, show as chips, and know days."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from media_assets.widgets import ISO_DAY, Choices, DayInput

OLDEST_FIRST = "oldest"  # the value of ?sort= that turns a list round
TODAY, WEEK, MONTH, SEVEN_DAYS, THIRTY_DAYS = "today", "week", "month", "7d", "30d"
PERIODS = [
    (TODAY, _("Today")),
    (WEEK, _("This week")),
    (MONTH, _("This month")),
    (SEVEN_DAYS, _("The last 7 days")),
    (THIRTY_DAYS, _("The last 30 days")),
]


@dataclass(frozen=True)
class Chip:
    """An active filter in words, and the query string that leads to the list without it."""

    label: str
    value: str
    query: str


class ListFilters(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """Filters in force, as a query string, as chips and for the audit list."""

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        """Of a NUL, which no database keeps, it makes a character that is found nowhere."""
        if data is not None:
            data = data.copy()
            for name in self.base_filters:
                if "\0" in data.get(name, ""):
                    data[name] = data[name].replace("\0", "\ufffd")
        super().__init__(data, **kwargs)

    @property
    def active(self) -> dict[str, str]:
        """The valid filters in force by name, short enough for the audit list."""
        wrong = self.form.errors
        return {name: value[:80] for name, value in self._given().items() if name not in wrong}

    @property
    def query(self) -> str:
        """The filters in force as a query string, without the place in the list."""
        return urlencode(self._given())

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters in force, to be read and taken away one by one."""
        given = self._given()
        order = {"sort": OLDEST_FIRST} if self.data.get("sort") == OLDEST_FIRST else {}
        return [
            Chip(
                label=str(self.form[name].label),
                value=self._shown(name, value),
                query="?" + urlencode({key: given[key] for key in given if key != name} | order),
            )
            for name, value in given.items()
        ]

    def _given(self) -> dict[str, str]:
        values = {name: self.data.get(name, "") for name in self.filters}
        return {name: value for name, value in values.items() if value}

    def _shown(self, name: str, value: str) -> str:
        cleaned = self.form.cleaned_data.get(name) if self.form.is_valid() else value
        if isinstance(cleaned, bool):
            return gettext("yes") if cleaned else gettext("no")
        if isinstance(cleaned, date):
            return date_format(cleaned, "SHORT_DATE_FORMAT")
        if isinstance(cleaned, Model):
            return str(cleaned)
        choices = dict(getattr(self.form.fields[name], "choices", ()))
        return str(choices.get(value, cleaned))


class DatedFilters(ListFilters):
    """By the day of `created_at`, in the person's zone."""

    period = django_filters.ChoiceFilter(
        choices=PERIODS,
        method="in_period",
        label=_("Period"),
        empty_label=_("Any time"),
        widget=Choices,
    )
    since = django_filters.DateFilter(
        method="from_day", label=_("From"), input_formats=[ISO_DAY], widget=DayInput
    )
    until = django_filters.DateFilter(
        method="to_day", label=_("To"), input_formats=[ISO_DAY], widget=DayInput
    )

    def in_period(self, uploads: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return uploads.filter(created_at__gte=_midnight(first_day_of(value)))

    def from_day(self, uploads: QuerySet[Any], _name: str, value: date) -> QuerySet[Any]:
        if value.year == MINYEAR:  # midnight elsewhere may lie before all time
            return uploads
        return uploads.filter(created_at__gte=_midnight(value))

    def to_day(self, uploads: QuerySet[Any], _name: str, value: date) -> QuerySet[Any]:
        if value.year == MAXYEAR:  # the day after may lie beyond all time
            return uploads
        return uploads.filter(created_at__lt=_midnight(value + timedelta(days=1)))


def first_day_of(period: str) -> date:
    """The first day of a period that lasts until now, in the person's zone; weeks begin Monday."""
    today = timezone.localdate()
    return {
        TODAY: today,
        WEEK: today - timedelta(days=today.weekday()),
        MONTH: today.replace(day=1),
        SEVEN_DAYS: today - timedelta(days=6),
        THIRTY_DAYS: today - timedelta(days=29),
    }[period]


def _midnight(day: date) -> datetime:
    """The beginning of a day in the person's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
