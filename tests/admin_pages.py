"""What the tests of the admin share: addresses, forms as browsers send them, what was kept."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection

from media_assets.models import AuditEvent, Connector, Operation
from tests.factories import make_operation

TOKEN = "57d1a9" * 8 + "f00d"
OTHER_TOKEN = "c0ffee" * 8 + "beef"
OPERATIONS = "/admin/media_assets/operation/"
CONNECTORS = "/admin/media_assets/connector/"
ENGLISH = {"accept-language": "en"}


def sealed(token: str, *, server: str = "0042", **values: Any) -> Operation:
    """An operation whose token opens on its server."""
    operation = make_operation(server=server)
    operation.set_token(token)
    for name, value in values.items():
        setattr(operation, name, value)
    operation.save()
    return operation


def address(operation: Operation, tool: str = "change") -> str:
    return f"{OPERATIONS}{operation.pk}/{tool}/"


def form(operation: Operation | None = None, rows: Any = (), **typed: Any) -> dict[str, Any]:
    """The fields of the page as a browser sends them; `rows` are connectors or new ones' fields."""
    sent: dict[str, Any] = {
        "name": operation.name if operation else "Tienda Andina",
        "server": operation.server if operation else "0042",
        "max_in_flight": "1",
        "new_token": "",
        "connectors-TOTAL_FORMS": str(len(rows)),
        "connectors-INITIAL_FORMS": str(sum(isinstance(row, Connector) for row in rows)),
        "connectors-MIN_NUM_FORMS": "0",
        "connectors-MAX_NUM_FORMS": "1000",
    }
    if operation and operation.is_active:
        sent["is_active"] = "on"
    for number, row in enumerate(rows):
        values: dict[str, Any] = {"is_active": "on"}
        if isinstance(row, Connector):
            values |= {
                "id": row.pk,
                "operation": row.operation_id,
                "name": row.name,
                "connector_id": row.connector_id,
                "groups": [group.pk for group in row.groups.all()],
            }
        else:
            values |= row
        sent |= {f"connectors-{number}-{name}": value for name, value in values.items()}
    return sent | typed


def actions() -> list[str]:
    """Every event there is, oldest first."""
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def everything_written() -> str:
    """All that is kept outside the operation's row, as one text."""
    rows = [*AuditEvent.objects.values_list(), *LogEntry.objects.values_list()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_data FROM django_session")
        rows += cursor.fetchall()
    return repr(rows)
