"""Alive, and ready: two questions that load balancers ask."""

from __future__ import annotations

from contextlib import closing

import redis
from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.models import User
from app.rate_limits import REDIS_TIMEOUTS
from app.services import services

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """Answer while the process lives. Touches nothing."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database has our tables and Redis (if set) answers, else 503."""
    try:
        with services().database.reading() as connection:
            connection.execute(select(User.id).limit(1))
    except SQLAlchemyError:
        return _not_ready("the database does not answer, or was never upgraded")
    if (url := services().config.redis_url) and not _redis_answers(url):
        return _not_ready("Redis does not answer")
    return Response("ready\n", mimetype="text/plain")


def _redis_answers(url: str) -> bool:
    try:
        with closing(redis.Redis.from_url(url, **REDIS_TIMEOUTS)) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def _not_ready(why: str) -> Response:
    return Response(f"{why}\n", status=503, mimetype="text/plain")
