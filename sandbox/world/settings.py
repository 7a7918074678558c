"""The settings, and their check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from sandbox.errors import InvalidInput
from sandbox.world.dialects import BETA, LIVE, RENAMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings. Their defaults are Twitter's own behaviour."""

    access_token_seconds: int = 7200
    credits: float | None = None  # US dollars left on pay-per-use; None never runs out
    dialect: str = "live"
    enrollment: str = "complete"
    grants: str = "one"  # how many of a client's grants one person can have alive
    latency_ms: int = 0
    limit_body: str = "plain"
    plan: str = "enterprise"
    posts_left: int | None = None  # posts that may still be read this month
    revoke: str = "app"  # what ends beside a revoked token
    way_back: str = "redirect"  # how the consent page sends people back
    revoke_events: str = "revocations"  # which endings of a grant send `oauth.revoke`
    webhook_signatures: str = "consumer"  # which secret signs events and answers challenges

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """Return a copy with these changes; InvalidInput says what is wrong with them."""
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise InvalidInput(
                    f"There is no setting {name!r}. There are: {', '.join(sorted(known))}."
                )
            if (problem := _problem(name, value)) is not None:
                raise InvalidInput(f"{name} must be {problem}.")
        return replace(self, **changes)  # type: ignore[arg-type]  # checked just above


CHOICES = {
    "dialect": (LIVE, BETA, RENAMED),
    "enrollment": ("complete", "client-not-enrolled", "user-not-enrolled"),
    "grants": ("one", "many"),
    "limit_body": ("plain", "code-88", "problem"),
    "plan": ("enterprise", "pay-per-use", "legacy-free"),
    "revoke": ("app", "grant", "token"),
    "way_back": ("redirect", "another-browser"),
    "revoke_events": ("revocations", "person", "all"),
    "webhook_signatures": ("consumer", "client", "both"),
}
_RANGES = {
    "access_token_seconds": (1, 10**9),
    "credits": (0, 10**9),
    "latency_ms": (0, 600_000),
    "posts_left": (0, 10**9),
}
_MAY_BE_NULL = {"credits", "posts_left"}


def _problem(name: str, value: object) -> str | None:
    if name in CHOICES:
        return None if value in CHOICES[name] else f"one of {', '.join(CHOICES[name])}"
    if name in _MAY_BE_NULL and value is None:
        return None
    low, high = _RANGES[name]
    kinds = (int, float) if name == "credits" else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        return f"a number from {low} to {high}"
    return None
