"""The body of the current request."""

from __future__ import annotations

from typing import Any

from flask import request


def sent_json() -> Any:  # noqa: ANN401 - JSON
    """Return the body as JSON; None for anything else, and for JSON that is nested too deep."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None
