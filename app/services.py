"""The services of an app: made once by the factory, used by the routes of every thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from flask import Flask, current_app
from sqlalchemy import Engine

from app.accounts.departures import Departures
from app.accounts.grants import Grants
from app.accounts.outbox import Outbox
from app.accounts.people import People
from app.accounts.performed_actions import PerformedActions
from app.accounts.revocation_events import RevocationEvents
from app.accounts.session_endings import Lifetimes
from app.accounts.sessions import Sessions
from app.accounts.shared import Shared
from app.accounts.token_cipher import TokenCipher
from app.accounts.used_states import UsedStates
from app.gateway.actions import Actions
from app.gateway.calls import Calls, Upstream
from app.gateway.page_reads import PageReads
from app.gateway.quota import Quota
from app.gateway.revocation_checks import RevocationChecks
from app.gateway.token_refresh import TokenRefresher
from app.gateway.usage import Usages
from app.observability.audit_log import AuditLog
from app.observability.metrics import Metrics
from app.signals import Signals
from app.storage.cache import Cache
from app.storage.database import Database
from app.storage.singleflight import SingleFlight
from app.twitter.api import Api
from app.twitter.api_client import ApiClient, DirectSource
from app.twitter.circuit_breaker import CircuitBreaker
from app.twitter.dialect import BY_NAME, Dialect, origin
from app.twitter.oauth import AuthorizationServer, Client
from app.twitter.transport.bulkhead import PerPersonBulkhead
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Transport
from app.twitter.transport.tunnel import Proxy
from app.twitter.webhook_events import Signatures
from app.twitter.webhooks import Webhooks
from config import Config

EXTENSION = "perch"


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


class Services:
    """All objects below the routes, shared by all threads for the life of the app.

    Making them opens no connection, so that workers may fork afterwards.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        signals: Signals,
        *,
        clock: Callable[[], datetime] = utc_now,
        metrics: Metrics | None = None,
    ) -> None:
        self.config = config
        self.metrics = metrics or Metrics()
        self.shared = Shared(
            database=Database(engine),
            cipher=TokenCipher(config.token_keys),
            clock=clock,
            audit_log=AuditLog(self.metrics.on_event),
            signals=signals,
        )
        self.server, self.upstream, self.webhooks = _twitter(config, self.metrics, clock)
        self.signatures = _signatures(config)
        # CACHE_SECONDS=0 means no cache, and no remembered limits.
        self.cache = _cache(config, self.dialect, clock) if config.cache_seconds else None

        owner_of = partial(_owner_of, self.upstream)
        self.outbox = Outbox(self.shared, self.server, owner_of=owner_of)
        self.grants = Grants(self.shared, self.outbox, self.cache)
        self.used_states = UsedStates(self.shared)
        self.sessions = Sessions(
            self.shared,
            self.grants,
            self.used_states,
            lifetimes=_lifetimes(config),
            logout_revokes=config.logout_revokes,
        )
        self.people = People(self.shared, self.grants, self.sessions, self.used_states)
        self.departures = Departures(self.shared, self.grants)

        waiting = SingleFlight(at_most=config.max_calls_per_person, waiting=self.metrics.waiting)
        self.tokens = TokenRefresher(self.shared, self.grants, self.outbox, self.server, waiting)
        self.revocation_events = RevocationEvents(self.shared)
        self.revocation_checks = RevocationChecks(self.shared, self.revocation_events, self.tokens)
        self.quota = Quota(self.cache, clock=clock)
        self.usages = Usages(self.shared.database)
        self.calls = Calls(self.shared, self.upstream, self.tokens, self.quota, self.usages)
        self.page_reads = PageReads(self.calls, self.cache, self.metrics, threads=config.threads)
        self.performed = PerformedActions(self.shared, kept=timedelta(days=config.session_days))
        self.actions = Actions(self.shared, self.calls, self.people, self.performed, self.quota)

    @property
    def dialect(self) -> Dialect:
        """The dialect of Twitter, with the addresses of the settings."""
        return self.upstream.dialect

    @property
    def database(self) -> Database:
        """The database."""
        return self.shared.database

    @property
    def cipher(self) -> TokenCipher:
        """The cipher that seals tokens."""
        return self.shared.cipher

    @property
    def audit_log(self) -> AuditLog:
        """The audit log."""
        return self.shared.audit_log

    @property
    def webhook_url(self) -> str:
        """The address at which X delivers events."""
        return f"{self.config.public_url}/webhooks/x"

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return self.shared.clock()

    def api(self, access_token: str, *, deadline: Deadline) -> Api:
        """Return the API for one token, without cache and quota, as a sign-in needs it."""
        return _direct(self.upstream, access_token, deadline)

    def close(self) -> None:
        """Stop the background threads. Undelivered revocations stay in the outbox."""
        self.sessions.close()
        self.outbox.stop()
        self.revocation_checks.stop()
        self.page_reads.close()
        if self.cache is not None:
            self.cache.close()


def _twitter(
    config: Config, metrics: Metrics, clock: Callable[[], datetime]
) -> tuple[AuthorizationServer, Upstream, Webhooks | None]:
    """Return the authorization server, the API upstream and the webhooks, on one transport."""
    dialect = dialect_of(config)
    transport = Transport(
        slots=config.twitter_slots,
        user_agent=config.user_agent,
        on_call=metrics.on_call,
        proxy=proxy_of(config),
    )
    server = AuthorizationServer(
        transport,
        _client(config),
        authorize_url=dialect.authorize_url,
        api_url=dialect.api_url,
    )
    upstream = Upstream(
        client=ApiClient(transport, api_url=dialect.api_url, clock=clock, on_cost=metrics.on_cost),
        dialect=dialect,
        breaker=CircuitBreaker(
            slots=config.twitter_slots,
            on_change=metrics.on_circuit_change,
            on_short_circuit=metrics.on_short_circuit,
        ),
        bulkhead=PerPersonBulkhead(
            config.twitter_slots, max_calls_per_person=config.max_calls_per_person
        ),
    )
    return server, upstream, _webhooks(config, transport, dialect)


def _webhooks(config: Config, transport: Transport, dialect: Dialect) -> Webhooks | None:
    if config.twitter_bearer_token is None:
        return None
    return Webhooks(transport, api_url=dialect.api_url, bearer_token=config.twitter_bearer_token)


def _signatures(config: Config) -> Signatures | None:
    if config.twitter_consumer_secret is None:
        return None
    return Signatures(
        consumer_secret=config.twitter_consumer_secret,
        client_secret=config.twitter_client_secret,
    )


def dialect_of(config: Config) -> Dialect:
    """Return the dialect that the settings name, with the addresses that they give it."""
    dialect = BY_NAME[config.twitter_dialect]
    if url := config.twitter_authorize_url:
        dialect = replace(dialect, authorize_url=url, authorize_origins=(origin(url),))
    if url := config.twitter_api_url:
        images = (*dialect.image_origins, origin(url))
        dialect = replace(dialect, api_url=url, image_origins=images)
    return dialect


def proxy_of(config: Config) -> Proxy | None:
    """Return the proxy of the settings, if there is one."""
    return Proxy.at(config.twitter_proxy) if config.twitter_proxy else None


def _direct(upstream: Upstream, access_token: str, deadline: Deadline) -> Api:
    return upstream.api(
        DirectSource(client=upstream.client, access_token=access_token, deadline=deadline)
    )


def _owner_of(upstream: Upstream, access_token: str, deadline: Deadline) -> str:
    """Return the id at Twitter of the person whose access token this is."""
    return _direct(upstream, access_token, deadline).me().id


def _cache(config: Config, dialect: Dialect, clock: Callable[[], datetime]) -> Cache:
    return Cache(
        redis_url=config.redis_url,
        clock=clock,
        # Another client has other limits and another plan.
        namespace=f"{config.twitter_client_id} {dialect.api_url}",
    )


def _client(config: Config) -> Client:
    return Client(
        client_id=config.twitter_client_id,
        client_secret=config.twitter_client_secret,
        redirect_uri=config.callback_url,
    )


def _lifetimes(config: Config) -> Lifetimes:
    return Lifetimes(
        idle=timedelta(days=config.session_idle_days),
        absolute=timedelta(days=config.session_days),
    )


def install(app: Flask, services: Services) -> None:
    """Make `services()` return `services` within `app`."""
    app.extensions[EXTENSION] = services


def services() -> Services:
    """Return the services of the app that handles this request."""
    return cast("Services", current_app.extensions[EXTENSION])
