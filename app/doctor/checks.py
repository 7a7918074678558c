"""All checks, in the order in which things break, and what each must wait for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask

from app.doctor import certificates, connection, plan, public_url, settings, storage, twitter
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, Status, failed, skipped
from app.doctor.report import Report, secrets_of
from config import ConfigError

# A name that is looked up cannot be hurried: a check that takes longer is left behind (seconds).
LONGEST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """One question about a set-up. It changes nothing, wherever it looks."""

    name: str
    look: Callable[[Patient], Finding]
    needs: tuple[str, ...] = ()


CHECKS = (
    Check("settings", settings.readable),
    Check("secrets", settings.secrets),
    Check("callback", settings.callback),
    Check("host name", settings.host_name),
    Check("public address", public_url.reachable),
    Check("proxies", public_url.proxies, ("public address",)),
    Check("way out", connection.way_out),
    Check("authorize host", twitter.authorize_host, ("way out",)),
    Check("API host", twitter.api_host, ("way out",)),
    Check("TLS", certificates.tls, ("authorize host", "API host")),
    Check("clock", twitter.clock, ("API host", "TLS")),
    Check("client", twitter.client, ("API host", "TLS")),
    Check("consent page", twitter.consent_page, ("authorize host", "TLS", "client")),
    Check("database", storage.database),
    Check("migrations", storage.migrations, ("database",)),
    Check("Redis", storage.shared_memory),
    Check("keys", storage.keys, ("migrations",)),
    Check("outbox", storage.outbox, ("migrations",)),
    Check("scopes", storage.scopes, ("migrations",)),
    Check("plan", plan.plan, ("API host", "TLS", "keys")),
)


def examined(app: Flask, *, asks: bool = False) -> Report:
    """Return what all checks say about `app`; who `asks` lets one of them read at Twitter."""
    patient = Patient(app, asks=asks)
    config = patient.config
    return Report(
        findings=_findings(patient),
        public_url=config.public_url,
        sandbox=config.sandbox,
        secrets=secrets_of(config),
    )


def unbuildable(error: ConfigError) -> Report:
    """Return what can be said about a set-up whose settings make no app."""
    first, *others = CHECKS
    findings = [(first.name, settings.unreadable(error))]
    findings += [(check.name, skipped(first.name)) for check in others]
    return Report(findings=findings)


def _findings(patient: Patient) -> Iterator[tuple[str, Finding]]:
    """Yield each finding as soon as it is there."""
    unwell: set[str] = set()
    for check in CHECKS:
        obstacles = [name for name in check.needs if name in unwell]
        finding = skipped(obstacles[0]) if obstacles else _within_bounds(check, patient)
        if finding.status in {Status.FAILED, Status.SKIPPED}:
            unwell.add(check.name)
        yield check.name, finding


def _within_bounds(check: Check, patient: Patient) -> Finding:
    outcome: queue.SimpleQueue[Finding] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: outcome.put(_looked(check, patient)), daemon=True, name="doctor"
    ).start()
    try:
        return outcome.get(timeout=LONGEST_SECONDS)
    except queue.Empty:
        return failed(
            f"This check did not end within {LONGEST_SECONDS:.0f} seconds.",
            "Run this again; if it stays so, look for what is slow on the way there.",
            Section.DOCTOR,
        )


def _looked(check: Check, patient: Patient) -> Finding:
    """Look, whatever happens: one check that breaks must not hide what the others find."""
    try:
        return check.look(patient)
    except Exception as error:  # noqa: BLE001 - named, and the next check goes on
        return failed(
            f"This check broke off ({type(error).__name__}).",
            "Put right what stands above, and run this again.",
            Section.DOCTOR,
        )
