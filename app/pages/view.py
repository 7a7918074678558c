"""One page with panels: shown, or one of its panels read anew and the page shown again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages.panels import Reader
from app.pages.queries import Read
from app.services import services

# Who asks for new data gets it, but pressing twice costs once.
NEW_ENOUGH = timedelta(seconds=5)
# So long another worker, which remembers an older answer, is told of the button.
_TOLD_FOR = timedelta(seconds=60)
_ANEW = "anew"


def shown(
    person: Person,
    template: str,
    reads: Mapping[str, Read[Any]],
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> ResponseReturnValue:
    """Answer with `template` and a panel for each of `reads`.

    A POST is the refresh button of one panel: it is read anew, and the browser comes back with
    GET, so that loading the page again costs nothing. A HEAD reads nothing.
    """
    if request.method == "HEAD":
        return ""
    if request.method == "POST":
        panel = request.form.get("refresh", "")
        if panel in reads and services().cache is not None:  # without one, the GET reads it anyway
            Reader.of(person, anew={panel: NEW_ENOUGH}).panels(**{panel: reads[panel]})
            session[_ANEW] = [_this_page(), panel, services().now().timestamp()]
        return redirect(request.full_path.removesuffix("?"), code=303)
    panels = Reader.of(person, anew=_wanted_anew()).panels(**reads)
    return render_template(template, **panels, **context)


def _wanted_anew() -> Mapping[str, timedelta]:
    """Return how young the panel must be whose button was pressed just now, if one was."""
    page, panel, pressed_at = session.get(_ANEW, ("", "", 0))
    # Another machine, whose clock is ahead, may have noted it.
    ago = max(timedelta(0), services().now() - datetime.fromtimestamp(pressed_at, tz=UTC))
    return {panel: ago + NEW_ENOUGH} if page == _this_page() and ago < _TOLD_FOR else {}


def _this_page() -> str:
    """Tell pages apart by path and query: other ids, or the next part of a list, are another page.

    A hash, because a hundred ids are longer than a cookie should be.
    """
    query = urlencode(sorted(request.args.items(multi=True)))
    return hashlib.sha256(f"{request.path}?{query}".encode()).hexdigest()[:16]
