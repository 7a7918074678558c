"""The collaborators that every service of this room has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.accounts.token_cipher import TokenCipher
from app.observability.audit_log import AuditLog
from app.signals import Signals
from app.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The database, the cipher of its tokens, the clock (UTC), the audit log, and the signals."""

    database: Database
    cipher: TokenCipher
    clock: Callable[[], datetime]
    audit_log: AuditLog
    signals: Signals
