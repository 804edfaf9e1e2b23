"""What makes the audit list append-only in the database itself, and whether that is in place.

SQLite's triggers vanish when a migration makes their table anew, so `install` runs after every
`migrate`.
"""

from django.db import connections

EVENTS, LANES = "media_assets_auditevent", "media_assets_auditlane"


def install(*, using: str = "default") -> None:
    """Make the triggers anew, and the index of names, once their tables are there."""
    if EVENTS not in connections[using].introspection.table_names():
        return
    vendor = connections[using].vendor
    functions = FUNCTIONS if vendor == "postgresql" else []
    made = [*functions, *_wanted(using).values(), INDEX[vendor]]
    _execute(using, [*_drops(using), *made])


def drop(*, using: str = "default") -> None:
    """Take the triggers away, as a migration of these tables, or the flush of a test, has to."""
    _execute(using, _drops(using))


def missing(*, using: str = "default") -> list[str]:
    """The names of triggers that are not there, are switched off, or do something else.

    None before the migration that brings the lanes: it makes the others anew.
    """
    connection = connections[using]
    if LANES not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FOUND[connection.vendor])
        found = {name: _squeezed(does) for name, does in cursor.fetchall()}
    if connection.vendor == "sqlite":
        does = {name: _squeezed(sql) for name, sql in _wanted(using).items()}
    else:
        does = {name: _squeezed(sql + _body_of(sql)) for name, sql in _wanted(using).items()}
    return [name for name, wanted in does.items() if found.get(name) != wanted]


def _wanted(using: str) -> dict[str, str]:
    """By name, for the tables that there are: those of a later migration are not there yet."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    return {
        name: sql
        for table, triggers in TRIGGERS[connection.vendor].items()
        if table in tables
        for name, sql in triggers.items()
    }


def _drops(using: str) -> list[str]:
    if connections[using].vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _wanted(using)]
    return [
        f"DROP TRIGGER IF EXISTS {name} ON {LANES if LANES in sql else EVENTS}"
        for name, sql in _wanted(using).items()
    ]


def _execute(using: str, statements: list[str]) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())


def _body_of(trigger: str) -> str:
    """What the function of one of PostgreSQL's triggers says."""
    (body,) = (sql.split("$$")[1] for sql in FUNCTIONS if sql.split("(")[0].split()[-1] in trigger)
    return body


_NEVER = "BEGIN SELECT RAISE(ABORT, '{}'); END"
_OLD_LANE = "a lane of the audit list only grows"
TRIGGERS = {
    "sqlite": {
        EVENTS: {
            "audit_no_update": f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON {EVENTS}
                {_NEVER.format("audit events are never changed")}""",
            "audit_no_delete": f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON {EVENTS}
                {_NEVER.format("audit events are never removed")}""",
            # INSERT OR REPLACE removes rows without asking the trigger above
            "audit_no_replace": f"""CREATE TRIGGER audit_no_replace BEFORE INSERT ON {EVENTS}
                WHEN EXISTS (SELECT 1 FROM {EVENTS} WHERE id = NEW.id)
                {_NEVER.format("audit events are never replaced")}""",  # noqa: S608
        },
        LANES: {
            # of the events, but the lanes' migration brings the columns that it looks at
            "audit_no_second": f"""CREATE TRIGGER audit_no_second BEFORE INSERT ON {EVENTS}
                WHEN EXISTS (SELECT 1 FROM {EVENTS} WHERE lane = NEW.lane AND number = NEW.number)
                {_NEVER.format("audit events are never replaced")}""",  # noqa: S608
            "audit_lane_grows": f"""CREATE TRIGGER audit_lane_grows BEFORE UPDATE ON {LANES}
                WHEN NEW.number <= OLD.number OR NEW.name <> OLD.name
                {_NEVER.format(_OLD_LANE)}""",
            "audit_lane_stays": f"""CREATE TRIGGER audit_lane_stays BEFORE DELETE ON {LANES}
                {_NEVER.format(_OLD_LANE)}""",
            "audit_lane_no_replace": f"""CREATE TRIGGER audit_lane_no_replace
                BEFORE INSERT ON {LANES}
                WHEN NEW.number > 0 OR EXISTS
                    (SELECT 1 FROM {LANES} WHERE name = NEW.name AND number > 0)
                {_NEVER.format(_OLD_LANE)}""",  # noqa: S608
        },
    },
    # as PostgreSQL itself writes them, so that they can be compared
    "postgresql": {
        EVENTS: {
            "audit_no_change": f"CREATE TRIGGER audit_no_change BEFORE DELETE OR UPDATE ON {EVENTS}"
            " FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
            "audit_no_truncate": f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {EVENTS}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
        },
        LANES: {
            "audit_lane_grows": "CREATE TRIGGER audit_lane_grows BEFORE DELETE OR UPDATE"
            f" ON {LANES} FOR EACH ROW EXECUTE FUNCTION audit_lane_grows()",
            "audit_lane_stays": f"CREATE TRIGGER audit_lane_stays BEFORE TRUNCATE ON {LANES}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
        },
    },
}
FUNCTIONS = [
    """CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'audit events are never changed or removed'; END $$""",
    f"""CREATE OR REPLACE FUNCTION audit_lane_grows() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
           IF TG_OP = 'UPDATE' THEN
               IF NEW.number > OLD.number AND NEW.name = OLD.name THEN RETURN NEW; END IF;
           END IF;
           RAISE EXCEPTION '{_OLD_LANE}';
       END $$""",
]
# how `AuditFilters` asks for the beginning of a name
INDEX = {
    "sqlite": f"""CREATE INDEX IF NOT EXISTS audit_by_label
        ON {EVENTS} (object_label COLLATE NOCASE)""",
    "postgresql": f"""CREATE INDEX IF NOT EXISTS audit_by_label
        ON {EVENTS} (UPPER(object_label) text_pattern_ops)""",
}
_FOUND = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": f"""
        SELECT tgname, pg_get_triggerdef(pg_trigger.oid, true) || prosrc
        FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE tgrelid IN (to_regclass('{EVENTS}'), to_regclass('{LANES}'))
            AND NOT tgisinternal AND tgenabled IN ('O', 'A')
    """,  # noqa: S608
}
