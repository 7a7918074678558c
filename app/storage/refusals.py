"""Database errors in words for the operator."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

# A part of the error text, and its meaning. The first match counts.
_MEANINGS = {
    "password authentication failed": "it does not accept user and password",
    "no password supplied": "it wants a password",
    "permission denied": "its user may not do this",
    "no such column": "it has older tables",
    'column "': "it has older tables",
    "disk is full": "its disk is full",
    "No space left on device": "its disk is full",
    "no such table": "it has no tables yet, or older ones",
    'relation "': "it has no tables yet, or older ones",
    "does not exist": "it has no such database or user",
    "translate host name": "its name is not known here (DNS)",
    "resolve host": "its name is not known here (DNS)",
    "refused": "nothing takes the connection",
    "No such file": "nothing listens on that socket",
    "timeout": "it does not answer in time",
    "timed out": "it does not answer in time",
    "read-only transaction": "it may be read but not written: a standby, perhaps",
    "readonly database": "its file cannot be written to",
    "database is locked": "another process has locked it",
    "unable to open database file": "its file or folder cannot be opened",
    "file is not a database": "the file is something else",
}


def in_words(error: SQLAlchemyError) -> str:
    """Return what `error` means, or else its class: its own text may hold secrets."""
    text = str(getattr(error, "orig", None) or error)
    known = (meaning for words, meaning in _MEANINGS.items() if words in text)
    return next(known, type(error).__name__)
