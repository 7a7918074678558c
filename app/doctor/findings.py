"""What a check finds: what is wrong, what to do, and where to read more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DOCUMENT = "docs/troubleshooting.md"


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody should look
    FAILED = "failed"
    SKIPPED = "skipped"  # nothing can be said before an earlier check is fine


class Section(StrEnum):
    """The sections of the document that findings point to, by their anchors."""

    SETTINGS = "settings-need-attention"
    SECRETS = "a-secret-can-be-guessed-or-read"
    CONSENT = "something-went-wrong-on-xs-page"
    LOCALHOST = "localhost-or-127001"
    ADDRESS = "the-public-address-does-not-answer"
    SOMEBODY_ELSE = "somebody-else-answers"
    PROXIES = "proxies-in-front-of-perch"
    PROXY = "the-proxy-does-not-let-us-out"
    HOSTS = "twitter-cannot-be-reached"
    TLS = "a-certificate-is-not-trusted"
    CLOCK = "the-clock-is-wrong"
    CLIENT = "unauthorized_client"
    DATABASE = "the-database-does-not-answer"
    MIGRATIONS = "the-tables-are-not-up-to-date"
    REDIS = "redis-does-not-answer"
    KEYS = "a-key-is-missing-from-token_keys"
    OUTBOX = "revocations-are-not-delivered"
    SCOPES = "a-scope-is-missing"
    ENROLMENT = "client-not-enrolled"
    CREDITS = "402-out-of-credits"
    LIMITS = "429-too-many-requests"
    DOCTOR = "a-check-could-not-be-done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one check ended: one sentence on what was found, one on what to do. No secret in them."""

    status: Status
    said: str
    cure: str = ""
    section: Section | None = None

    @property
    def link(self) -> str:
        """Where to read more; empty if there is nothing to read."""
        return f"{DOCUMENT}#{self.section}" if self.section else ""


def ok(said: str) -> Finding:
    """Return a finding that needs nobody."""
    return Finding(status=Status.OK, said=said)


def warning(said: str, cure: str, section: Section) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(status=Status.WARNING, said=said, cure=cure, section=section)


def failed(said: str, cure: str, section: Section) -> Finding:
    """Return a finding without whose cure something does not work."""
    return Finding(status=Status.FAILED, said=said, cure=cure, section=section)


def several(count: int, one: str, many: str) -> str:
    """Return a number of things in words."""
    return f"{count} {one if count == 1 else many}"


def skipped(because_of: str) -> Finding:
    """Return the finding of a check that has to wait for another."""
    return Finding(status=Status.SKIPPED, said=f"Waits until this is fine: {because_of}.")
