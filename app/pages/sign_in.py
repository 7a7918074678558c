"""How signing in works in general, and how it went for this person."""

from __future__ import annotations

from collections.abc import Iterable

from flask import render_template

from app.accounts.people import Person
from app.accounts.sign_in_record import sign_in_record_of
from app.pages import sign_in_diagram
from app.pages.section import Route, Section
from app.services import services
from app.twitter.dialect import BY_NAME, LIVE
from app.web.current_person import for_signed_in
from app.web.messages import permission_words


@for_signed_in
def sign_in(person: Person) -> str:
    """GET /account/sign-in: the sign-in of this browser, step by step, with its times."""
    record = sign_in_record_of(services().database, person.session_id)
    if record is None:
        return render_template("sign_in.html", record=None)
    dialect = record.dialect
    return render_template(
        "sign_in.html",
        record=record,
        messages=sign_in_diagram.messages(record),
        callback_url=services().config.callback_url,
        phases=sign_in_diagram.phases(record),
        code_lifetime_ms=sign_in_diagram.CODE_LIFETIME_MS,
        granted=_in_words(record.asked & record.granted, dialect),
        refused=_in_words(record.asked - record.granted, dialect),
        unasked=_in_words(record.granted - record.asked, dialect),
    )


def how_it_works() -> str:
    """GET /how-it-works: the same with example times, for every visitor."""
    example = sign_in_diagram.example(
        "confidential" if services().config.twitter_client_secret else "public",
        services().dialect,
    )
    return render_template(
        "how_it_works.html",
        record=example,
        messages=sign_in_diagram.messages(example),
        callback_url=services().config.callback_url,
        is_example=True,
    )


def _in_words(scopes: Iterable[str], dialect: str) -> list[tuple[str, str]]:
    """Return each scope with a description; empty for a scope that this site does not know."""
    its = BY_NAME.get(dialect, LIVE)
    words = {its.scope(permission): permission_words(permission) for permission in its.permissions}
    return [(scope, words.get(scope, "")) for scope in sorted(scopes)]


SECTION = Section(
    routes=(Route("/account/sign-in", sign_in), Route("/how-it-works", how_it_works)),
)
