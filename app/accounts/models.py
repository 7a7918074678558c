"""The rows: people, what they granted, which states were used, which tokens must still die."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import UtcDateTime
from app.extensions import Model


class User(Model):
    """A person, known by Twitter's user id, which never changes. Everything else may."""

    __tablename__ = "users"

    # SQLite counts up by itself only in a column declared INTEGER.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    twitter_id: Mapped[str] = mapped_column(String(19), unique=True)
    username: Mapped[str] = mapped_column(Text)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Part of every cache key: one more makes all workers forget what they read for this person.
    cache_epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # The same for what depends on whom they follow, and for nothing else.
    follows_epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Grant(Model):
    """What a person agreed to in one browser, until it is revoked.

    The tokens are sealed; a grant that has ended holds none.
    """

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    access_token: Mapped[str | None] = mapped_column(Text)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # One more with every refresh: who read an older generation does not overwrite a newer one.
    generation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_owner: Mapped[str | None] = mapped_column(String(32))
    # Seconds since 1970 by the store's own clock; processes disagree about the time.
    lease_until: Mapped[float | None]
    # In words ("Firefox on Linux"), so that people know their browsers again.
    browser: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Written every few minutes at most.
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_because: Mapped[str | None] = mapped_column(String(32))
    # How the sign-in went (`app.accounts.sign_in_record`); none if it is older than these records.
    flight: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Usage(Model):
    """What one person's reads asked of one endpoint on one day (UTC)."""

    __tablename__ = "usage"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    route: Mapped[str] = mapped_column(String(64), primary_key=True)
    calls: Mapped[int] = mapped_column(Integer)
    items: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index(None, "day"),)


class UsedState(Model):
    """A state that came back, once. Kept an hour, longer than any flow cookie lives."""

    __tablename__ = "claims"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    grant_id: Mapped[str | None] = mapped_column(String(32))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "claimed_at"),)


class Revocation(Model):
    """A sealed token that Twitter must still be told to kill: the outbox.

    Who delivers a row moves `due_at` ahead first, and so has it alone for a while.
    """

    __tablename__ = "revocations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token: Mapped[str] = mapped_column(Text)
    token_type_hint: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    refusals: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Seconds since 1970 by the store's own clock, as a lease is.
    due_at: Mapped[float]
    # Refused too often to be tried again; a person has to look.
    parked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "due_at"),)
