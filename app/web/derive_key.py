"""Keys derived from `SECRET_KEY`, one for each purpose: none reveals another."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


def derived(secret: str, purpose: str) -> bytes:
    """Return the 32-byte key for `purpose` (HKDF-SHA-256, RFC 5869)."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode())
    return kdf.derive(secret.encode())
