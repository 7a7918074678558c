"""Alive, and ready: two questions that load balancers ask."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import limiter
from app.services import services

health = Blueprint("health", __name__)
limiter.exempt(health)


@health.get("/healthz")
def healthz() -> Response:
    """Answer while the process lives. Touches nothing."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database does, else 503."""
    try:
        with services().database.reading() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return Response("the database does not answer\n", status=503, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")
