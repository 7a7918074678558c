"""Alive, ready, and how it goes: what machines ask.

None of it is a page: no session, no cookie, no template, no rate limit, and by any host name.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar
from urllib.parse import urlsplit

import redis
from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import false, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.models import User
from app.accounts.outbox import Backlog
from app.services import Services, services
from app.storage.refusals import in_words
from app.storage.singleflight import SingleFlight
from app.web.rate_limits import REDIS_TIMEOUTS
from config import is_loopback

T = TypeVar("T")

EXTENSION = "health"
# Who asks has a deadline, too: load balancers give up after a few seconds.
READY_SECONDS = 2.0
CACHE_SECONDS = 1.0
BACKLOG_SECONDS = 2.0
# Any of these was set by a proxy: whoever really asks is not on this machine.
_PROXIES_SAY = ("Forwarded", "Via", "X-Real-IP")
_PROXIES_BEGIN = "X-Forwarded-"
# nginx, told nothing, adds no header; but it speaks like this, and no Prometheus does.
_PROXIES_SPEAK = "HTTP/1.0"

# Refused by a standby, for a lack of rights or tables, and by a file that is for reading only.
_WRITE_NOTHING = update(User).where(false()).values(cache_epoch=User.cache_epoch)

health = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Add the routes to `app`, whose services are installed."""
    app.extensions[EXTENSION] = SingleFlight()
    app.register_blueprint(health)


@health.get("/healthz")
def healthz() -> Response:
    """Answer while the process lives. Touches nothing."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database has our tables and takes what is written in time, else 503.

    Pages need no cache, so one that is away is only told of: if all machines left the load
    balancer with it, nobody could sign in.
    """
    here = services()
    try:
        trouble = _asked("trouble", lambda: _trouble(here), seconds=READY_SECONDS)
    except TimeoutError:
        trouble = f"no answer from the database within {READY_SECONDS:g} seconds"
    if trouble:
        return Response(f"{trouble}\n", 503, mimetype="text/plain")
    cache = "" if _cache_answers(here) else ", but the cache is away: Redis does not answer"
    return Response(f"ready{cache}\n", mimetype="text/plain")


@health.get("/metrics")
def metrics() -> Response:
    """Answer with all figures, to those who may see them."""
    if not _may_see_figures():
        return Response(_WHO_MAY, 403, mimetype="text/plain")
    here = services()
    page = here.metrics.page(_backlog(), now=here.now())
    return Response(page, content_type=CONTENT_TYPE_LATEST)


_WHO_MAY = """These figures are for the operator. With METRICS_TOKEN set, send it as a bearer token.
Without it, ask this machine directly, by its loopback address and through no proxy.
"""


def _may_see_figures() -> bool:
    """Tell whether the request carries METRICS_TOKEN; without one, whether it is from right here.

    Behind a proxy on this machine the whole world comes from loopback. And a browser on it may be
    talked into asking for somebody else's name that leads here: only our own names will do.
    """
    config = services().config
    if config.metrics_token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {config.metrics_token}".encode())
    name = urlsplit(f"//{request.host}").hostname or ""
    return (
        is_loopback(request.remote_addr or "")
        and (is_loopback(name) or request.host == urlsplit(config.public_url).netloc)
        and not _came_by_proxy()
    )


def _came_by_proxy() -> bool:
    return (
        request.environ.get("SERVER_PROTOCOL") == _PROXIES_SPEAK
        or any(name in request.headers for name in _PROXIES_SAY)
        or any(name.title().startswith(_PROXIES_BEGIN) for name, _ in request.headers)
    )


def _backlog() -> Backlog | None:
    """Return what is left in the outbox, unless the database cannot tell in time."""
    try:
        return _asked("backlog", services().outbox.backlog, seconds=BACKLOG_SECONDS)
    except (SQLAlchemyError, TimeoutError):
        return None


def _asked(key: str, question: Callable[[], T], *, seconds: float) -> T:
    """Ask the stores, which may hang, in another thread that all who ask share."""
    flight: SingleFlight = current_app.extensions[EXTENSION]
    return flight.ask(key, question, seconds=seconds)


def _trouble(here: Services) -> str:
    """Return what is not ready, in words; nothing if all is."""
    try:
        with here.database.writing() as connection:
            connection.execute(_WRITE_NOTHING)
    except SQLAlchemyError as error:
        return f"the database is not ready: {in_words(error)}"
    return ""


def _cache_answers(here: Services) -> bool:
    """Tell whether Redis answers in time; true without one."""
    url = here.config.redis_url
    try:
        return url is None or _asked("cache", lambda: _pings(url), seconds=CACHE_SECONDS)
    except (redis.RedisError, TimeoutError):
        return False


def _pings(url: str) -> bool:
    with closing(redis.Redis.from_url(url, **REDIS_TIMEOUTS)) as connection:
        return bool(connection.ping())
