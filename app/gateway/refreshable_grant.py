"""A living grant as it was read, and the conditions under which it is still the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from app.accounts.errors import GrantEnded
from app.accounts.models import Grant, User
from app.accounts.shared import Shared
from app.accounts.token_cipher import associated_data
from app.storage.database import STORE_CLOCK

_EARLY = timedelta(minutes=5)
_EARLY_PART = 10
_JUST_NOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshableGrant:
    """A living grant as it was read, with its tokens opened."""

    grant_id: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    scopes: frozenset[str]
    user_id: int
    twitter_id: str
    exchanged_at: float
    issued_at: datetime
    expires_at: datetime
    refreshed_at: datetime | None
    generation: int
    lease_owner: str | None
    # By the store's clock, as `refreshed_at`.
    read_at: float

    @property
    def as_read(self) -> dict[str, object]:
        """The values that `AS_READ` compares with."""
        return {"grant_id": self.grant_id, "as_read": self.generation}

    @property
    def was_just_refreshed(self) -> bool:
        """Tell whether the token set came from a refresh a moment ago."""
        if self.refreshed_at is None:
            return False
        return self.read_at - self.refreshed_at.timestamp() < _JUST_NOW_SECONDS

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the access token is no longer valid."""
        return self.expires_at <= now

    def is_due(self, now: datetime) -> bool:
        """Tell whether the access token is to be refreshed: it expires in five minutes or less.

        If it lives for less than fifty minutes, the last tenth of its life counts.
        """
        early = min(_EARLY, (self.expires_at - self.issued_at) / _EARLY_PART)
        return self.expires_at - now <= early


_LIVING = (Grant.id == bindparam("grant_id"), Grant.ended_at.is_(None))
# The grant lives, and has had no refresh and no new sign-in since it was read.
AS_READ = (*_LIVING, Grant.generation == bindparam("as_read"))

_READ = (
    select(
        Grant.access_token,
        Grant.refresh_token,
        Grant.scopes,
        Grant.user_id,
        User.twitter_id,
        Grant.exchanged_at,
        Grant.issued_at,
        Grant.expires_at,
        Grant.refreshed_at,
        Grant.generation,
        Grant.lease_owner,
        STORE_CLOCK.label("read_at"),
    )
    .join(User, User.id == Grant.user_id)
    .where(*_LIVING)
)


def read_grant(shared: Shared, grant_id: str) -> RefreshableGrant:
    """Return the grant as it is now; raise `GrantEnded` if it does not live."""
    with shared.database.reading() as connection:
        row = connection.execute(_READ, {"grant_id": grant_id}).mappings().one_or_none()
    if row is None:
        raise GrantEnded("the grant has ended")
    values: dict[str, Any] = dict(row)
    for column in ("access_token", "refresh_token"):
        if values[column] is not None:
            place = associated_data("grants", column, grant_id)
            values[column] = shared.cipher.open(values[column], at=place)
    values["scopes"] = frozenset(values["scopes"].split())
    return RefreshableGrant(grant_id=grant_id, **values)
