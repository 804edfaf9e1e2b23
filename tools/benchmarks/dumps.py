"""The peer of the CSV export: the database's own fastest dump of the same columns."""

import shutil
import subprocess
import time

from django.db import connection

COLUMNS = """SELECT u.created_at, p.username, o.name, c.name, c.connector_id, u.label, u.file_url,
    u.campaign, u.format, u.content_type, u.size, u.status, u.attempt_count, u.last_outcome,
    u.vendor_message, u.finished_at, u.handle_expires_at, u.handle, u.code
    FROM media_assets_upload u JOIN auth_user p ON p.id = u.submitted_by_id
    JOIN media_assets_connector c ON c.id = u.connector_id
    JOIN media_assets_operation o ON o.id = c.operation_id"""


def seconds_to_dump() -> float:
    """By `psql` or `sqlite3`, as CSV to nowhere, in whatever order is quickest.

    RuntimeError where the database's program is missing or fails.
    """
    settings = connection.settings_dict
    sql = " ".join(COLUMNS.split())
    if connection.vendor == "postgresql":
        command = [_program("psql"), "-X", "-q", "-d", _address()]
        command += ["-c", f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"]
    else:
        command = [_program("sqlite3"), "-readonly", "-csv", "-header", str(settings["NAME"]), sql]
    started = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-300:])
    return time.perf_counter() - started


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed: it makes the dump to compare with")
    return found


def _address() -> str:
    """What psql connects to; a password would be in PGPASSWORD or ~/.pgpass."""
    names = {"HOST": "host", "PORT": "port", "USER": "user", "NAME": "dbname"}
    settings = connection.settings_dict
    return " ".join(f"{word}={settings[name]}" for name, word in names.items() if settings[name])
