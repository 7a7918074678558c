"""Who is looking at a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from flask_login import current_user, login_required

from app.accounts.people import Person

# Where Flask-Login keeps the session's id. Asking it for the person would ask the database.
SESSION_ID = "_user_id"

P = ParamSpec("P")
R = TypeVar("R")


def visitor() -> Person | None:
    """Return the signed-in person itself, not Flask-Login's stand-in.

    Other threads may read it, and templates ask it for many things.
    """
    if not current_user.is_authenticated:
        return None
    return cast("Person", current_user._get_current_object())  # noqa: SLF001 - the only way to it


def for_signed_in(view: Callable[Concatenate[Person, P], R]) -> Callable[P, R]:
    """Give the view the person; send those who are not signed in to the front door."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        person = cast("Person", visitor())
        return view(person, *args, **kwargs)

    return cast("Callable[P, R]", login_required(guarded))
