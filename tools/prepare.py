"""What the demonstration needs before it starts: ports, `.env`, database, static files, people."""

import errno
import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any

from tools import environment
from tools.environment import PYTHON, ROOT, VAR, SetupError

LOOPBACK = "127.0.0.1"
ENV_FILE = ROOT / ".env"
SANDBOX_STATE = VAR / "sandbox.json"
SAYS_DEMO = re.compile(r"^\s*(?:export\s+)?DEMO\s*=\s*[\"']?(?:true|yes|on|1)\b", re.I | re.M)
ENV_TEMPLATE = """\
# Made by `make run` for the demonstration; `.env.example` explains every name.
# The database is SQLite under var/ because DATABASE_URL is not set.
DEMO=true
HTTPS=false
ALLOWED_HOSTS=127.0.0.1,localhost
SECRET_KEY={secret_key}
TOKEN_KEYS={token_key}
WOLKVOX_BASE_URL={base_url}
STORAGE_HOSTS={storage_host}
"""


def ports() -> tuple[int, int]:
    """The ports of the web and of the sandbox, from PORT and SANDBOX_PORT."""
    port, sandbox_port = _port("PORT", default=8000), _port("SANDBOX_PORT", default=8001)
    if port == sandbox_port:
        raise SetupError("PORT and SANDBOX_PORT are the same: choose two different ports.")
    return port, sandbox_port


def _port(name: str, *, default: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise SetupError(f"{name}={text[:20]} is not a port: give a number from 1024 to 65535.")
    return int(text)


def require_free(port: int, *, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as problem:
            other = port + 1000 if 7000 < port < 60000 else 8010
            why = "is in use" if problem.errno == errno.EADDRINUSE else "is not allowed here"
            raise SetupError(
                f"Port {port} {why}: choose another one, such as 'make run {name}={other}'."
            ) from None


def lock() -> IO[str]:
    """An open file that shows, as long as it lives, that the demonstration runs in this folder."""
    try:
        VAR.mkdir(mode=0o700, exist_ok=True)
        file = (VAR / "run.lock").open("a")
    except OSError as problem:
        raise SetupError(
            f"Nothing can be written into {ROOT} ({problem.strerror}): "
            "copy the project into a folder of your own and start there."
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SetupError(
            "The demonstration already runs in this folder: use that one, or stop it with Ctrl-C."
        ) from None
    return file


def settings(sandbox: str) -> dict[str, str]:
    """The settings that follow from the sandbox's origin; they win over `.env`."""
    return {
        "WOLKVOX_BASE_URL": f"{sandbox}/wv{{server}}/api/v2/",
        "STORAGE_HOSTS": f"{sandbox}/storage/wvox-",
    }


def make_env_file(settings: Mapping[str, str]) -> None:
    """Write `.env` with new keys, whole or not at all, unless there is one."""
    if ENV_FILE.exists():
        return
    text = ENV_TEMPLATE.format(
        secret_key=environment.random_secret(),
        token_key=environment.random_token_key(),
        base_url=settings["WOLKVOX_BASE_URL"],
        storage_host=settings["STORAGE_HOSTS"],
    )
    draft = VAR / ".env.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.rename(ENV_FILE)


def require_demo() -> None:
    """Refuse a real installation's folder before anything touches its database."""
    if not SAYS_DEMO.search(ENV_FILE.read_text(encoding="utf-8")):
        raise SetupError(
            ".env does not say DEMO=true, so it belongs to a real installation: "
            "start the demonstration in a fresh copy of the project."
        )


def prepare(programs: Mapping[str, str]) -> dict[str, Any]:
    """Database, static files, and the demonstration's data as `seed_demo --json` tells them.

    `programs` is the environment that Django is started with.
    """
    _manage("migrate", "-v0", programs=programs)
    stamp, digest = VAR / "static.sha256", _static_digest()
    if not stamp.exists() or stamp.read_text() != digest:
        _manage("collectstatic", "--noinput", "-v0", programs=programs)
        stamp.write_text(digest)
    state = ("--state", str(SANDBOX_STATE))
    seeded: dict[str, Any] = json.loads(_manage("seed_demo", "--json", *state, programs=programs))
    return seeded


def new_passwords() -> str:
    """New passwords for the people of the demonstration, a line each."""
    if not (ENV_FILE.exists() and PYTHON.exists()):
        raise SetupError("There is no demonstration here yet: start it with 'make run'.")
    require_demo()
    state = ("--state", str(SANDBOX_STATE))
    return _manage(
        "seed_demo", "--new-passwords", *state, programs=environment.environment_with({})
    )


def _manage(*arguments: str, programs: Mapping[str, str]) -> str:
    done = subprocess.run(
        [PYTHON, "manage.py", *arguments],
        cwd=ROOT,
        env=programs,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    words = done.stderr.strip().splitlines() or ["no reason given"]
    if len(words) == 1:
        raise SetupError(words[0].removeprefix("CommandError: "))
    print(*words[-20:], sep="\n", file=sys.stderr)
    raise SetupError(f"'manage.py {arguments[0]}' failed: its last words stand above.")


def _static_digest() -> str:
    """Changes when a static file or an installed package has changed."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        if path.is_file():
            state = path.stat()
            digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()
