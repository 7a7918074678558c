"""The settings: read once, checked together, never changed.

They come from the environment and from `.env` beside this file (the environment wins; an empty
value counts as unset). `.env.example` lists them all.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, unquote, urlsplit

from settings_files import Reader, brought_by_flask, keep_private, settings_of
from settings_text import (
    GUESSABLE,
    ConfigError,
    app_name,
    client_id,
    client_text,
    dialect,
    half_a_webhook,
    is_guessable,
    metrics_token,
    new_secret,
    new_token_key,
    provider_name,
    secret_key,
    switch,
    token_key,
    whole_number,
)
from settings_urls import (
    SECRET_PARAMETERS,
    is_loopback,
    mail_address,
    page_url,
    proxy_url,
    public_url,
    redis_url,
    secrets_in,
    store_url,
    twitter_url,
)

# The rest of the project imports settings from here alone.
__all__ = ["SECRET_PARAMETERS", "Config", "ConfigError", "is_loopback", "secrets_in", "store_url"]

ROOT = Path(__file__).resolve().parent

_LOOPBACK = "http://127.0.0.1"
# The sandbox's clients, with their secrets. The beta knew public clients only, and no webhooks.
_SANDBOX_CLIENT_OF = {
    "live": {
        "twitter_client_id": "sandbox-client",
        "twitter_client_secret": "sandbox-secret",
        "twitter_bearer_token": "sandbox-client-bearer",
        "twitter_consumer_secret": "sandbox-client-consumer-secret",
    },
    "beta": {"twitter_client_id": "sandbox-public"},
}
SANDBOX_CLIENTS = frozenset(each["twitter_client_id"] for each in _SANDBOX_CLIENT_OF.values())

# This many threads of a worker never wait for Twitter: pages that need no Twitter always answer.
RESERVED_THREADS = 2

# Rules of numbers. The others are in settings_text.py and settings_urls.py.
PORT = whole_number(1, 65535)
WORKERS = whole_number(1, 1000)
THREADS = whole_number(RESERVED_THREADS + 1, 1000)
_PROXIES = whole_number(0, 16)
_DAYS = whole_number(1, 3650)
_UP_TO_A_DAY = whole_number(0, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One installation: its address, its client at Twitter, its keys, its stores."""

    public_url: str
    twitter_client_id: str
    twitter_client_secret: str | None = field(repr=False)
    twitter_bearer_token: str | None = field(repr=False)
    twitter_consumer_secret: str | None = field(repr=False)
    twitter_authorize_url: str | None
    twitter_api_url: str | None
    twitter_dialect: Literal["live", "beta"]
    twitter_proxy: str | None = field(repr=False)
    secret_key: tuple[str, ...] = field(repr=False)
    token_keys: tuple[bytes, ...] = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    trusted_proxies: int
    app_name: str
    privacy_url: str | None
    terms_url: str | None
    contact_email: str | None
    provider_name: Literal["Twitter", "X"]
    cache_seconds: int
    metrics_token: str | None = field(repr=False)
    ratelimit_enabled: bool
    session_idle_days: int
    session_days: int
    logout_revokes: bool
    people_days: int
    threads: int
    workers: int  # gunicorn's; judged here, so that a wrong one stops no running site
    port: int
    sandbox: bool
    sandbox_port: int

    @property
    def https(self) -> bool:
        """Whether people reach us over https, which means production."""
        return self.public_url.startswith("https://")

    @property
    def callback_url(self) -> str:
        """The exact callback to register at Twitter; on the wire it is `redirect_uri`."""
        return f"{self.public_url}/auth/callback"

    @property
    def proxy_secrets(self) -> frozenset[str]:
        """The password of `TWITTER_PROXY`: decoded, as it is written, and as it is sent."""
        parts = urlsplit(self.twitter_proxy or "")
        if not parts.password:
            return frozenset()
        password = unquote(parts.password)
        basic = f"{unquote(parts.username or '')}:{password}".encode()
        return frozenset({parts.password, password, base64.b64encode(basic).decode()})

    @property
    def user_agent(self) -> str:
        """The site's name in ASCII, as `User-Agent` must be (RFC 9110 §5.5)."""
        return quote(self.app_name, safe=string.printable)

    @property
    def store_secrets(self) -> frozenset[str]:
        """The passwords of database and Redis, in every form that a log line could hold."""
        return frozenset(secrets_in(self.database_url) | secrets_in(self.redis_url or ""))

    @property
    def twitter_slots(self) -> int:
        """The number of calls to Twitter that one process makes at once."""
        return max(1, self.threads - RESERVED_THREADS)

    @property
    def max_calls_per_person(self) -> int:
        """The number of these calls for one person: half the threads, and never all the slots."""
        return max(1, min(self.threads // 2, self.twitter_slots - 1))

    def guessable(self) -> list[str]:
        """Return the names of the settings that hold a guessable key."""
        rings: dict[str, tuple[str, ...] | tuple[bytes, ...]] = {
            "SECRET_KEY": self.secret_key,
            "TOKEN_KEYS": self.token_keys,
            "METRICS_TOKEN": (self.metrics_token,) if self.metrics_token else (),
        }
        return [name for name, keys in rings.items() if any(map(is_guessable, keys))]

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, root: Path = ROOT) -> Self:
        """Return the settings of `environ` (default: those of the process and of `root`).

        On loopback, missing keys are generated once and kept under `instance/`.
        Raises `ConfigError`, naming everything that is wrong, not only the first.
        """
        strays = brought_by_flask(root) if environ is None else {}
        environ = settings_of(root) if environ is None else environ
        config = cls._read(Reader(environ, root / "instance", strays))
        keep_private(root / "instance")
        return config

    @classmethod
    def _read(cls, read: Reader) -> Self:
        """Return all settings: for each its name, its default and its rule."""
        port = read.setting("PORT", "8000", PORT)
        # A refused address still tells which mode was meant, and so which keys are required.
        https = (read.text("PUBLIC_URL") or "").lower().startswith("https:")
        here = "https://refused.invalid" if https else f"{_LOOPBACK}:{port}"
        database = f"sqlite:///{read.instance / 'perch.db'}"
        config = cls(
            public_url=read.setting("PUBLIC_URL", here, public_url),
            twitter_client_id=read.optional("TWITTER_CLIENT_ID", client_id) or "",
            twitter_client_secret=read.optional("TWITTER_CLIENT_SECRET", client_text),
            twitter_bearer_token=read.optional("TWITTER_BEARER_TOKEN", client_text),
            twitter_consumer_secret=read.optional("TWITTER_CONSUMER_SECRET", client_text),
            twitter_authorize_url=read.optional("TWITTER_AUTHORIZE_URL", twitter_url),
            twitter_api_url=read.optional("TWITTER_API_URL", twitter_url),
            twitter_dialect=read.setting("TWITTER_DIALECT", "live", dialect),
            twitter_proxy=read.optional("TWITTER_PROXY", proxy_url),
            secret_key=read.key_ring("SECRET_KEY", new_secret, secret_key, https=https),
            token_keys=read.key_ring("TOKEN_KEYS", new_token_key, token_key, https=https),
            database_url=read.setting("DATABASE_URL", database, store_url),
            redis_url=read.optional("REDIS_URL", redis_url),
            trusted_proxies=read.setting("TRUSTED_PROXIES", "0", _PROXIES),
            app_name=read.setting("APP_NAME", "Perch", app_name),
            privacy_url=read.optional("PRIVACY_URL", page_url),
            terms_url=read.optional("TERMS_URL", page_url),
            contact_email=read.optional("CONTACT_EMAIL", mail_address),
            provider_name=read.setting("PROVIDER_NAME", "Twitter", provider_name),
            cache_seconds=read.setting("CACHE_SECONDS", "60", _UP_TO_A_DAY),
            metrics_token=read.optional("METRICS_TOKEN", metrics_token),
            ratelimit_enabled=read.setting("RATELIMIT_ENABLED", "1", switch),
            session_idle_days=read.setting("SESSION_IDLE_DAYS", "30", _DAYS),
            session_days=read.setting("SESSION_DAYS", "180", _DAYS),
            logout_revokes=read.setting("LOGOUT_REVOKES", "on", switch),
            people_days=read.setting("PEOPLE_DAYS", "90", _DAYS),
            threads=read.setting("GUNICORN_THREADS", "32", THREADS),
            workers=read.setting("WEB_CONCURRENCY", "2", WORKERS),
            port=port,
            sandbox=read.text("TWITTER_CLIENT_ID") is None,
            sandbox_port=read.setting("SANDBOX_PORT", "9000", PORT),
        )
        if config.sandbox:
            config = config._at_the_sandbox()
        read.problems += _contradictions(config, read)
        if read.problems:
            raise ConfigError(read.problems)
        return config

    def _at_the_sandbox(self) -> Self:
        """Return these settings for the sandbox's client, with its addresses where none are set."""
        origin = f"{_LOOPBACK}:{self.sandbox_port}"
        sandbox = _SANDBOX_CLIENT_OF[self.twitter_dialect] | {
            "twitter_authorize_url": f"{origin}/i/oauth2/authorize",
            "twitter_api_url": f"{origin}/2",
        }
        unset: Any = {name: value for name, value in sandbox.items() if not getattr(self, name)}
        return replace(self, **unset)


def _contradictions(config: Config, read: Reader) -> list[str]:
    """Return the problems of settings that are right alone and wrong together."""
    problems = []
    if config.sandbox and read.text("TWITTER_CLIENT_SECRET"):
        problems.append(
            "TWITTER_CLIENT_ID: is not set although TWITTER_CLIENT_SECRET is. Set both."
        )
    elif config.https and (config.sandbox or read.text("TWITTER_CLIENT_ID") in SANDBOX_CLIENTS):
        problems.append(
            "TWITTER_CLIENT_ID: an https site needs a client of its own, not the sandbox's. "
            "Take it from your app's page in the X developer portal."
        )
    problems += half_a_webhook(read.text)
    urls = (config.twitter_authorize_url, config.twitter_api_url)
    if config.twitter_proxy and any(url and url.startswith("http://") for url in urls):
        problems.append(
            "TWITTER_PROXY: is for https only, and this Twitter is plain http on this machine "
            "(the sandbox, TWITTER_AUTHORIZE_URL or TWITTER_API_URL). Unset TWITTER_PROXY here."
        )
    if _without_query(config.privacy_url) == f"{config.public_url}/privacy":
        problems.append(
            "PRIVACY_URL: is this site's own page, which is there without it. Unset it."
        )
    if config.https:
        # An older key of TOKEN_KEYS seals nothing, and opens rows until `flask tokens reencrypt`.
        first = replace(config, token_keys=config.token_keys[:1])
        problems += [f"{name}: {GUESSABLE}" for name in first.guessable()]
    return problems


def _without_query(url: str | None) -> str:
    """Return origin and path of `url`, decoded."""
    return unquote(urlsplit(url or "")._replace(query="", fragment="").geturl())
