"""Checks that ask nobody: the settings, the secrets, the callback, the name of this host."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit

from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok, warning
from app.twitter.origins import origin
from config import ROOT, SANDBOX_CLIENTS, ConfigError

DOTENV = ROOT / ".env"


def readable(patient: Patient) -> Finding:
    """Tell what kind of site it is: an app that could be built has settings that can be read."""
    config = patient.config
    if config.sandbox:
        return ok(
            f"All can be read. Sandbox mode: a made-up Twitter at {origin(patient.api_url)} "
            "plays the real one."
        )
    kind = "confidential" if config.twitter_client_secret else "public"
    return ok(
        f"All can be read: a {kind} client of {origin(patient.api_url)}, "
        f"dialect {config.twitter_dialect}."
    )


def unreadable(error: ConfigError) -> Finding:
    """Repeat what is wrong with the settings, each with its own cure."""
    return failed(
        "\n".join(error.problems),
        "Put right each of these settings, in the environment or in .env.",
        Section.SETTINGS,
    )


def secrets(patient: Patient) -> Finding:
    """Look for keys that can be guessed, and for a file of secrets that others can read."""
    config = patient.config
    if names := config.guessable():  # an https site does not even start with them
        return warning(
            f"A key can be guessed: {' and '.join(names)}.",
            f"Put a random key in front of {names[0]}, as .env.example says how.",
            Section.SECRETS,
        )
    if config.https and _others_may_read(DOTENV):
        return warning(
            "Other users of this machine can read .env, and with it every secret.",
            "Run: chmod o= .env",
            Section.SECRETS,
        )
    return ok(
        f"SECRET_KEY is a ring of {len(config.secret_key)}, TOKEN_KEYS of {len(config.token_keys)}."
    )


def _others_may_read(path: Path) -> bool:
    """Tell whether everybody may. Its group may be the site's, which has no other way in."""
    return path.exists() and bool(path.stat().st_mode & stat.S_IROTH)


def callback(patient: Patient) -> Finding:
    """Say what has to stand in the portal, letter for letter."""
    callback_url = patient.config.callback_url
    if patient.config.twitter_client_id in SANDBOX_CLIENTS:
        return ok(f"The sandbox must know exactly this callback: {callback_url}")
    return ok(f"Paste exactly this into the developer portal: {callback_url}")


def host_name(patient: Patient) -> Finding:
    """Tell `localhost` from `127.0.0.1`: for cookies and for Twitter these are two hosts."""
    config = patient.config
    parts = urlsplit(config.public_url)
    if parts.hostname == "localhost":
        numbers = config.public_url.replace("localhost", "127.0.0.1", 1)
        return warning(
            "PUBLIC_URL says localhost, and the developer portal wants 127.0.0.1.",
            f"Set PUBLIC_URL={numbers} and register {numbers}/auth/callback",
            Section.LOCALHOST,
        )
    return ok(f"People come by one name: {parts.netloc}")
