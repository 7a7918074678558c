"""`flask doctor` checks the whole set-up, and says what to fix."""

from __future__ import annotations

from app.doctor.command import init_app, is_called, without_app

__all__ = ["init_app", "is_called", "without_app"]
