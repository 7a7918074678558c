"""Pages of a list, and opaque tokens that open only the list they belong to."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Any

_SEAL = 6
_OFFSET = 4


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes and opens the tokens of one list. `name` says whose it is, and for which viewer."""

    secret: bytes = field(repr=False)
    name: str

    def seal(self, offset: int) -> str:
        """Return a token of 16 characters of base32hex, as the specification wants it."""
        where = offset.to_bytes(_OFFSET, "big")
        return base64.b32hexencode(self._mark(where) + where).decode()

    def open(self, token: str) -> int | None:
        """Return the offset of a token, or None if it is not one of this list's."""
        try:
            raw = base64.b32hexdecode(token)
        except (binascii.Error, ValueError):
            return None
        mark, where = raw[:_SEAL], raw[_SEAL:]
        if len(where) != _OFFSET or not hmac.compare_digest(mark, self._mark(where)):
            return None
        return int.from_bytes(where, "big")

    def meta(self, total: int, start: int, size: int) -> dict[str, Any]:
        """Return the `meta` of one page: its size, and the tokens of its neighbours."""
        count = max(0, min(size, total - start))
        meta: dict[str, Any] = {"result_count": count}
        if start + size < total:
            meta["next_token"] = self.seal(start + size)
        if start > 0:
            meta["previous_token"] = self.seal(max(0, start - size))
        return meta

    def _mark(self, where: bytes) -> bytes:
        return hmac.digest(self.secret, self.name.encode() + where, "sha256")[:_SEAL]
