"""Token sets at rest: sealed, and bound to the row and field they belong to.

A sealed value reads `v1.<key id>.<base64url of nonce and ciphertext>` (AES-256-GCM, NIST SP
800-38D). Its table, column and row are the associated data, so a token moved to another row or
field does not open. The first key of the ring seals; all of them open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.accounts.errors import CannotOpen

VERSION = "v1"
_NONCE_BYTES = 12
KEY_ID_CHARACTERS = 8


def associated_data(table: str, column: str, row: str) -> str:
    """Return the associated data of a field: its table, column and row."""
    return f"{table}.{column}:{row}"


def outbox_associated_data(row: str, sealed_for: str | None) -> str:
    """Return the associated data of a row in the outbox: the field it came from, or its own."""
    return sealed_for or associated_data("revocations", "token", row)


class TokenCipher:
    """Seals and opens with the key ring `TOKEN_KEYS`."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Take the ring: the first key seals, all open."""
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])

    @property
    def newest_key_id(self) -> str:
        """The public name of the key that seals."""
        return self._current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The public names of all keys, the newest first."""
        return tuple(self._keys)

    def seal(self, secret: str, *, at: str) -> str:
        """Return `secret` sealed with the associated data `at`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(
            nonce, secret.encode(), _bound(self._current, at)
        )
        return f"{VERSION}.{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, at: str) -> str:
        """Return the secret that was sealed with the associated data `at`; raise `CannotOpen`."""
        key_id = key_id_of(sealed)
        if key_id not in self._keys:
            raise CannotOpen("sealed with a key that is not in TOKEN_KEYS")
        try:
            raw = base64.b64decode(sealed.rpartition(".")[2], altchars=b"-_", validate=True)
            opened = self._keys[key_id].decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(key_id, at)
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise CannotOpen("changed, or moved from another place") from None
        return opened.decode()


def key_id_of(sealed: str) -> str:
    """Return the public name of the key that a value is sealed with; empty if it is not sealed."""
    version, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if version == VERSION else ""


def _key_id(key: bytes) -> str:
    """Return a short public name of a key: it tells keys apart and nothing about them."""
    return hashlib.sha256(b"perch token key id" + key).hexdigest()[:KEY_ID_CHARACTERS]


def _bound(key_id: str, at: str) -> bytes:
    return f"{VERSION}.{key_id}.{at}".encode()
