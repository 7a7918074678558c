"""Results of checks, and how they are printed: as text or JSON. No secret passes through here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import click

_DOCUMENT = "docs/troubleshooting.md"
_TRIAL = "docs/live-trial.md"
_REDACTED = "[redacted]"
_NAME_WIDTH = 16
_INDENT = " " * (2 + 9 + _NAME_WIDTH)


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # the site works, but needs attention
    FAILED = "failed"
    SKIPPED = "skipped"  # it needs a check that did not pass


_COLOURS = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "red",
    Status.SKIPPED: "bright_black",
}


class Section(StrEnum):
    """The sections of the document that explain results, by their anchors."""

    SETTINGS = "settings-need-attention"
    SECRETS = "a-secret-can-be-guessed-or-read"
    CONSENT = "something-went-wrong-on-xs-page"
    CONTACT = "no-contact-is-set"
    PUBLIC_URL = "the-public-url-does-not-answer"
    ANOTHER_SITE = "another-site-answers"
    PROXIES = "proxies-in-front-of-perch"
    OUTGOING_PROXY = "the-outgoing-proxy-fails"
    HOSTS = "twitter-cannot-be-reached"
    TLS = "a-certificate-is-not-trusted"
    CLOCK = "the-clock-is-wrong"
    CLIENT = "unauthorized_client"
    DATABASE = "the-database-does-not-answer"
    MIGRATIONS = "the-tables-are-not-up-to-date"
    REDIS = "redis-does-not-answer"
    KEYS = "a-key-is-missing-from-token_keys"
    OUTBOX = "revocations-are-not-delivered"
    PEOPLE = "people-who-left-are-still-stored"
    WEBHOOK = "the-webhook-does-not-work"
    SCOPES = "a-scope-is-missing"
    ENROLMENT = "client-not-enrolled"
    CREDITS = "402-out-of-credits"
    LIMITS = "429-too-many-requests"
    DOCTOR = "a-check-did-not-finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one check ended: one sentence on the state, one on the fix. No secret in them."""

    status: Status
    message: str
    fix: str = ""
    section: Section | None = None  # None: that of the check

    @property
    def link(self) -> str:
        """The explanation in the documents; empty if there is none."""
        return f"{_DOCUMENT}#{self.section}" if self.section else ""


def ok(message: str) -> Result:
    """Return the result of a check that passed."""
    return Result(status=Status.OK, message=message)


def warning(message: str, fix: str, section: Section | None = None) -> Result:
    """Return a result that an operator should look at."""
    return Result(status=Status.WARNING, message=message, fix=fix, section=section)


def failed(message: str, fix: str, section: Section | None = None) -> Result:
    """Return a result that keeps part of the site from working."""
    return Result(status=Status.FAILED, message=message, fix=fix, section=section)


def skipped(needs: str) -> Result:
    """Return the result of a check that needs another one."""
    return Result(status=Status.SKIPPED, message=f'Not run: "{needs}" has to pass first.')


def counted(count: int, one: str, many: str) -> str:
    """Return `count` with its noun."""
    return f"{count} {one if count == 1 else many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All results by name of the check, in order. `public_url` is unknown without settings."""

    results: Iterable[tuple[str, Result]]
    public_url: str | None = None
    sandbox: bool = False
    secrets: frozenset[str] = field(repr=False, default=frozenset())

    def print(self, *, as_json: bool) -> bool:
        """Print all results; tell whether no check failed."""
        return self._print_json() if as_json else self._print_text()

    def _print_text(self) -> bool:
        seen = []
        if self.sandbox:
            click.echo("Sandbox mode: every result about Twitter is about the sandbox.\n")
        for name, result in self.results:
            seen.append(result.status)
            for line in _lines(name, result):
                click.echo(self._without_secrets(line))
        failures, warnings = seen.count(Status.FAILED), seen.count(Status.WARNING)
        click.echo(f"\nOnly a trial at the real X shows the rest: {_TRIAL}")
        click.echo(f"{failures} failed, {warnings} warnings, of {len(seen)} checks.")
        return not failures

    def _print_json(self) -> bool:
        results = list(self.results)
        healthy = all(result.status is not Status.FAILED for _, result in results)
        document = {
            "healthy": healthy,
            "public_url": self.public_url,
            "sandbox": self.sandbox,
            "checks": [
                {
                    "name": name,
                    "status": result.status,
                    "message": self._without_secrets(result.message),
                    "fix": self._without_secrets(result.fix),
                    "see": result.link,
                }
                for name, result in results
            ],
        }
        click.echo(json.dumps(document, indent=2))
        return healthy

    def _without_secrets(self, text: str) -> str:
        """Replace every secret of the settings: the last barrier if a check says too much."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _REDACTED)
        return text


def _lines(name: str, result: Result) -> Iterator[str]:
    word = result.status.upper() if result.status is Status.FAILED else result.status
    first, *more = result.message.splitlines()
    coloured = click.style(f"{word:<9}", fg=_COLOURS[result.status])
    yield f"  {coloured}{name:<{_NAME_WIDTH}}{first}"
    yield from (f"{_INDENT}{line}" for line in more)
    if result.fix:
        yield f"{_INDENT}> {result.fix}"
        yield f"{_INDENT}> {result.link}"
