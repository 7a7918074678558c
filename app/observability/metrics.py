"""Figures for Prometheus: how sign-ins, refreshes, calls to Twitter and pages went, and how long.

Each app has a registry of its own. Under gunicorn there is one app in each worker: the workers
write into files (gunicorn.conf.py says where), and whoever is asked adds them up.

Every label comes from a list that people cannot add to: our routes, Twitter's endpoints as the
documents write them, the names of our errors. None holds an id, a name or an address.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Literal, Protocol

from flask import Flask, Response, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.observability.audit_log import Event, Fields

# The moment at which each series began is of no use to anybody here, and doubles the page.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library left it untyped

PREFIX = "perch"
Answered = Literal["hit", "miss", "stale"]

# X docs, "OAuth 2.0 Authorization Code Flow": how long a code lives (seconds).
_CODE_LIVES = 30.0
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12, 15)
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8, 12, 15)
_SECONDS_LEFT = (0, 5, 10, 15, 18, 20, 22, 24, 26, 28, 29, 29.5)

_OUTCOME_OF_REFRESH = {
    Event.TOKEN_REFRESHED: "refreshed",
    Event.TOKEN_REFRESH_REJECTED: "refused",
    Event.TOKEN_REFRESH_FAILED: "failed",
}
_STATUSES = frozenset(str(status.value) for status in HTTPStatus)


class Call(Protocol):
    """A call to Twitter as it went."""

    @property
    def route(self) -> str:
        """The route, as the documents write it."""

    @property
    def outcome(self) -> str:
        """The status, or why there is none."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Backlog(Protocol):
    """The rows in the outbox."""

    @property
    def waiting(self) -> int:
        """Rows that are still delivered."""

    @property
    def dead_letters(self) -> int:
        """Rows that are not tried any more."""

    @property
    def oldest(self) -> datetime | None:
        """When the oldest row was written."""


class Metrics:
    """The figures of one app. Made once, used by every thread."""

    def __init__(self, groups: Iterable[str] = ()) -> None:
        """Count circuits by these `groups` of endpoints."""
        self.registry = CollectorRegistry()
        counter = partial(Counter, namespace=PREFIX, registry=self.registry)
        histogram = partial(Histogram, namespace=PREFIX, registry=self.registry)
        self._started = counter("sign_ins_started", "Sign-ins that were begun.")
        self._sign_ins = counter("sign_ins", "Sign-ins that came to an end.", ["outcome"])
        self._refusals = counter("sign_in_refusals", "Why sign-ins came to no good end.", ["error"])
        self._exchange = histogram(
            "exchange_duration_seconds",
            "How long the exchange of a code took.",
            buckets=_CALL_SECONDS,
        )
        self._left = histogram(
            "code_remaining_seconds",
            "What was left of a code's 30 s by then.",
            buckets=_SECONDS_LEFT,
        )
        self._refreshes = counter("refreshes", "Refreshes of tokens.", ["outcome"])
        self._waiters = Gauge(
            "refresh_waiters",
            "Threads that wait for somebody else's refresh.",
            namespace=PREFIX,
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._waits = counter("refresh_waits", "Waits for somebody else's refresh.")
        self._calls = counter("twitter_calls", "Calls to Twitter.", ["endpoint", "status"])
        self._call_seconds = histogram(
            "twitter_call_duration_seconds",
            "How long they took.",
            ["endpoint"],
            buckets=_CALL_SECONDS,
        )
        self._failing = Gauge(
            "circuit_open",
            "Workers where reads of this group fail at once, because Twitter hangs.",
            ["group"],
            namespace=PREFIX,
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._spared = counter(
            "reads_short_circuited", "Reads not sent, because Twitter hangs.", ["group"]
        )
        self._reads = counter("cache_reads", "Answers that pages needed, by source.", ["result"])
        self._requests = counter("requests", "Requests, by our own route.", ["endpoint", "status"])
        self._request_seconds = histogram(
            "request_duration_seconds",
            "How long they took.",
            ["endpoint"],
            buckets=_REQUEST_SECONDS,
        )
        self._begin_at_zero(groups)

    def _begin_at_zero(self, groups: Iterable[str]) -> None:
        """Show what has not happened yet: else the first of its kind is no increase."""
        for outcome in ("completed", "denied", "refused", "failed"):
            self._sign_ins.labels(outcome)
        for outcome in _OUTCOME_OF_REFRESH.values():
            self._refreshes.labels(outcome)
        for answer in ("hit", "miss", "stale"):
            self._reads.labels(answer)
        for group in groups:
            self._failing.labels(group)
            self._spared.labels(group)

    def on_event(self, event: Event, fields: Fields) -> None:
        """Count what was recorded."""
        if event in _OUTCOME_OF_REFRESH:
            self._refreshes.labels(_OUTCOME_OF_REFRESH[event]).inc()
        elif event is Event.SIGN_IN_STARTED:
            self._started.inc()
        elif event is Event.SIGN_IN_COMPLETED and not fields["duplicate"]:
            self._sign_ins.labels("completed").inc()
        elif event is Event.SIGN_IN_DENIED:
            self._sign_ins.labels("denied").inc()
        elif event is Event.SIGN_IN_REFUSED:
            self._sign_ins.labels("refused" if fields["fault"] == "you" else "failed").inc()
            self._refusals.labels(fields["error"]).inc()

    def on_call(self, call: Call) -> None:
        """Count a call to Twitter."""
        is_known = call.outcome in _STATUSES or not call.outcome.isdigit()
        self._calls.labels(call.route, call.outcome if is_known else "other").inc()
        self._call_seconds.labels(call.route).observe(call.seconds)

    def on_answer(self, how: Answered, times: int = 1) -> None:
        """Count answers that a page got: from memory, from Twitter, or old ones for want of any."""
        self._reads.labels(how).inc(times)

    def on_circuit_change(self, group: str, *, fails: bool) -> None:
        """Note whether reads of a group of endpoints fail at once here."""
        self._failing.labels(group).set(int(fails))

    def on_short_circuit(self, group: str) -> None:
        """Count a read that was not sent, so that nobody waits for it."""
        self._spared.labels(group).inc()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a thread that waits for a refresh, for as long as it does."""
        self._waits.inc()
        with self._waiters.track_inprogress():
            yield

    @contextlib.contextmanager
    def exchanging(self) -> Iterator[None]:
        """Time an exchange, however it ends, and how much later it could have been.

        The code is older than this request by the way from Twitter's page to us: what is left is
        a little less than what is counted.
        """
        began = time.perf_counter()
        try:
            yield
        finally:
            now = time.perf_counter()
            self._exchange.observe(now - began)
            self._left.observe(_CODE_LIVES - (now - g.get("began", began)))

    def begin_request(self) -> None:
        """Start the clock of a request."""
        g.began = time.perf_counter()

    def end_request(self, response: Response) -> Response:
        """Count an answer under the route that gave it."""
        endpoint = request.endpoint or "none"
        self._requests.labels(endpoint, f"{response.status_code // 100}xx").inc()
        self._request_seconds.labels(endpoint).observe(time.perf_counter() - g.began)
        return response

    def page(self, backlog: Backlog | None, *, now: datetime) -> bytes:
        """Return all figures as Prometheus reads them; no `backlog` if it could not be read."""
        return generate_latest(self._of_all_workers()) + generate_latest(_Outbox(backlog, now))

    def _of_all_workers(self) -> CollectorRegistry:
        if values.ValueClass is values.MutexValue:
            return self.registry
        # After a fork, the first count makes this worker's file, with zeros for all the rest.
        self._started.inc(0)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, os.environ["PROMETHEUS_MULTIPROC_DIR"])  # type: ignore[no-untyped-call] # the library left it untyped
        return registry


def init_app(app: Flask, groups: Iterable[str]) -> Metrics:
    """Count every request of `app`: first of all, so that what others refuse is counted, too."""
    metrics = Metrics(groups)
    app.before_request(metrics.begin_request)
    app.after_request(metrics.end_request)
    return metrics


class _Outbox(Collector):
    """The figures of the outbox. They are in the database: the same whoever is asked."""

    def __init__(self, backlog: Backlog | None, now: datetime) -> None:
        self._backlog = backlog
        self._now = now

    def collect(self) -> Iterator[Metric]:
        readable = "Whether the outbox could be read in time."
        yield GaugeMetricFamily(
            f"{PREFIX}_outbox_readable", readable, int(self._backlog is not None)
        )
        if self._backlog is None:
            return
        rows = GaugeMetricFamily(
            f"{PREFIX}_outbox_rows", "Tokens that Twitter must still kill.", labels=["state"]
        )
        rows.add_metric(["waiting"], self._backlog.waiting)
        rows.add_metric(["dead_letter"], self._backlog.dead_letters)
        yield rows
        oldest = self._backlog.oldest or self._now
        age = max(0.0, (self._now - oldest).total_seconds())
        waited = "How long the oldest row has waited."
        yield GaugeMetricFamily(f"{PREFIX}_outbox_oldest_seconds", waited, age)
