"""Every line of the log, whoever writes it, as the product would print it."""

import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection


class Log(logging.Handler):
    """Every line that any logger would write at DEBUG, as the product would write it."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        logs: Any = settings.LOGGING
        printed = logs["formatters"][logs["handlers"]["console"]["formatter"]]
        self.setFormatter(logging.config.DictConfigurator({}).configure_formatter(dict(printed)))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        plain = f"{record.name} {record.getMessage()} {record.args!r}"
        self.lines.append(f"{plain}\n{self.format(record)}")


@contextmanager
def logging_everything() -> Iterator[Log]:
    """Every logger that there is by now, and each statement of SQL with its parameters."""
    log, root = Log(), logging.getLogger()
    known = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [(one, one.level, one.propagate, one.disabled) for one in [root, *known]]
    for one, *_ in before:
        one.setLevel(logging.DEBUG)
        one.propagate, one.disabled = True, False
    others, root.handlers = root.handlers, [log]
    connection.force_debug_cursor = True
    try:
        yield log
    finally:
        connection.force_debug_cursor = False
        root.handlers = others
        for one, level, propagate, disabled in before:
            one.setLevel(level)
            one.propagate, one.disabled = propagate, disabled
