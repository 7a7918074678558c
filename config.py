"""The settings: read once, checked all at once, never changed afterwards.

They come from the environment and from `.env` beside this file (the environment wins; an empty
value counts as unset). `.env.example` lists them all.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import ipaddress
import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import parse_qs, quote, unquote, unquote_plus, urlsplit

from psycopg.pq import Conninfo
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from settings_files import brought_by_flask, keep_private, kept, settings_of
from settings_text import (
    BEARER,
    ConfigError,
    as_meant,
    client_text,
    host_name,
    is_guessable,
    whole_number,
)

__all__ = ["Config", "ConfigError"]

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent

# The sandbox's clients, with their secret. The beta knew public clients only.
_SANDBOX_CLIENT_OF = {
    "live": ("sandbox-client", "sandbox-secret"),
    "beta": ("sandbox-public", None),
}
SANDBOX_CLIENTS = frozenset(client_id for client_id, _ in _SANDBOX_CLIENT_OF.values())
LOOPBACK = "http://127.0.0.1"

_SECRET_CHARACTERS = 32
_METRICS_TOKEN_CHARACTERS = 16
_TOKEN_KEY_BYTES = 32
# So many threads of a worker never wait for Twitter: pages that need no Twitter always answer.
RESERVED_THREADS = 2

_APP_NAME_CHARACTERS = 40
_LONGEST_DAYS = 3650
_A_DAY = 86_400

# Of a store's URL: what each transaction sets, what redis-py may be told, and what is secret.
_SET_BY_US = ("statement_timeout", "lock_timeout", "client_encoding")
_REDIS_PARAMETERS = frozenset(
    {"db", "username", "password", "client_name", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile"}
    | {"ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret")
_SECRET_PART = re.compile(rf"://[^:@/]*:([^@]*)@|[?&](?:{'|'.join(SECRET_PARAMETERS)})=([^&]*)")

GENERATE = {
    "SECRET_KEY": 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
    "TOKEN_KEYS": 'python3 -c "import base64, os; '
    'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
}

GUESSABLE = (
    "a key of it can be guessed: it repeats itself, counts, or has few different characters. "
    "Take a random one, as .env.example says how."
)

ON = frozenset({"1", "true", "on", "yes"})
OFF = frozenset({"0", "false", "off", "no"})


PORT = whole_number(1, 65535)
WORKERS = whole_number(1, 1000)
THREADS = whole_number(RESERVED_THREADS + 1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What this installation is: its address, its client at Twitter, its keys, its stores."""

    public_url: str
    twitter_client_id: str
    twitter_client_secret: str | None = field(repr=False)
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
    cache_seconds: int
    metrics_token: str | None = field(repr=False)
    ratelimit_enabled: bool
    session_idle_days: int
    session_days: int
    logout_revokes: bool
    threads: int
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
        """The password of `TWITTER_PROXY`: as it is, as it is written there, and as it is sent."""
        parts = urlsplit(self.twitter_proxy or "")
        if not parts.password:
            return frozenset()
        password = unquote(parts.password)
        basic = f"{unquote(parts.username or '')}:{password}".encode()
        return frozenset({parts.password, password, base64.b64encode(basic).decode()})

    @property
    def user_agent(self) -> str:
        """What Twitter sees of the site's name: `User-Agent` is ASCII (RFC 9110 §5.5)."""
        return quote(self.app_name, safe=string.printable)

    @property
    def store_secrets(self) -> frozenset[str]:
        """The passwords of database and Redis, as they could stand in a line."""
        return frozenset(secrets_in(self.database_url) | secrets_in(self.redis_url or ""))

    @property
    def twitter_slots(self) -> int:
        """How many calls to Twitter one process makes at once."""
        return max(1, self.threads - RESERVED_THREADS)

    @property
    def max_calls_per_person(self) -> int:
        """How many of them may serve one person: half the threads, and never all the slots."""
        return max(1, min(self.threads // 2, self.twitter_slots - 1))

    def guessable(self) -> list[str]:
        """Name the settings with a secret of ours that can be guessed."""
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
        config = cls._read(_Reader(environ, root / "instance", strays))
        keep_private(root / "instance")
        return config

    @classmethod
    def _read(cls, read: _Reader) -> Self:
        port = read.parsed("PORT", "8000", PORT)
        # An address that is refused still says which mode was meant, and so what else is wrong.
        https = (read.text("PUBLIC_URL") or "").lower().startswith("https:")
        default = "https://refused.invalid" if https else f"{LOOPBACK}:{port}"
        public_url = read.parsed("PUBLIC_URL", default, _public_url)
        dialect = read.parsed("TWITTER_DIALECT", "live", _dialect)
        sandbox = read.text("TWITTER_CLIENT_ID") is None
        sandbox_port = read.parsed("SANDBOX_PORT", "9000", PORT)
        sandbox_origin = f"{LOOPBACK}:{sandbox_port}"
        client_id, client_secret = _SANDBOX_CLIENT_OF[dialect]
        config = cls(
            public_url=public_url,
            twitter_client_id=read.parsed("TWITTER_CLIENT_ID", client_id, _client_id),
            twitter_client_secret=read.parsed_or_none("TWITTER_CLIENT_SECRET", client_text)
            or (client_secret if sandbox else None),
            twitter_authorize_url=read.parsed_or_none("TWITTER_AUTHORIZE_URL", _twitter_url)
            or (f"{sandbox_origin}/i/oauth2/authorize" if sandbox else None),
            twitter_api_url=read.parsed_or_none("TWITTER_API_URL", _twitter_url)
            or (f"{sandbox_origin}/2" if sandbox else None),
            twitter_dialect=dialect,
            twitter_proxy=read.parsed_or_none("TWITTER_PROXY", _proxy_url),
            secret_key=read.key_ring("SECRET_KEY", _secret_text, _new_secret, https=https),
            token_keys=read.key_ring("TOKEN_KEYS", _token_key, _new_token_key, https=https),
            database_url=read.parsed(
                "DATABASE_URL", f"sqlite:///{read.instance / 'perch.db'}", store_url
            ),
            redis_url=read.parsed_or_none("REDIS_URL", _redis_url),
            trusted_proxies=read.parsed("TRUSTED_PROXIES", "0", whole_number(0, 16)),
            app_name=read.parsed("APP_NAME", "Perch", _app_name),
            cache_seconds=read.parsed("CACHE_SECONDS", "60", whole_number(0, _A_DAY)),
            metrics_token=read.parsed_or_none("METRICS_TOKEN", _metrics_token),
            ratelimit_enabled=read.parsed("RATELIMIT_ENABLED", "1", _switch),
            session_idle_days=read.parsed(
                "SESSION_IDLE_DAYS", "30", whole_number(1, _LONGEST_DAYS)
            ),
            session_days=read.parsed("SESSION_DAYS", "180", whole_number(1, _LONGEST_DAYS)),
            logout_revokes=read.parsed("LOGOUT_REVOKES", "on", _switch),
            threads=read.parsed("GUNICORN_THREADS", "32", THREADS),
            port=port,
            sandbox=sandbox,
            sandbox_port=sandbox_port,
        )
        read.problems += _contradictions(config, read)
        if read.problems:
            raise ConfigError(read.problems)
        return config


class _Reader:
    """Reads settings by name and collects what is wrong with them."""

    def __init__(
        self, environ: Mapping[str, str], instance: Path, strays: Mapping[str, Path]
    ) -> None:
        self.environ = environ
        self.instance = instance
        self.strays = dict(strays)
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        if stray := self.strays.pop(name, None):
            self.problems.append(
                f"{name}: comes from {stray}, which flask has read and the site has not. "
                f"Run flask in {self.instance.parent}, with a .env there, which may be empty."
            )
        return (self.environ.get(name) or "").strip() or None

    def parsed(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        value = self.parsed_or_none(name, parse)
        return parse(default) if value is None else value

    def parsed_or_none(self, name: str, parse: Callable[[str], T]) -> T | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse(as_meant(text))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return None

    def key_ring(
        self, name: str, parse: Callable[[str], T], generate: Callable[[], str], *, https: bool
    ) -> tuple[T, ...]:
        """Return the keys of the ring `name`: the first seals, all open."""
        text = self.text(name)
        if text is None and https:
            self.problems.append(
                f"{name}: is not set, and an https site does not run on generated keys. "
                f"Set it to the output of: {GENERATE[name]}"
            )
            return (parse(generate()),)
        try:
            if text is None:
                return (kept(self.instance / name.lower(), generate, parse),)
            return tuple(parse(part.strip()) for part in as_meant(text).split(","))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return (parse(generate()),)


def _contradictions(config: Config, read: _Reader) -> list[str]:
    """Name what is fine alone and wrong together."""
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
    urls = (config.twitter_authorize_url, config.twitter_api_url)
    if config.twitter_proxy and any(url and url.startswith("http://") for url in urls):
        problems.append(
            "TWITTER_PROXY: is for https only, and this Twitter is plain http on this machine "
            "(the sandbox, TWITTER_AUTHORIZE_URL or TWITTER_API_URL). Unset TWITTER_PROXY here."
        )
    if config.https:
        # An older key of TOKEN_KEYS seals nothing, and opens rows until `flask tokens reencrypt`.
        first = replace(config, token_keys=config.token_keys[:1])
        problems += [f"{name}: {GUESSABLE}" for name in first.guessable()]
    return problems


def _origin(text: str) -> tuple[str, str]:
    """Split a URL into its origin and path; raise `ValueError` in words if it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL. Write it like https://example.com") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in {"http", "https"} or not host or not text.isascii():
        raise ValueError("must start with https:// (or http:// on loopback) and name a host.")
    if parts.username is not None or parts.query or parts.fragment or set(text) & set(" \\\t\n"):
        raise ValueError("must not hold a user name, a query, a fragment or spaces.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http is for loopback (127.0.0.1) only. Use https://")
    default = 443 if parts.scheme == "https" else 80
    host = host_name(host)
    netloc = f"[{host}]" if ":" in host else host
    if port == 0:
        raise ValueError("must not have port 0.")
    if port not in {None, default}:
        netloc = f"{netloc}:{port}"
    return f"{parts.scheme}://{netloc}", parts.path


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _public_url(text: str) -> str:
    origin, path = _origin(text)
    if path not in {"", "/"}:
        raise ValueError("must be an origin without a path, like https://example.com")
    return origin


def _twitter_url(text: str) -> str:
    origin, path = _origin(text)
    return origin + path.rstrip("/")


def _proxy_url(text: str) -> str:
    """Return `text` if it is `http://[user:password@]host:port`. The errors never quote it."""
    like = "Write it like http://user:password@proxy.example:3128"
    if not (text.isascii() and text.isprintable()) or set(text) & set(" \\"):
        raise ValueError(f"must be ASCII without spaces and backslashes. {like}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(
            f"is not a URL. {like}, with %2F for a slash in the password, %40 for an @"
        ) from None
    if parts.scheme != "http":
        raise ValueError(
            "must start with http://, as the proxy is asked in plain HTTP to let TLS through. "
            "Proxies that speak TLS themselves or SOCKS are not supported."
        )
    if not parts.hostname or not port:
        raise ValueError(f"must name a host and a port. {like}")
    if parts.path not in {"", "/"} or set(text) & set("?#"):
        raise ValueError(f"must end with the port. {like}")
    if not _is_sendable(parts.username or "") or not _is_sendable(parts.password or ""):
        raise ValueError("user and password must be percent-encoded UTF-8 without control codes.")
    if ":" in unquote(parts.username or ""):
        raise ValueError("a user name with a colon cannot be sent to a proxy (RFC 7617).")
    return text


def _is_sendable(encoded: str) -> bool:
    """Tell whether a percent-encoded text is UTF-8 without control codes."""
    if re.search("%(?![0-9A-Fa-f]{2})", encoded):
        return False
    try:
        return unquote(encoded, errors="strict").isprintable()
    except UnicodeDecodeError:
        return False


def _client_id(text: str) -> str:
    if ":" in text:  # RFC 7617 §2: the secret would begin at the first one
        raise ValueError("must not hold a colon.")
    return client_text(text)


def _dialect(text: str) -> Literal["live", "beta"]:
    if text == "live":
        return "live"
    if text == "beta":
        return "beta"
    raise ValueError("must be live or beta.")


def _secret_text(text: str) -> str:
    if len(text) < _SECRET_CHARACTERS:
        raise ValueError(
            f"a key has {len(text)} characters and needs {_SECRET_CHARACTERS} or more. "
            f"Take the output of: {GENERATE['SECRET_KEY']}"
        )
    return text


def _metrics_token(text: str) -> str:
    if not BEARER.fullmatch(text):
        raise ValueError("may hold letters, digits and -._~+/ only (RFC 6750 §2.1).")
    if len(text) < _METRICS_TOKEN_CHARACTERS:
        raise ValueError(
            f"has {len(text)} characters and needs {_METRICS_TOKEN_CHARACTERS} or more."
        )
    return text


def _token_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True)  # noqa: FBT003
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _TOKEN_KEY_BYTES:
        raise ValueError(
            f"each key must be {_TOKEN_KEY_BYTES} bytes in base64url. "
            f"Take the output of: {GENERATE['TOKEN_KEYS']}"
        )
    return key


def store_url(text: str) -> str:
    """Point PostgreSQL URLs, however spelled, at the driver we ship.

    Raises `ValueError` in words, without a password, for what would be thrown away or misread.
    """
    scheme, _, rest = text.partition("://")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            "is not a URL. Write it like postgresql://user:password@host/name"
        ) from None
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        _check_postgresql(url)
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and rest not in {"/", "/:memory:"}:
        if url.query:
            raise ValueError("a SQLite file takes no parameters: leave out the ? and all after it.")
        return text
    raise ValueError("must start with postgresql:// or be a file, like sqlite:////srv/perch.db")


def _check_postgresql(url: URL) -> None:
    """Refuse parameters that libpq does not know, that come twice, or that the site sets itself."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    named = url.translate_connect_args(username="user", database="dbname")
    for name, value in url.query.items():
        if name not in known:
            raise ValueError(f"PostgreSQL knows no parameter {name}.")
        if name in named or (not isinstance(value, str) and name not in {"host", "port"}):
            raise ValueError(f"says its {name} twice.")
    if found := next((name for name in _SET_BY_US if name in str(url.query.get("options"))), None):
        raise ValueError(f"options: leave out {found}, the site sets it itself.")
    if "client_encoding" in url.query:
        raise ValueError("leave out client_encoding: it is always UTF-8.")


def _redis_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"redis", "rediss", "unix"} and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("is not a URL that starts with redis://, rediss:// or unix://")
    if parts.fragment:
        raise ValueError("must not hold a #: write one in a password as %23.")
    database = "" if parts.scheme == "unix" else parts.path.strip("/")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("must end in the number of a database, like redis://host:6379/0")
    named = {"username": parts.username, "password": parts.password, "db": database}
    given = parse_qs(parts.query, keep_blank_values=True)
    for name, values in given.items():
        if name not in _REDIS_PARAMETERS:
            raise ValueError(f"takes no parameter {name}.")
        if named.get(name) or len(values) > 1:
            raise ValueError(f"says its {name} twice.")
    if not all(number.isdigit() for number in given.get("db", [])):
        raise ValueError("db: must be the number of a database.")
    return text


def secrets_in(url: str) -> set[str]:
    """Return the passwords in the URL of a store, as written and decoded, wherever they stand."""
    written = {next(filter(None, found), "") for found in _SECRET_PART.findall(url)}
    with contextlib.suppress(ValueError):
        written.add(urlsplit(url).password or "")
    return {each for text in written for each in (text, unquote(text), unquote_plus(text)) if each}


def _app_name(text: str) -> str:
    if len(text) > _APP_NAME_CHARACTERS or not text.isprintable():
        raise ValueError(f"must be {_APP_NAME_CHARACTERS} printable characters or fewer.")
    return text


def _switch(text: str) -> bool:
    if text.lower() in ON | OFF:
        return text.lower() in ON
    raise ValueError("must be 1, true, on or yes; or 0, false, off or no.")


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _new_token_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(_TOKEN_KEY_BYTES)).decode()
