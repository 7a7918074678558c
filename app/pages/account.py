"""The account page: permissions, sessions, usage, export and disconnect."""

from __future__ import annotations

import json
import re

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask_login import logout_user
from werkzeug.wrappers import Response

from app.accounts.export import export_of
from app.accounts.people import Person
from app.accounts.sessions import ENDED_KEPT
from app.pages import usage
from app.pages.section import Entry, Route, Section
from app.pages.twitter_links import connected_apps_url
from app.services import services
from app.web.current_person import for_signed_in
from app.web.messages import logged_out, permission_purpose, permission_words, sign_in_ending

_SESSION_ID = re.compile(r"[0-9a-f]{32}")


@for_signed_in
def account(person: Person) -> str:
    """GET /account."""
    dialect = services().dialect
    granted = [p for p in dialect.permissions if dialect.scope(p) in person.scopes]
    return render_template(
        "account.html",
        granted=[(permission_words(p), permission_purpose(p)) for p in granted],
        lacking=[
            (p, permission_words(p), permission_purpose(p))
            for p in dialect.at_sign_in
            if p not in granted
        ],
        browsers=services().sessions.of(person.user_id),
        ended_days=ENDED_KEPT.days,
        sign_in_ending=sign_in_ending,
        periods=usage.periods(person),
        remaining=usage.remaining(person),
        unavailable=usage.unavailable(person),
        connected_apps_url=connected_apps_url(),
        logout_revokes=services().config.logout_revokes,
    )


@for_signed_in
def end_browser(person: Person) -> Response:
    """POST /account/browsers/end: log out one of the person's own sessions.

    Its id is in the form and not in the path, which proxies log.
    """
    given = request.form.get("session_id", "")
    session_id = given if _SESSION_ID.fullmatch(given) else ""  # else PostgreSQL may refuse it
    ended = services().sessions.log_out_one(person.user_id, session_id)
    if session_id == person.session_id:
        return _signed_out(logged_out(ended))
    flash(
        "That browser is logged out." if ended.sessions else "That browser was already logged out."
    )
    return redirect(url_for("pages.account"), code=303)


@for_signed_in
def end_others(person: Person) -> Response:
    """POST /account/browsers/end-others: log out everywhere else."""
    ended = services().sessions.log_out_everywhere_else(
        person.user_id, person.twitter_id, keep=person.session_id
    )
    flash(
        "You are logged out everywhere else."
        if ended.sessions
        else "You were not signed in anywhere else."
    )
    return redirect(url_for("pages.account"), code=303)


@for_signed_in
def export(person: Person) -> Response:
    """GET /account/export: everything stored about the person, except the tokens themselves."""
    stored = export_of(services().shared, person.user_id, person.twitter_id)
    body = json.dumps(stored, indent=2, ensure_ascii=False)
    response = make_response(body + "\n")
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
    return response


@for_signed_in
def disconnect_form(person: Person) -> str:
    """GET /account/disconnect: explain what will be deleted, and ask."""
    del person
    return render_template("disconnect.html", unsure=False)


@for_signed_in
def disconnect(person: Person) -> Response:
    """POST /account/disconnect: end the grant and delete all rows of the person."""
    if request.form.get("sure") != "yes":
        return make_response(render_template("disconnect.html", unsure=True), 400)
    services().departures.delete(person.user_id, person.twitter_id)
    return _signed_out(
        "You are disconnected. Your profile, your sign-ins and your usage counts are deleted, "
        "and cached copies of your data can no longer be found."
    )


def _signed_out(words: str) -> Response:
    logout_user()
    session.clear()
    flash(words)
    return redirect(url_for("pages.home"), code=303)


SECTION = Section(
    routes=(
        Route("/account", account),
        Route("/account/browsers/end", end_browser, ("POST",)),
        Route("/account/browsers/end-others", end_others, ("POST",)),
        Route("/account/export", export),
        Route("/account/disconnect", disconnect_form),
        Route("/account/disconnect", disconnect, ("POST",)),
    ),
    entry=Entry("Account"),
)
