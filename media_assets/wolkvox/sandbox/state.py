"""The tokens of the sandbox's operations, kept in a file so that they survive a restart."""

import json
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

DEFAULT_SERVERS = ("0042", "0077", "0099")


def new_operations(servers: Iterable[str] = DEFAULT_SERVERS) -> dict[str, str]:
    """`{server: token}` with random tokens of 52 lower-case hex digits."""
    return {server: secrets.token_hex(26) for server in servers}


def load_or_create(path: str | Path) -> dict[str, str]:
    """`{server: token}` from the state file, which is made (0600) when there is none.

    ValueError when the file is not one of the sandbox's, OSError when it cannot be read or made.
    """
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        _create(file)
    except FileExistsError:
        file.chmod(0o600)
    return _load(file)


def _create(file: Path) -> None:
    text = json.dumps({"operations": new_operations()}, indent=2) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _load(file: Path) -> dict[str, str]:
    try:
        operations = json.loads(file.read_text(encoding="utf-8"))["operations"]
        tokens = {str(server): str(token) for server, token in operations.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        tokens = {}
    if not tokens or not all(re.fullmatch(r"\d{4}", server) for server in tokens):
        raise ValueError(f"{file} is no state file of the sandbox; move it away or delete it.")
    return tokens
