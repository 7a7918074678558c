"""The sections of the site beside its home page, in the order of the navigation."""

from __future__ import annotations

from app.pages import (
    account,
    follows,
    people,
    privacy,
    sign_in,
    spaces,
    tweets,
)

SECTIONS = (
    tweets.SECTION,
    follows.SECTION,
    people.SECTION,
    spaces.SECTION,
    account.SECTION,
    sign_in.SECTION,
    privacy.SECTION,
)
