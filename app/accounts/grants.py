"""Grants: made when somebody says yes, ended when they leave. No tokens outlive their grant."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, insert, select, update

from app.accounts.errors import CannotOpen
from app.accounts.models import Grant
from app.accounts.outbox import Outbox
from app.accounts.sign_in_record import SignInRecord
from app.accounts.token_cipher import TokenCipher, place
from app.twitter.token_set import TokenSet

log = logging.getLogger(__name__)

_INSERT = insert(Grant)
_TOKENS = (
    select(Grant.access_token, Grant.refresh_token)
    .where(Grant.id == bindparam("grant_id"), Grant.ended_at.is_(None))
    .with_for_update()
)
_END = update(Grant).where(Grant.id == bindparam("grant_id"))


class EndReason(StrEnum):
    """Why a grant ended."""

    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REFUSED = "refused"
    DISCONNECTED = "disconnected"
    ENDED_BY_OPERATOR = "ended_by_operator"


class Grants:
    """Writes grants inside the caller's transaction."""

    def __init__(self, vault: TokenCipher, outbox: Outbox) -> None:
        """Seal with `vault`; hand tokens of ended grants to `outbox`."""
        self._vault = vault
        self._outbox = outbox

    def add(  # noqa: PLR0913 - what a row is made of, by name
        self,
        connection: Connection,
        user_id: int,
        token_set: TokenSet,
        *,
        browser: str,
        flight: SignInRecord | None = None,
        now: datetime,
    ) -> str:
        """Add a grant of the person `user_id`; return its id, which the session carries."""
        grant_id = secrets.token_hex(16)
        row = {"id": grant_id, "user_id": user_id, "browser": browser}
        row |= {"created_at": now, "seen_at": now, "flight": flight and flight.to_json()}
        connection.execute(_INSERT, row | self.columns(grant_id, token_set, now=now))
        return grant_id

    def columns(self, grant_id: str, token_set: TokenSet, *, now: datetime) -> dict[str, object]:
        """Return the columns that a token set fills, sealed for the row `grant_id`."""
        return {
            "access_token": self._sealed("access_token", token_set.access_token, grant_id),
            "refresh_token": self._sealed("refresh_token", token_set.refresh_token, grant_id),
            "scopes": " ".join(sorted(token_set.scopes)),
            "issued_at": now,
            "expires_at": token_set.expires_at,
        }

    def end(
        self,
        connection: Connection,
        grant_id: str,
        because: EndReason,
        *,
        generation: int | None = None,
        now: datetime,
    ) -> list[str]:
        """End a grant and put its tokens into the outbox, all in the caller's transaction.

        Returns the ids of the outbox rows, to be delivered once the transaction is committed;
        none if the grant had ended before, or is no longer of the `generation` that was judged.
        """
        query = _TOKENS
        if generation is not None:
            query = query.where(Grant.generation == generation)
        row = connection.execute(query, {"grant_id": grant_id}).one_or_none()
        if row is None:
            return []
        no_tokens = dict.fromkeys(("access_token", "refresh_token"))
        ended = {"ended_at": now, "ended_because": because}
        connection.execute(_END, {"grant_id": grant_id, **ended, **no_tokens})
        return [
            self._outbox.add(connection, token, column, now=now)
            for column, sealed in zip(("access_token", "refresh_token"), row, strict=True)
            if (token := self._opened(column, sealed, grant_id)) is not None
        ]

    def end_all(
        self, connection: Connection, grants: Iterable[str], because: EndReason, *, now: datetime
    ) -> list[str]:
        """End several grants as `end` does, in the caller's transaction."""
        return [
            row for grant_id in grants for row in self.end(connection, grant_id, because, now=now)
        ]

    def _sealed(self, column: str, token: str | None, grant_id: str) -> str | None:
        return token and self._vault.seal(token, at=place("grants", column, grant_id))

    def _opened(self, column: str, sealed: str | None, grant_id: str) -> str | None:
        """Open a token that is to be revoked; one that cannot be opened cannot be told either."""
        if sealed is None:
            return None
        try:
            return self._vault.open(sealed, at=place("grants", column, grant_id))
        except CannotOpen as error:
            log.warning("cannot revoke the %s of an ended grant: %s", column, error)
            return None
