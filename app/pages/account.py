"""What this site may do for the person, and how to end that."""

from __future__ import annotations

from flask import render_template

from app.accounts.people import Person
from app.pages.twitter_site import connected_apps_url
from app.pages.visitor import for_signed_in
from app.pages.words import PERMISSIONS
from app.services import services
from app.twitter.dialect import AT_SIGN_IN, Permission


@for_signed_in
def account(person: Person) -> str:
    """GET /account."""
    granted = [p for p in Permission if services().dialect.scope(p) in person.scopes]
    return render_template(
        "account.html",
        granted=[(permission, PERMISSIONS[permission]) for permission in granted],
        lacking=[(p, PERMISSIONS[p]) for p in AT_SIGN_IN if p not in granted],
        connected_apps_url=connected_apps_url(),
    )
