"""What gunicorn needs of the product: its log in the product's form, and where it may listen."""

import sys
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, NoReturn

from django.conf import settings
from gunicorn.glogging import Logger

from media_assets import tracing
from media_assets.logs import JsonLines, ReadableLines


class Log(Logger):  # type: ignore[misc]  # untyped
    """gunicorn's own lines and one for each request, as `LOGGING` says."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        formatter = {"json": JsonLines, "text": ReadableLines}[settings.LOG_FORMAT]()
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(formatter)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Never the query: it may hold what somebody searches for or submits."""
        if not self.access_log_enabled:
            return
        trace = environ.get(tracing.ENVIRON)
        facts: dict[str, object] = dict(trace.facts()) if trace else {}
        facts["milliseconds"] = round(request_time / timedelta(milliseconds=1))
        facts["bytes"] = resp.sent
        status = str(resp.status).partition(" ")[0]
        method, path = environ.get("REQUEST_METHOD", "-"), environ.get("PATH_INFO", "-")
        self.access_log.info("%s %s %s", method, path, status, extra={"facts": facts})


def on_starting(server: Any) -> None:
    """A demonstration, whose people and passwords are made up, listens on this machine only."""
    outside = [str(bind) for bind in server.cfg.address if not _is_here(bind)]
    if settings.DEMO and outside:
        _refuse(
            f"DEMO is on, and gunicorn was told to listen on {', '.join(outside)}: a demonstration "
            "listens on this machine only. Use --bind 127.0.0.1:8000, or turn DEMO off."
        )


def _is_here(bind: Any) -> bool:
    """Whether only this machine reaches it: a loopback address, or a socket in the file system."""
    if not isinstance(bind, tuple):
        return isinstance(bind, str | bytes)
    host = bind[0]
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(1)
