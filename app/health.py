"""Health and metrics, for machines.

These are no pages: no session, no cookie, no template, no rate limit, and any host name will do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.outbox import Backlog
from app.services import Services, services
from app.storage.refusals import in_words
from app.storage.singleflight import SingleFlight
from config import is_loopback

T = TypeVar("T")

EXTENSION = "health"
# Load balancers give up after a few seconds.
READY_SECONDS = 2.0
CACHE_SECONDS = 1.0
BACKLOG_SECONDS = 2.0
# Only a proxy sets these headers, so the client may be on another machine.
_PROXIES_SAY = ("Forwarded", "Via", "X-Real-IP")
_PROXIES_BEGIN = "X-Forwarded-"
# nginx's defaults add no header but use HTTP/1.0, which no Prometheus does.
_PROXIES_SPEAK = "HTTP/1.0"

health = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Add the routes to `app`, whose services are installed."""
    app.extensions[EXTENSION] = SingleFlight()
    app.register_blueprint(health)


@health.get("/healthz")
def healthz() -> Response:
    """Answer 200 while the process lives."""
    return Response("alive\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Answer 200 if the database has our tables and can be written in time, else 503.

    A missing cache is only mentioned. Pages work without it; if all machines left the load balancer
    because of it, the site would be down.
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
    """Answer with all metrics if the request may read them, else 403."""
    if not _may_read_metrics():
        return Response(_REFUSED, 403, mimetype="text/plain")
    here = services()
    page = here.metrics.page(_backlog(), now=here.now())
    return Response(page, content_type=CONTENT_TYPE_LATEST)


_REFUSED = """These figures are for the operator. With METRICS_TOKEN set, send it as a bearer token.
Without it, ask this machine directly, by its loopback address and through no proxy.
"""


def _may_read_metrics() -> bool:
    """Tell whether the request carries METRICS_TOKEN; without one, whether it is from loopback.

    Behind a proxy on this machine all requests come from loopback. And another site's name may
    resolve to loopback in a browser on this machine (DNS rebinding), so the name must be our own.
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
    """Return the backlog of the outbox; None if the database does not answer in time."""
    try:
        return _asked("backlog", services().outbox.backlog, seconds=BACKLOG_SECONDS)
    except (SQLAlchemyError, TimeoutError):
        return None


def _asked(key: str, question: Callable[[], T], *, seconds: float) -> T:
    """Ask a store, which may hang, in one thread for all requests that ask the same."""
    flight: SingleFlight = current_app.extensions[EXTENSION]
    return flight.ask(key, question, seconds=seconds)


def _trouble(here: Services) -> str:
    """Return why the database is not ready, in words; empty if it is."""
    try:
        here.people.check_writable()
    except SQLAlchemyError as error:
        return f"the database is not ready: {in_words(error)}"
    return ""


def _cache_answers(here: Services) -> bool:
    """Tell whether Redis answers in time; true if none is set."""
    url = here.config.redis_url
    try:
        return url is None or _asked("cache", lambda: _pings(url), seconds=CACHE_SECONDS)
    except TimeoutError:
        return False


def _pings(url: str) -> bool:
    from app.storage.redis_store import answers  # noqa: PLC0415 - a site without Redis needs none

    return answers(url)
