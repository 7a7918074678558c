"""Whom the person follows, and who follows them."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import reads
from app.pages.view import shown
from app.pages.visitor import for_signed_in


@for_signed_in
def follows(person: Person) -> ResponseReturnValue:
    """GET /follows."""
    read = reads.following(person.profile.id)
    return shown(person, "follows.html", {"people": read})


@for_signed_in
def followers(person: Person) -> ResponseReturnValue:
    """GET /follows/followers."""
    read = reads.followers(person.profile.id)
    return shown(person, "follows.html", {"people": read})
