"""Perch itself; each answer says in headers what it took.

How many SQL statements: the beginnings and ends of transactions are none of ours. And how long
its thread worked to have a usable token: waiting for the provider is no work.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from flask import Response, g, has_request_context
from sqlalchemy import event

from app import create_app
from app.gateway.token_refresh import LivingToken
from app.storage.extensions import db
from benchmarks.sites import FRESHNESS_HEADER, STATEMENTS_HEADER
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


freshness = app.extensions["perch"].tokens
living_token = freshness.living_token


def timed(*args: Any, **kwargs: Any) -> LivingToken:  # noqa: ANN401 - whatever it takes
    """Return a usable token, and note how long that kept this thread busy."""
    began = time.thread_time()
    try:
        return living_token(*args, **kwargs)
    finally:
        g.token_ms = 1000 * (time.thread_time() - began)


freshness.living_token = timed


@app.after_request
def tell(response: Response) -> Response:
    """Say the figures in headers."""
    response.headers[STATEMENTS_HEADER] = str(g.get("statements", Counter())["all"])
    response.headers[FRESHNESS_HEADER] = f"{g.get('token_ms', 0):.4f}"
    return response
