"""Handles in the shape seen in public: nine fields between colons, one or several lines."""

import base64
import hashlib
import hmac
import secrets
import time

LIFETIME = 345_600
LINES_WHEN_MULTILINE = 3
FILE_NAME_BYTES = 18  # keeps a line with a file name within the 236 characters seen

MIME_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "3gp": "video/3gpp",
    "pdf": "application/pdf",
    "html": "text/html",
}


def mime_type_of(name: str) -> str:
    extension = name.rpartition(".")[2].lower()
    return MIME_TYPES.get(extension, "application/octet-stream")


def new_handle(file_name: str, *, server: str, lifetime: int = LIFETIME) -> str:
    """A handle for `file_name`: one line of 191 to 236 characters, expiring `lifetime` seconds on.

    `multiline` in the file's name gives three lines, `con-nombre` fills the file name field.
    """
    lines = LINES_WHEN_MULTILINE if "multiline" in file_name else 1
    expires = int(time.time()) + lifetime
    return "\n".join(_line(file_name, server=server, expires=expires) for _ in range(lines))


def is_issued(handle: str, *, server: str) -> bool:
    """Whether every line of `handle` was made for this server.

    The last field is a keyed digest of the others (ours), so that handles outlive a restart.
    """
    return all(_is_issued_line(line, server=server) for line in handle.split("\n"))


def _line(file_name: str, *, server: str, expires: int) -> str:
    shown_name = file_name.encode()[:FILE_NAME_BYTES] if "con-nombre" in file_name else b""
    fields = [
        "4",
        base64.b64encode(shown_name).decode(),
        base64.b64encode(mime_type_of(file_name).encode()).decode(),
        "AR" + secrets.token_urlsafe(81),
        "e",
        str(expires),
        "634974688087057",
        "100089620928913",
    ]
    return ":".join([*fields, _digest(":".join(fields), server=server)])


def _is_issued_line(line: str, *, server: str) -> bool:
    fields, _, digest = line.rpartition(":")
    return hmac.compare_digest(digest.encode(), _digest(fields, server=server).encode())


def _digest(text: str, *, server: str) -> str:
    key = f"sandbox {server}".encode()
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return "AR" + base64.urlsafe_b64encode(digest).decode()[:17]
