"""The person's own Tweets."""

from __future__ import annotations

from flask import render_template

from app.accounts.people import Person
from app.pages import reads
from app.pages.reader import Reader
from app.pages.visitor import for_signed_in
from app.services import services


@for_signed_in
def tweets(person: Person) -> str:
    """GET /tweets: the newest ones; in the beta, which has no timeline, the pinned one."""
    read = reads.tweets(person.profile.id, services().dialect)
    panels = Reader.of(person).panels(tweets=read)
    return render_template("tweets.html", dialect=services().dialect, **panels)
