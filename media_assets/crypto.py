"""What seals the vendor's tokens: AES-256-GCM under a keyring that can be rotated.

A sealed token reads `v1.<key id>.<base64url of nonce and ciphertext>`. Its associated data are the
version, the key id, the operation and the origin, so that a value copied to another row or host
does not open. Sources: NIST SP 800-38D (GCM, 96-bit nonces), RFC 5869 (HKDF), RFC 4648 §5.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext_lazy as _

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
SEALED = re.compile(r"v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{38,})")


class KeyringError(Exception):
    """TOKEN_KEYS holds no usable key; `str()` says what is wrong with it, never a value."""

    sentence = _(
        "The key that seals tokens is missing or damaged. "
        "Ask whoever runs this server to check TOKEN_KEYS."
    )


class Unopenable(Exception):
    """No key opens this value: its key is gone, or it was changed, or it was moved."""

    sentence = _(
        "The stored token cannot be opened: its key is gone, or it was changed. "
        "Ask whoever runs this server to check TOKEN_KEYS, or remove the token and enter it again."
    )


class NoAddress(Unopenable):
    """The token is not opened, because the address it would go to is not acceptable."""

    sentence = _(
        "The address of this operation is not acceptable, so its token was not touched and "
        "nothing was sent. Check that the server is four digits; if it is, ask whoever runs this "
        "server to check WOLKVOX_BASE_URL."
    )


@dataclass(frozen=True, eq=False)
class _Key:
    id: str
    aead: AESGCM = field(repr=False)
    mac: bytes = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Keys are neither pickled nor copied.")


@dataclass(frozen=True, eq=False)
class Keyring:
    """The keys of TOKEN_KEYS, newest first; its repr shows their ids only."""

    keys: tuple[_Key, ...]

    @property
    def newest_id(self) -> str:
        return self.keys[0].id

    @property
    def ids(self) -> list[str]:
        """The id of every key, 8 hex digits each, newest first."""
        return [key.id for key in self.keys]

    def get(self, key_id: str) -> _Key | None:
        return next((key for key in self.keys if key.id == key_id), None)


def keyring() -> Keyring:
    """The keys of settings.TOKEN_KEYS as they are now. Raises KeyringError."""
    # The message is made where the keys are, and raised here, where no variable holds one.
    ring, problem = _build(tuple(settings.TOKEN_KEYS))
    if ring is None:
        raise KeyringError(problem)
    return ring


def seal(token: str, *, operation: uuid.UUID, origin: str) -> str:
    """Seal a token for one operation and one origin (`scheme://host:port`).

    The result is ASCII, different at every call. Raises KeyringError.
    """
    try:
        key = keyring().keys[0]
    except KeyringError:
        del token  # error reports print the variables of a frame
        raise
    nonce = secrets.token_bytes(NONCE_BYTES)
    context = _context(key.id, operation=operation, origin=origin)
    sealed = nonce + key.aead.encrypt(nonce, _plain(token), context)
    return f"{VERSION}.{key.id}.{_encode(sealed)}"


def reveal(sealed: str, *, operation: uuid.UUID, origin: str) -> str:
    """The token in the clear. Raises KeyringError, or Unopenable when no key opens the value."""
    sealed_with, body = _parts(sealed)
    key = keyring().get(sealed_with)
    if key is None:
        raise Unopenable(f"The key {sealed_with} that sealed this value is not in TOKEN_KEYS.")
    token = _open(body, key=key, context=_context(key.id, operation=operation, origin=origin))
    if token is None:
        raise Unopenable(f"The key {key.id} does not open this value: changed, moved or damaged.")
    return token


def opens(sealed: str, *, operation: uuid.UUID, origin: str) -> bool:
    """Whether `reveal` would give a token. Raises KeyringError."""
    try:
        reveal(sealed, operation=operation, origin=origin)
    except Unopenable:
        return False
    return True


def seal_text(text: str, *, purpose: str) -> str:
    """Seal another secret of the product's own, for one purpose. Raises KeyringError."""
    try:
        key = keyring().keys[0]
    except KeyringError:
        del text
        raise
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + key.aead.encrypt(nonce, _plain(text), _purpose(key.id, purpose))
    return f"{VERSION}.{key.id}.{_encode(sealed)}"


def open_text(sealed: str, *, purpose: str) -> str:
    """What `seal_text` has sealed for this purpose. Raises KeyringError or Unopenable."""
    sealed_with, body = _parts(sealed)
    key = keyring().get(sealed_with)
    if key is None:
        raise Unopenable(f"The key {sealed_with} that sealed this value is not in TOKEN_KEYS.")
    text = _open(body, key=key, context=_purpose(key.id, purpose))
    if text is None:
        raise Unopenable(f"The key {key.id} does not open this value: changed, moved or damaged.")
    return text


def key_id(sealed: str) -> str:
    """The id (8 hex digits) of the key that sealed a value. Raises Unopenable if malformed."""
    return _parts(sealed)[0]


def fingerprints(token: str) -> list[str]:
    """HMAC-SHA-256 of a token under each key, newest first, 64 hex digits. Raises KeyringError.

    Two operations hold the same token when the stored fingerprint of one is among these,
    also while keys rotate.
    """
    try:
        keys = keyring().keys
    except KeyringError:
        del token
        raise
    return [_mac(token, key=key) for key in keys]


def generate_key() -> str:
    """A new key for TOKEN_KEYS: 32 random bytes as 43 characters of base64url."""
    return _encode(secrets.token_bytes(KEY_BYTES))


@lru_cache(maxsize=4)
def _build(texts: tuple[str, ...]) -> tuple[Keyring | None, str]:
    """The keyring, or None and what is wrong with TOKEN_KEYS. A key listed twice counts once."""
    if not texts:
        return None, "TOKEN_KEYS holds no key."
    keys: dict[bytes, _Key] = {}
    for number, text in enumerate(texts, start=1):
        secret = _decode(text.strip().rstrip("="))
        if secret is None or len(secret) != KEY_BYTES:
            return None, (
                f"Key {number} of {len(texts)} in TOKEN_KEYS is malformed: "
                f"it has to be {KEY_BYTES} random bytes in base64url."
            )
        keys.setdefault(secret, _key(secret))
    ring = Keyring(tuple(keys.values()))
    if len(set(ring.ids)) < len(ring.ids):
        return None, "Two keys in TOKEN_KEYS have the same id: replace the newer one."
    return ring, ""


def _key(secret: bytes) -> _Key:
    return _Key(
        id=hashlib.sha256(b"media_assets key id\x00" + secret).hexdigest()[:8],
        aead=AESGCM(_derive(secret, purpose=b"media_assets seal v1")),
        mac=_derive(secret, purpose=b"media_assets fingerprint v1"),
    )


def _derive(secret: bytes, *, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


def _context(key_id: str, *, operation: uuid.UUID, origin: str) -> bytes:
    # The origin comes last: nothing before it can hold the separator.
    return f"{VERSION}\x00{key_id}\x00{operation.hex}\x00".encode() + _plain(origin)


def _purpose(key_id: str, purpose: str) -> bytes:
    # An operation's context has its 32 hex digits where this one has a word.
    return f"{VERSION}\x00{key_id}\x00purpose\x00".encode() + _plain(purpose)


def _plain(text: str) -> bytes:
    # A lone surrogate would otherwise end in an exception that carries the text.
    return text.encode("utf-8", "surrogatepass")


def _parts(sealed: str) -> tuple[str, bytes]:
    match = SEALED.fullmatch(sealed)
    body = _decode(match[2]) if match else None
    if match is None or body is None:
        raise Unopenable("This is not a sealed value of a known version.")
    return match[1], body


def _open(body: bytes, *, key: _Key, context: bytes) -> str | None:
    try:
        plain = key.aead.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], context)
    except InvalidTag:
        return None
    return plain.decode("utf-8", "surrogatepass")


def _mac(token: str, *, key: _Key) -> str:
    return hmac.new(key.mac, _plain(token), hashlib.sha256).hexdigest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes | None:
    """Bytes of unpadded base64url, or None; only the one canonical spelling counts."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
