"""Endings of sessions that the database did not take: this process keeps them and tries again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.background_worker import BackgroundWorker

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeptEndings:
    """Tries endings again until the database takes them, or this process ends."""

    def __init__(self) -> None:
        self._worker = BackgroundWorker("end of a session", gives_up=False)
        self._sessions: set[str] = set()

    def at_once(self, session_id: str | None, end: Callable[[], T]) -> T | None:
        """Return what `end` returns; None if the database does not answer, and `end` is kept.

        Until it succeeds, this process serves the session no more (`holds`).
        """
        try:
            return end()
        except SQLAlchemyError as error:
            log.warning("the end of a session is kept: %s", type(error).__name__)
        if session_id is not None:
            self._sessions.add(session_id)
        self._worker.take(partial(self._try, session_id, end))
        return None

    def holds(self, session_id: str) -> bool:
        """Tell whether a session waits for its end."""
        return session_id in self._sessions

    def stop(self) -> None:
        """Try no more. Sessions that are left end by their age."""
        self._worker.stop()

    def _try(self, session_id: str | None, end: Callable[[], object]) -> None:
        end()
        if session_id is not None:
            self._sessions.discard(session_id)
