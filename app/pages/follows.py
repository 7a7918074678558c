"""Whom the person follows, and who follows them."""

from __future__ import annotations

from flask import render_template

from app.accounts.people import Person
from app.pages import reads
from app.pages.reader import Reader
from app.pages.visitor import for_signed_in


@for_signed_in
def follows(person: Person) -> str:
    """GET /follows."""
    read = reads.following(person.profile.id)
    return render_template("follows.html", **Reader.of(person).panels(people=read))


@for_signed_in
def followers(person: Person) -> str:
    """GET /follows/followers."""
    read = reads.followers(person.profile.id)
    return render_template("follows.html", **Reader.of(person).panels(people=read))
