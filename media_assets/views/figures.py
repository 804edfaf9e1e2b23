"""Figures of what the history's filters allow: a part of other pages, and a page of its own."""

from dataclasses import dataclass
from datetime import MINYEAR, date, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from media_assets import figures, roles
from media_assets.figures import Figures, Shown
from media_assets.filters import THIRTY_DAYS, HistoryFilters, first_day_of

USUAL = timedelta(days=30)
LAYOUTS = {"open": "figures/_open.html"}


@require_safe
@vary_on_headers("HX-Request")
def show(request: HttpRequest) -> HttpResponse:
    filters = HistoryFilters(
        request.GET, queryset=roles.uploads_visible_to(request.user), request=request
    )
    is_fresh = figures.refresh_for_page()
    days = _days_of(filters)
    found, is_searched = _figures_of(filters, days=days)
    layout = "figures/page.html"
    if request.headers.get("HX-Request"):
        layout = LAYOUTS.get(request.GET.get("as", ""), "figures/_folded.html")
    context = {
        "filters": filters,
        "days": days,
        "shown": Shown(found, days.since, days.until),
        "uploads": _list_of(filters, days=days),
        "is_fresh": is_fresh,
        "is_searched": is_searched,
        "zone": settings.TIME_ZONE if _is_elsewhere() else "",
    }
    return render(request, layout, context)


@dataclass(frozen=True)
class Days:
    """The days that are shown, in the installation's zone; `since` None is from the beginning."""

    since: date | None
    until: date
    are_usual: bool  # nobody has chosen them


def _days_of(filters: HistoryFilters) -> Days:
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    chosen = filters.form.cleaned_data if filters.is_valid() else {}
    since, period, until = (chosen.get(name) for name in ("since", "period", "until"))
    # midnight elsewhere may lie before all time
    firsts = [since] if since and since.year > MINYEAR else []
    if period:
        firsts.append(first_day_of(period))
    if not (since or period or until):
        return Days(today - USUAL + timedelta(days=1), today, are_usual=True)
    return Days(max(firsts, default=None), min(until or today, today), are_usual=False)


def _figures_of(filters: HistoryFilters, *, days: Days) -> tuple[Figures, bool]:
    """The figures, and whether a search is taken into account."""
    if not filters.is_valid():
        return Figures(), True
    search = filters.selection.search
    if search is None:
        return _summed(filters, days=days), True
    if search.few is None:
        return _summed(filters, days=days), False
    return _counted(filters, days=days), True


def _summed(filters: HistoryFilters, *, days: Days) -> Figures:
    """From the summary, which knows every filter but the search."""
    cells = roles.figures_visible_to(filters.request.user).filter(day__lte=days.until)
    if days.since:
        cells = cells.filter(day__gte=days.since)
    if filters.form.cleaned_data.get("campaign"):
        cells = cells.filter(campaign__in=filters.campaigns)
    columns = {
        "connector": "connector",
        "person": "submitted_by",
        "format": "format",
        "state": "status",
    }
    chosen = filters.form.cleaned_data
    equal = {column: chosen[name] for name, column in columns.items() if chosen.get(name)}
    return figures.figures_of(cells.filter(**equal))


def _counted(filters: HistoryFilters, *, days: Days) -> Figures:
    """From the few uploads that a search finds."""
    found = filters.rows.filter(created_at__lt=figures.end_of(days.until))
    if days.since:
        found = found.filter(created_at__gte=figures.start_of(days.since))
    return figures.figures_of_uploads(found)


def _list_of(filters: HistoryFilters, *, days: Days) -> QueryDict:
    """The filters under which the history lists the uploads of these figures."""
    query = QueryDict(filters.query, mutable=True)
    if days.are_usual:
        query["period"] = THIRTY_DAYS
    return query


def _is_elsewhere() -> bool:
    """Whether the person's days are not the installation's."""
    here = timezone.localtime(timezone=timezone.get_default_timezone())
    return timezone.localtime().utcoffset() != here.utcoffset()
