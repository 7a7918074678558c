"""The rows: people, their sessions and grants, used states, revocations to send and received."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.database import UtcDateTime
from app.storage.extensions import Model

_LIVES = text("ended_at IS NULL")


class User(Model):
    """A person, known by Twitter's user id, which never changes. Everything else may."""

    __tablename__ = "users"
    # SQLite would hand out the highest id again after its row is deleted.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own spelling

    # SQLite counts up by itself only in a column declared INTEGER.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    twitter_id: Mapped[str] = mapped_column(String(19), unique=True)
    username: Mapped[str] = mapped_column(Text)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Part of every cache key: one more makes what was read for this person unreachable.
    cache_epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # The same for each topic that an action changes ("follows"), and for what depends on it alone.
    epochs: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When their last session ended, or later the grant, by the store's own clock. A sign-in clears
    # it.
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class Session(Model):
    """One browser in which a person is signed in. Its cookie carries the id."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # In words ("Firefox on Linux"), so that people know their browsers again.
    browser: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Written every few minutes at most.
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    end_reason: Mapped[str | None] = mapped_column(String(32))
    # Seconds since 1970 by the store's own clock, if it ended because the grant was refused: a
    # sign-in that was under way at that moment revives it.
    refused_at: Mapped[float | None]
    # How the sign-in went (`app.accounts.sign_in_record`); none if it is older than these records.
    sign_in_record: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Grant(Model):
    """A person's consent, until it is revoked: Twitter keeps one living grant of each person.

    The tokens are sealed; a grant that has ended holds none.
    """

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    access_token: Mapped[str | None] = mapped_column(Text)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    # When Twitter answered the exchange, in seconds since 1970 by the store's own clock: of two
    # sign-ins at once the later answer counts, whichever is stored first.
    exchanged_at: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # By the store's own clock. None: no refresh since the last sign-in.
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # One more with every new token set: a worker that read an older one does not overwrite it.
    generation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_owner: Mapped[str | None] = mapped_column(String(32))
    # Seconds since 1970 by the store's own clock, because the clocks of machines differ.
    lease_until: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    end_reason: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (
        Index(
            "uq_grants_living",
            "user_id",
            unique=True,
            sqlite_where=_LIVES,
        ),
    )


def declare_for_postgresql() -> None:
    """Say where the partial index is partial on PostgreSQL: Alembic compares it.

    Its dialect takes 2 MB of a process, so that a site on SQLite declares nothing for it.
    """
    for index in Model.metadata.tables["grants"].indexes:
        if index.name == "uq_grants_living":
            index.dialect_kwargs["postgresql_where"] = _LIVES


class Usage(Model):
    """The calls for one person to one endpoint on one day (UTC), and the items they returned."""

    __tablename__ = "usage"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    route: Mapped[str] = mapped_column(String(64), primary_key=True)
    calls: Mapped[int] = mapped_column(Integer)
    items: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index(None, "day"),)


class PerformedAction(Model):
    """An action of a person, claimed before the call to Twitter: it is performed once at most."""

    __tablename__ = "actions"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    action: Mapped[str] = mapped_column(String(32), primary_key=True)
    target_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    # The id of the form in which it was pressed.
    once: Mapped[str] = mapped_column(String(40), primary_key=True)
    # None: no answer of Twitter is known.
    result: Mapped[str | None] = mapped_column(String(16))
    # By the store's own clock.
    performed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "performed_at"),)


class UsedState(Model):
    """A state that came back, once. Kept an hour, longer than any flow cookie lives.

    Both times are by the store's own clock.
    """

    __tablename__ = "used_states"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    session_id: Mapped[str | None] = mapped_column(String(32))
    recorded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "used_at"),)


class Ending(Model):
    """A person disconnected, or logged out everywhere: older sign-ins must not undo it.

    Kept a quarter of an hour, longer than a sign-in may be under way.
    """

    __tablename__ = "endings"

    twitter_id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Seconds since 1970 by the store's own clock.
    ended_at: Mapped[float]


class Revocation(Model):
    """A sealed token that Twitter must still be told to kill: the outbox.

    A deliverer moves `due_at` ahead first, and so has the row to itself for a while.
    """

    __tablename__ = "revocations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token: Mapped[str] = mapped_column(Text)
    # The associated data that the token was sealed with, if it came sealed from a grant.
    sealed_for: Mapped[str | None] = mapped_column(Text)
    token_type_hint: Mapped[str] = mapped_column(String(16))
    # The person's id at Twitter: a sign-in of theirs deletes the row. None: not known yet.
    twitter_id: Mapped[str | None] = mapped_column(String(19), index=True)
    # The row of the access token that must tell first whose token this is.
    waits_for: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    refusals: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The next attempt, in seconds since 1970 by the store's own clock.
    due_at: Mapped[float]
    # Refused too often to be tried again; the operator has to look.
    dead_letter_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "due_at"),)


class RevocationEvent(Model):
    """X said that a person revoked this site's access. Kept a week, so that a repeat is known."""

    __tablename__ = "revocation_events"

    event_uuid: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # By X's clock, in whole seconds. None: X did not say when.
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # This and `due_at` are seconds since 1970 by the store's own clock.
    received_at: Mapped[float]
    # When the grant is tried next. None: the event is done.
    due_at: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    __table_args__ = (Index(None, "due_at"),)
