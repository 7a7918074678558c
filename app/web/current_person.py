"""The person who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from flask_login import current_user, login_required

from app.accounts.people import Person

# Flask-Login keeps the id of the session under this name.
SESSION_ID = "_user_id"

P = ParamSpec("P")
R = TypeVar("R")


def current_person() -> Person | None:
    """Return the person who is signed in, and not Flask-Login's proxy.

    Other threads may read it, and templates read it many times.
    """
    if not current_user.is_authenticated:
        return None
    return cast("Person", current_user._get_current_object())  # noqa: SLF001 - the only way to it


def for_signed_in(view: Callable[Concatenate[Person, P], R]) -> Callable[P, R]:
    """Pass the person to the view; send people who are not signed in to the start page."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        person = cast("Person", current_person())
        return view(person, *args, **kwargs)

    return cast("Callable[P, R]", login_required(guarded))
