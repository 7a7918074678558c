"""The start page: an invitation before signing in, an overview after it."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.pages.panels import render_panels
from app.pages.queries import Query
from app.pages.section import PANELS, Entry, Route, Section
from app.pages.sections import SECTIONS
from app.web.current_person import current_person

_PANELS = sorted((one.panel for one in SECTIONS if one.panel), key=lambda panel: panel.place)


def home() -> ResponseReturnValue:
    """GET /. `next` goes along with the sign-in, which checks it before redirecting there."""
    person = current_person()
    if person is None:
        return render_template("home_signed_out.html", next_path=request.args.get("next", ""))
    queries: dict[str, Query[Any]] = {}
    for panel in _PANELS:
        queries[panel.name] = panel.query(person, list(queries.values()))
    return render_panels(person, "home.html", queries, home_panels=_PANELS)


SECTION = Section(routes=(Route("/", home, PANELS),), entry=Entry("Home"))
