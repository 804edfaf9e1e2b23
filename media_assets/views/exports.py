"""Exports: the history and the audit list as CSV or XLSX, as they are filtered.

Each is recorded before its first byte leaves, with the number of rows there were at that moment.
"""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from media_assets import exports, limits, roles
from media_assets.audit_filters import AuditFilters
from media_assets.exports import Facts, Table
from media_assets.filtering import ListFilters
from media_assets.filters import HistoryFilters
from media_assets.models import AuditEvent, Download
from media_assets.visitors import address_of, person_of

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET  # a HEAD would be recorded as an export
def history_csv(request: HttpRequest) -> HttpResponseBase:
    filters, table = _history(request)
    return _csv(request, filters, table)


@require_GET
def history_xlsx(request: HttpRequest) -> HttpResponseBase:
    filters, table = _history(request)
    return _xlsx(request, filters, table)


@require_GET
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    filters, table = _audit(request)
    return _csv(request, filters, table)


@require_GET
def audit_xlsx(request: HttpRequest) -> HttpResponseBase:
    filters, table = _audit(request)
    return _xlsx(request, filters, table)


def _audit(request: HttpRequest) -> tuple[AuditFilters, Table]:
    if not (roles.may_export(request.user) and roles.may_read_audit(request.user)):
        raise Http404
    filters = AuditFilters(request.GET, queryset=AuditEvent.objects.all(), request=request)
    return filters, exports.audit(filters.rows, machine=_is_for_machines(request))


def _history(request: HttpRequest) -> tuple[HistoryFilters, Table]:
    if not roles.may_export(request.user):
        raise Http404
    uploads = roles.uploads_visible_to(request.user)
    filters = HistoryFilters(request.GET, queryset=uploads, request=request)
    machine = _is_for_machines(request)
    note = _partial(machine=machine) if filters.selection.is_partial else ""
    return filters, exports.history(filters.rows, machine=machine, note=note)


def _partial(*, machine: bool) -> str:
    if machine:
        return "partial"
    return _(
        "Short searches look at the newest uploads only. Type three letters or digits in a row to "
        "search all of them."
    )


def _csv(request: HttpRequest, filters: ListFilters, table: Table) -> HttpResponseBase:
    if not filters.is_valid():
        return _to_list(request, table)
    download = _begin(request, filters, table, kind="csv")
    parts = limits.Counted(exports.csv_lines(table), download=download)
    return _download(parts, table, kind="csv", content_type=CSV)


def _xlsx(request: HttpRequest, filters: ListFilters, table: Table) -> HttpResponseBase:
    if not filters.is_valid():
        return _to_list(request, table)
    download = _begin(request, filters, table, kind="xlsx")
    content = exports.xlsx_parts(table, facts=_facts(request, filters, table))
    parts = limits.Counted(content, download=download)
    return _download(parts, table, kind="xlsx", content_type=XLSX)


def _begin(request: HttpRequest, filters: ListFilters, table: Table, *, kind: str) -> Download:
    """Count it among the person's exports, and record it; neither without the other."""
    download = limits.begin_download(person_of(request))
    try:
        _record(request, filters, table, kind=kind)
    except Exception:
        download.end()
        raise
    return download


def _to_list(request: HttpRequest, table: Table) -> HttpResponseBase:
    """To where it says which filter is wrong; a file without rows would not."""
    return redirect(f"{reverse(table.name)}?{request.GET.urlencode()}")


def _record(request: HttpRequest, filters: ListFilters, table: Table, *, kind: str) -> None:
    partial: dict[str, Any] = {"partial": True} if table.note else {}
    AuditEvent.objects.record(
        f"{table.name}.exported",
        by=request.user,
        address=address_of(request),
        filters=filters.active,
        rows=table.count(),
        kind=kind,
        machine=table.machine,
        **partial,
    )


def _download(
    content: Iterable[str | bytes], table: Table, *, kind: str, content_type: str
) -> StreamingHttpResponse:
    now = timezone.now().astimezone(UTC if table.machine else table.zone)
    name = f"{table.name}-{now:%Y-%m-%d-%H%M}{'Z' if table.machine else ''}.{kind}"
    return StreamingHttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _facts(request: HttpRequest, filters: ListFilters, table: Table) -> Facts:
    """What the last sheet tells: who made the file, when, and with which filters."""
    person, now = person_of(request).get_username(), timezone.now().replace(microsecond=0)
    if table.machine:
        instant = now.astimezone(UTC).isoformat().replace("+00:00", "Z")
        note = [("note", table.note)] if table.note else []
        return [("exported_at", instant), ("exported_by", person), *filters.active.items(), *note]
    local = timezone.localtime(now).isoformat(sep=" ")
    chosen = [(chip.label, chip.value) for chip in filters.chips]
    note = [(_("Note"), table.note)] if table.note else []
    return [(_("Exported"), local), (_("Exported by"), person), *chosen, *note]


def _is_for_machines(request: HttpRequest) -> bool:
    return request.GET.get("machine") == "1"
