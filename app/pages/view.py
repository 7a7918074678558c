"""One page with panels: shown, or one of its panels read anew and the page shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages.reader import Reader
from app.pages.reads import Read


def shown(
    person: Person,
    template: str,
    reads: Mapping[str, Read[Any]],
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> ResponseReturnValue:
    """Answer with `template` and a panel for each of `reads`.

    A POST is the refresh button of one panel: it is read anew, and the browser comes back with
    GET, so that loading the page again costs nothing.
    """
    if request.method == "POST":
        anew = request.form.get("refresh", "")
        if anew in reads:
            Reader.of(person, anew=anew).panels(**{anew: reads[anew]})
        return redirect(request.full_path.removesuffix("?"), code=303)
    return render_template(template, **Reader.of(person).panels(**reads), **context)
