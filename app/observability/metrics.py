"""Metrics for Prometheus: results and durations of sign-ins, refreshes, calls and requests.

Each app has its own registry. Under gunicorn each worker has an app: the workers write into files
(gunicorn.conf.py makes the folder), and the worker that is asked adds up all of them.

Every label value comes from a list that visitors cannot extend: our routes, the endpoints of X's
documents, the names of our errors. No label holds an id, a name or an address.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Literal, Protocol, get_args

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

# Creation times of the series would double the page, and no alert uses them.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library left it untyped

_PREFIX = "perch"
Answered = Literal["hit", "miss", "stale"]

# X docs, "OAuth 2.0 Authorization Code Flow": the lifetime of a code.
_CODE_SECONDS = 30.0
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12, 15)
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8, 12, 15)
_REMAINING_SECONDS = (0, 5, 10, 15, 18, 20, 22, 24, 26, 28, 29, 29.5)

_OUTCOME_OF_REFRESH = {
    Event.TOKEN_REFRESHED: "refreshed",
    Event.TOKEN_REFRESH_REJECTED: "refused",
    Event.TOKEN_REFRESH_FAILED: "failed",
}
# Results of a revocation that X reported: at its arrival, and once its grant was tried.
_RESULTS_OF_REPORTS = (
    *("forged", "unreadable", "other_event", "no_grant", "repeated", "stored"),
    *("ended", "ended_already", "newer_grant", "still_valid"),
)
_STATUSES = frozenset(str(status.value) for status in HTTPStatus)


class Call(Protocol):
    """A finished call to Twitter."""

    @property
    def route(self) -> str:
        """The route, as X's documents write it."""

    @property
    def outcome(self) -> str:
        """The status, or a word for why there is none."""

    @property
    def seconds(self) -> float:
        """The duration."""


class Backlog(Protocol):
    """The rows of the outbox."""

    @property
    def waiting(self) -> int:
        """The number of rows still to be delivered."""

    @property
    def dead_letters(self) -> int:
        """The number of rows that are no longer tried."""

    @property
    def oldest(self) -> datetime | None:
        """When the oldest waiting row was written."""


class Metrics:
    """The metrics of one app, shared by its threads."""

    def __init__(self, groups: Iterable[str] = ()) -> None:
        """Register every metric; `groups` are the groups of endpoints that have a circuit."""
        registry = self.registry = CollectorRegistry()
        counter = partial(Counter, namespace=_PREFIX, registry=registry)
        gauge = partial(Gauge, namespace=_PREFIX, registry=registry, multiprocess_mode="livesum")
        histogram = partial(Histogram, namespace=_PREFIX, registry=registry)
        call_seconds = partial(histogram, buckets=_CALL_SECONDS)

        self._started = counter("sign_ins_started", "Sign-ins started.")
        self._sign_ins = counter("sign_ins", "Sign-ins ended.", ["outcome"])
        self._refusals = counter("sign_in_refusals", "Sign-ins refused or failed.", ["error"])
        self._exchange = call_seconds("exchange_duration_seconds", "Exchange of a code for tokens.")
        self._code_remaining = histogram(
            "code_remaining_seconds",
            "Rest of a code's 30 s when its exchange ended.",
            buckets=_REMAINING_SECONDS,
        )
        self._refreshes = counter("refreshes", "Refreshes of tokens.", ["outcome"])
        self._reports = counter("revocation_reports", "Revocations reported by X.", ["result"])
        self._waiters = gauge("refresh_waiters", "Threads waiting for another thread's refresh.")
        self._waits = counter("refresh_waits", "Waits for another thread's refresh.")
        self._calls = counter("twitter_calls", "Calls to Twitter.", ["endpoint", "status"])
        self._call_seconds = call_seconds(
            "twitter_call_duration_seconds", "Calls to Twitter.", ["endpoint"]
        )
        self._cost = counter("twitter_cost_dollars", "Price of the answers, at most.", ["endpoint"])
        self._open = gauge("circuit_open", "Workers whose circuit for a group is open.", ["group"])
        self._short_circuited = counter(
            "reads_short_circuited", "Reads not sent, because the circuit was open.", ["group"]
        )
        self._cache_reads = counter("cache_reads", "Answers needed by pages.", ["result"])
        self._requests = counter("requests", "Requests.", ["endpoint", "status"])
        self._request_seconds = histogram(
            "request_duration_seconds", "Requests.", ["endpoint"], buckets=_REQUEST_SECONDS
        )
        self._begin_at_zero(groups)

    def _begin_at_zero(self, groups: Iterable[str]) -> None:
        """Show series before their first event: Prometheus sees no increase in a new series."""
        for outcome in ("completed", "denied", "no_cookie", "refused", "failed"):
            self._sign_ins.labels(outcome)
        for outcome in _OUTCOME_OF_REFRESH.values():
            self._refreshes.labels(outcome)
        for result in _RESULTS_OF_REPORTS:
            self._reports.labels(result)
        for result in get_args(Answered):
            self._cache_reads.labels(result)
        for group in groups:
            self._open.labels(group)
            self._short_circuited.labels(group)

    def on_event(self, event: Event, fields: Fields) -> None:
        """Count an event of the audit log."""
        if event in _OUTCOME_OF_REFRESH:
            self._refreshes.labels(_OUTCOME_OF_REFRESH[event]).inc()
        elif event is Event.REVOCATION_REPORTED:
            self._reports.labels(fields["result"]).inc()
        elif event is Event.SIGN_IN_STARTED:
            self._started.inc()
        elif event is Event.SIGN_IN_COMPLETED and not fields["duplicate"]:
            self._sign_ins.labels("completed").inc()
        elif event is Event.SIGN_IN_DENIED:
            self._sign_ins.labels("denied").inc()
        elif event is Event.SIGN_IN_REFUSED:
            self._sign_ins.labels(_outcome_of_refusal(fields)).inc()
            self._refusals.labels(fields["error"]).inc()

    def on_call(self, call: Call) -> None:
        """Count a call to Twitter."""
        is_known = call.outcome in _STATUSES or not call.outcome.isdigit()
        self._calls.labels(call.route, call.outcome if is_known else "other").inc()
        self._call_seconds.labels(call.route).observe(call.seconds)

    def on_cost(self, route: str, dollars: Decimal) -> None:
        """Add the price of an answer, in US dollars at most."""
        self._cost.labels(route).inc(float(dollars))

    def on_answer(self, result: Answered, times: int = 1) -> None:
        """Count answers that a page got: cached, from Twitter, or stale because Twitter failed."""
        self._cache_reads.labels(result).inc(times)

    def on_circuit_change(self, group: str, *, is_open: bool) -> None:
        """Record whether this worker's circuit for a group of endpoints is open."""
        self._open.labels(group).set(int(is_open))

    def on_short_circuit(self, group: str) -> None:
        """Count a read that was not sent, because the circuit is open."""
        self._short_circuited.labels(group).inc()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a thread while it waits for a refresh."""
        self._waits.inc()
        with self._waiters.track_inprogress():
            yield

    @contextlib.contextmanager
    def exchanging(self) -> Iterator[None]:
        """Time an exchange, however it ends, and the rest of the code's life after it.

        Twitter issued the code before our request began, so the true rest is a little shorter.
        """
        began = time.perf_counter()
        try:
            yield
        finally:
            now = time.perf_counter()
            self._exchange.observe(now - began)
            self._code_remaining.observe(_CODE_SECONDS - (now - g.get("began", began)))

    def begin_request(self) -> None:
        """Start the clock of a request."""
        g.began = time.perf_counter()

    def end_request(self, response: Response) -> Response:
        """Count a response under its route."""
        endpoint = request.endpoint or "none"
        self._requests.labels(endpoint, f"{response.status_code // 100}xx").inc()
        self._request_seconds.labels(endpoint).observe(time.perf_counter() - g.began)
        return response

    def page(self, backlog: Backlog | None, *, now: datetime) -> bytes:
        """Return all metrics as Prometheus reads them; `backlog` is None if it is unknown."""
        return generate_latest(self._of_all_workers()) + generate_latest(_Outbox(backlog, now))

    def _of_all_workers(self) -> Collector:
        if values.ValueClass is values.MutexValue:
            return self.registry
        # After a fork, the first count makes this worker's files, with every series at zero.
        self._started.inc(0)
        return _Workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))


def _outcome_of_refusal(fields: Fields) -> str:
    if fields["error"] == "NoCookie":
        return "no_cookie"
    return "refused" if fields["fault"] == "you" else "failed"


def init_app(app: Flask, groups: Iterable[str]) -> Metrics:
    """Count every request of `app`; called first, so that requests refused later count too."""
    metrics = Metrics(groups)
    app.before_request(metrics.begin_request)
    app.after_request(metrics.end_request)
    return metrics


class _Workers(Collector):
    """The metrics of all workers, from their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        # prometheus_client's own collector breaks off at the empty file of a worker that starts.
        files = [str(path) for path in self._folder.glob("*.db") if _has_content(path)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call] # the library left it untyped


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # its worker ended after the folder was listed
        return False


class _Outbox(Collector):
    """The metrics of the outbox. They come from the database, so every worker shows the same."""

    def __init__(self, backlog: Backlog | None, now: datetime) -> None:
        self._backlog = backlog
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            f"{_PREFIX}_outbox_readable",
            "Whether the outbox could be read in time.",
            int(self._backlog is not None),
        )
        if self._backlog is None:
            return
        rows = GaugeMetricFamily(
            f"{_PREFIX}_outbox_rows", "Tokens that Twitter must still revoke.", labels=["state"]
        )
        rows.add_metric(["waiting"], self._backlog.waiting)
        rows.add_metric(["dead_letter"], self._backlog.dead_letters)
        yield rows
        oldest = self._backlog.oldest or self._now
        yield GaugeMetricFamily(
            f"{_PREFIX}_outbox_oldest_seconds",
            "Age of the oldest waiting row.",
            max(0.0, (self._now - oldest).total_seconds()),
        )
