"""The table of checks, and how they run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flask import Flask

from app.doctor import connection, public_url, settings, storage, twitter, webhook
from app.doctor.context import Context
from app.doctor.report import Report, Result, Section, Status, failed, skipped
from app.observability.redaction import secrets_of
from config import ConfigError

# A DNS look-up cannot be interrupted: a check that takes longer is abandoned (seconds).
LONGEST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """One question about a set-up. It changes nothing."""

    name: str
    run: Callable[[Context], Result]
    section: Section  # explains its results, unless a result names another one
    needs: tuple[str, ...] = ()  # checks that must not have failed


# In the order in which a set-up breaks.
CHECKS = (
    Check("settings", settings.valid, Section.SETTINGS),
    Check("secrets", settings.secrets, Section.SECRETS),
    Check("callback", settings.callback, Section.CONSENT),
    Check("contact", settings.contact, Section.CONTACT),
    Check("public URL", public_url.reachable, Section.PUBLIC_URL),
    Check("proxies", public_url.proxies, Section.PROXIES, ("public URL",)),
    Check("outgoing proxy", connection.outgoing_proxy, Section.OUTGOING_PROXY),
    Check("authorize host", connection.authorize_host, Section.HOSTS, ("outgoing proxy",)),
    Check("API host", connection.api_host, Section.HOSTS, ("outgoing proxy",)),
    Check("TLS", connection.tls, Section.TLS, ("authorize host", "API host")),
    Check("clock", connection.clock, Section.CLOCK, ("API host", "TLS")),
    Check("client", twitter.client, Section.CLIENT, ("API host", "TLS")),
    Check(
        "consent page", twitter.consent_page, Section.CONSENT, ("authorize host", "TLS", "client")
    ),
    Check("database", storage.database, Section.DATABASE),
    Check("migrations", storage.migrations, Section.MIGRATIONS, ("database",)),
    Check("Redis", storage.shared_memory, Section.REDIS),
    Check("keys", storage.keys, Section.KEYS, ("migrations",)),
    Check("outbox", storage.outbox, Section.OUTBOX, ("migrations",)),
    Check("people", storage.people, Section.PEOPLE, ("migrations",)),
    Check("scopes", storage.scopes, Section.SCOPES, ("migrations",)),
    Check("plan", twitter.plan, Section.ENROLMENT, ("API host", "TLS", "keys")),
    Check("webhook", webhook.webhook, Section.WEBHOOK, ("API host", "TLS")),
)


def run_checks(app: Flask, *, call_twitter: bool = False) -> Report:
    """Return the report on `app`; with `call_twitter`, one check makes a read that costs money."""
    context = Context(app, call_twitter=call_twitter)
    config = context.config
    return Report(
        results=_results(context),
        public_url=config.public_url,
        sandbox=config.sandbox,
        secrets=frozenset(secrets_of(config)),
    )


def without_settings(error: ConfigError) -> Report:
    """Return the report on settings of which no app can be made."""
    first, *others = CHECKS
    results = [(first.name, _with_section(first, settings.invalid(error)))]
    results += [(check.name, skipped(first.name)) for check in others]
    return Report(results=results)


def _results(context: Context) -> Iterator[tuple[str, Result]]:
    """Yield each result as soon as it is known."""
    blocked: set[str] = set()
    for check in CHECKS:
        obstacles = [name for name in check.needs if name in blocked]
        result = skipped(obstacles[0]) if obstacles else _run_in_time(check, context)
        if result.status in {Status.FAILED, Status.SKIPPED}:
            blocked.add(check.name)
        yield check.name, _with_section(check, result)


def _with_section(check: Check, result: Result) -> Result:
    return replace(result, section=result.section or check.section) if result.fix else result


def _run_in_time(check: Check, context: Context) -> Result:
    outcome: queue.SimpleQueue[Result] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: outcome.put(_run_safely(check, context)), daemon=True, name="doctor"
    ).start()
    try:
        return outcome.get(timeout=LONGEST_SECONDS)
    except queue.Empty:
        return failed(
            f"This check did not finish within {LONGEST_SECONDS:.0f} seconds.",
            "Run this again; if it persists, look for a slow name server or network.",
            Section.DOCTOR,
        )


def _run_safely(check: Check, context: Context) -> Result:
    """Return a result in any case: an error in one check must not hide the results of others."""
    try:
        return check.run(context)
    except Exception as error:  # noqa: BLE001 - named, and the next check goes on
        return failed(
            f"This check ended with an unexpected error ({type(error).__name__}).",
            "Fix the problems listed above, and run this again.",
            Section.DOCTOR,
        )
