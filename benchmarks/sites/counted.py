"""Perch itself; each answer says in a header how many SQL statements it took.

The beginnings and ends of transactions are not counted: they are no statements of ours.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Response, g, has_request_context
from sqlalchemy import event

from app import create_app
from app.extensions import db
from benchmarks.sites import STATEMENTS_HEADER
from config import Config

TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")

app = create_app(Config.from_env())
with app.app_context():
    engine = db.engine


@event.listens_for(engine, "before_cursor_execute")
def count(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:  # noqa: ANN401 - what the driver was given
    """Add one to the statements of this request."""
    if has_request_context() and not statement.startswith(TRANSACTION):
        g.setdefault("statements", Counter()).update(["all"])


@app.after_request
def tell(response: Response) -> Response:
    """Say the number in a header."""
    response.headers[STATEMENTS_HEADER] = str(g.get("statements", Counter())["all"])
    return response
