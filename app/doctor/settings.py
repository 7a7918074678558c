"""Checks without any call: the settings, the secrets, the callback."""

from __future__ import annotations

import stat
from pathlib import Path

from app.doctor.context import Context
from app.doctor.report import Result, counted, failed, ok, warning
from app.twitter.dialect import origin
from config import ROOT, SANDBOX_CLIENTS, ConfigError

DOTENV = ROOT / ".env"


def valid(context: Context) -> Result:
    """Describe the site: an app that could be built has valid settings."""
    config, twitter = context.config, origin(context.api_url)
    if config.sandbox:
        return ok(f"All are valid. Sandbox mode: {twitter} stands in for Twitter.")
    kind = "confidential" if config.twitter_client_secret else "public"
    return ok(f"All are valid: a {kind} client of {twitter}, dialect {config.twitter_dialect}.")


def invalid(error: ConfigError) -> Result:
    """Repeat the problems of the settings, each of which names its fix."""
    return failed(
        "\n".join(error.problems),
        "Correct each of these settings, in the environment or in .env.",
    )


def secrets(context: Context) -> Result:
    """Look for keys that can be guessed, and for a file of secrets that other users can read."""
    config = context.config
    if names := config.guessable():  # an https site does not even start with them
        return warning(
            f"A key can be guessed: {' and '.join(names)}.",
            f"Put a random key in front of {names[0]}; .env.example shows how to make one.",
        )
    if config.https and _others_may_read(DOTENV):
        return warning(
            "Other users of this machine can read .env, and with it every secret.",
            "Run: chmod o= .env",
        )
    return ok(
        f"SECRET_KEY has {counted(len(config.secret_key), 'key', 'keys')}, "
        f"TOKEN_KEYS has {counted(len(config.token_keys), 'key', 'keys')}."
    )


def _others_may_read(path: Path) -> bool:
    """Tell whether every user may. Its group may be the site's, which has no other way in."""
    return path.exists() and bool(path.stat().st_mode & stat.S_IROTH)


def callback(context: Context) -> Result:
    """Show the callback to register, letter for letter."""
    callback_url = context.config.callback_url
    if context.config.twitter_client_id in SANDBOX_CLIENTS:
        return ok(f"The sandbox needs exactly this callback: {callback_url}")
    return ok(f"The developer portal needs exactly this callback: {callback_url}")


def contact(context: Context) -> Result:
    """Ask for a contact: a public site collects data, and its people must be able to reach you."""
    config = context.config
    if config.contact_email:
        policy = config.privacy_url or f"{config.public_url}/privacy, built in"
        return ok(f"People reach you at {config.contact_email}. Privacy policy: {policy}.")
    if config.https:
        return warning(
            "The pages name no contact, so people cannot ask you about their data.",
            "Set CONTACT_EMAIL to an address that you read. Read /privacy: if it does not say all "
            "that you store, set PRIVACY_URL to a policy of your own.",
        )
    return ok("On loopback the pages need no contact.")
