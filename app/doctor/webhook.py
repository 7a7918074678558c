"""X's webhook: whether X would deliver a revocation, and the words for each reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.doctor.report import Result, failed, ok, warning
from app.services import Services
from app.twitter.errors import (
    NotInPlan,
    OutOfCredits,
    RateLimited,
    Refused,
    TokenRefused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.webhooks import Webhook
from config import is_loopback

if TYPE_CHECKING:
    from app.doctor.context import Context

REGISTER = "Run: flask --app wsgi webhook register"
_BEARER = (
    "Copy the Bearer Token from the app's keys and tokens in the developer portal into "
    "TWITTER_BEARER_TOKEN."
)
_ANSWER = (
    "Check that the site runs there with these settings, and that TWITTER_CONSUMER_SECRET is the "
    "API Key Secret. If it is, set it to the Client Secret, with which X signs for newer apps."
)
# By X's own reasons, and by the kinds of refusal.
_REASONS = {
    "CrcValidationFailed": (
        "X called {url} and did not get the right answer.",
        _ANSWER,
    ),
    "UrlValidationFailed": (
        "X does not accept the address {url}.",
        "X needs a public https address without a port: check PUBLIC_URL.",
    ),
    "WebhookLimitExceeded": (
        "The app has as many webhooks at X as it may have.",
        "Remove one at its own site. To see all of them: flask --app wsgi webhook status",
    ),
}
_KINDS: dict[type[TwitterError], tuple[str, str]] = {
    TokenRefused: ("X does not accept TWITTER_BEARER_TOKEN.", _BEARER),
    WrongTokenType: ("TWITTER_BEARER_TOKEN is not an app-only token.", _BEARER),
    NotInPlan: (
        "The app's plan at X does not include webhooks or activity events.",
        "Move the app to package Pay-per-use and environment Production in the developer portal.",
    ),
    OutOfCredits: ("The credits at X are used up.", "Buy credits on the portal's billing page."),
    RateLimited: ("X's rate limit for webhooks is reached.", "Try again in a quarter of an hour."),
}


def why_not(error: TwitterError, url: str) -> tuple[str, str]:
    """Return why X did not do what it was asked for the webhook `url`, and what to do about it."""
    if isinstance(error, Refused) and error.error in _REASONS:
        cause, fix = _REASONS[error.error]
        return cause.format(url=url), fix
    for kind, words in _KINDS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, Refused):
        return f"X refuses ({error}).", "Look at the app and its keys in the developer portal."
    return f"X gave no usable answer ({error}).", "Try again in a minute."


def unreachable_for_x(services: Services) -> str:
    """Return why X itself would never deliver to this site; empty if it would.

    The sandbox, on loopback, delivers to any address.
    """
    if is_loopback(urlsplit(services.dialect.api_url).hostname or ""):
        return ""
    site = urlsplit(services.config.public_url)
    if site.scheme == "https" and site.port is None:
        return ""
    return "X delivers to https without a port only, and PUBLIC_URL is another kind of address."


def webhook(context: Context) -> Result:
    """Look at X whether our webhook is registered, valid and subscribed; it changes nothing."""
    here = context.services
    if here.webhooks is None:
        return ok("TWITTER_BEARER_TOKEN is not set: X does not tell this site of revocations.")
    if reason := unreachable_for_x(here):
        return warning(
            reason, "Unset TWITTER_BEARER_TOKEN and TWITTER_CONSUMER_SECRET, or change PUBLIC_URL."
        )
    try:
        found = here.webhooks.at(here.webhook_url)
    except TwitterError as error:
        return failed(*why_not(error, here.webhook_url))
    return _judged(found, here)


def _judged(found: Webhook | None, here: Services) -> Result:
    if found is None:
        nothing = f"has no webhook at {here.webhook_url}."
        if here.config.sandbox:  # its reset forgets webhooks
            return ok(f"The sandbox {nothing} {REGISTER}")
        return failed(f"X {nothing}", REGISTER)
    if not found.works:
        return failed(f"The webhook does not work: {state(found)}.", REGISTER)
    return ok(f"X tells {found.url} of revocations.")


def state(found: Webhook) -> str:
    """Return what X says of a webhook, as the rest of a sentence."""
    valid = "valid" if found.valid else "switched off by X, because a challenge failed"
    return f"{valid}, {'subscribed' if found.subscriptions else 'not subscribed'} to revocations"
