"""The findings on paper: for people, and for machines. No secret passes through here."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import click

from app.doctor.findings import Finding, Status
from config import Config

REDACTED = "[redacted]"
_COLOURS = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "red",
    Status.SKIPPED: "bright_black",
}
_NAME_WIDTH = 16
_INDENT = " " * (2 + 9 + _NAME_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, by name of the check, in order. `public_url` is unknown without settings."""

    findings: Iterable[tuple[str, Finding]]
    public_url: str | None = None
    sandbox: bool = False
    secrets: frozenset[str] = field(repr=False, default=frozenset())

    def print(self, *, as_json: bool) -> bool:
        """Print everything; tell whether nothing has failed."""
        return self._print_json() if as_json else self._print_text()

    def _print_text(self) -> bool:
        seen = []
        if self.sandbox:
            click.echo("Sandbox mode: all that is said of Twitter is said of the sandbox.\n")
        for name, finding in self.findings:
            seen.append(finding.status)
            for line in _lines(name, finding):
                click.echo(self._without_secrets(line))
        failures, warnings = seen.count(Status.FAILED), seen.count(Status.WARNING)
        click.echo(f"\n{failures} failed, {warnings} warnings, of {len(seen)} checks.")
        return not failures

    def _print_json(self) -> bool:
        findings = list(self.findings)
        healthy = all(finding.status is not Status.FAILED for _, finding in findings)
        document = {
            "healthy": healthy,
            "public_url": self.public_url,
            "sandbox": self.sandbox,
            "checks": [
                {
                    "name": name,
                    "status": finding.status,
                    "said": self._without_secrets(finding.said),
                    "cure": self._without_secrets(finding.cure),
                    "see": finding.link,
                }
                for name, finding in findings
            ],
        }
        click.echo(json.dumps(document, indent=2))
        return healthy

    def _without_secrets(self, text: str) -> str:
        """Take every secret of the settings out: the last door, should a check say too much."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text


def _lines(name: str, finding: Finding) -> Iterator[str]:
    word = finding.status.upper() if finding.status is Status.FAILED else finding.status
    first, *more = finding.said.splitlines()
    coloured = click.style(f"{word:<9}", fg=_COLOURS[finding.status])
    yield f"  {coloured}{name:<{_NAME_WIDTH}}{first}"
    yield from (f"{_INDENT}{line}" for line in more)
    if finding.cure:
        yield f"{_INDENT}> {finding.cure}"
        yield f"{_INDENT}> {finding.link}"


def secrets_of(config: Config) -> frozenset[str]:
    """Return every text of the settings that nobody else may read."""
    found = {
        config.twitter_client_secret,
        config.metrics_token,
        *config.store_secrets,
        *config.proxy_secrets,
        *config.secret_key,
        *(base64.urlsafe_b64encode(key).decode() for key in config.token_keys),
    }
    return frozenset(secret for secret in found if secret)
