"""The start page: an invitation before signing in, an overview after it."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import queries
from app.pages.panels import render_panels
from app.services import services
from app.twitter.endpoints import SPACES_BY_CREATORS
from app.web.current_person import current_person
from app.web.messages import permission_words


def home() -> ResponseReturnValue:
    """GET /. `next` goes along with the sign-in, which checks it before redirecting there."""
    person, dialect = current_person(), services().dialect
    if person is None:
        return render_template(
            "home_signed_out.html",
            asked=[permission_words(permission) for permission in dialect.at_sign_in],
            next_path=request.args.get("next", ""),
        )
    user_id = person.profile.id
    return render_panels(
        person,
        "home.html",
        {
            "tweets": queries.tweets(user_id, dialect, at_most=queries.ON_HOME),
            "following": queries.faces(user_id, dialect, with_spaces=_shows_spaces(person)),
            "spaces": queries.spaces(user_id, dialect),
        },
    )


def _shows_spaces(person: Person) -> bool:
    """Return whether the panel of Spaces will request the list of followed people as well."""
    granted = services().calls.may(person, SPACES_BY_CREATORS)
    return (
        granted and services().quota.why_unavailable(SPACES_BY_CREATORS, person.profile.id) is None
    )
