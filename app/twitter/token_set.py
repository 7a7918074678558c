"""What Twitter hands over when someone says yes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """An access token, its expiry (UTC), the granted scopes, and a refresh token if any."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False, default=None)
    expires_at: datetime
    scopes: frozenset[str]
