"""The person's own Tweets."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import reads
from app.pages.view import shown
from app.pages.visitor import for_signed_in
from app.services import services


@for_signed_in
def tweets(person: Person) -> ResponseReturnValue:
    """GET /tweets: the newest ones; in the beta, which has no timeline, the pinned one."""
    read = reads.tweets(person.profile.id, services().dialect)
    return shown(person, "tweets.html", {"tweets": read})
