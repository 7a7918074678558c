"""Rules for settings that are URLs, or become a link.

A rule returns the value of a text, or raises `ValueError` in words that go after "NAME: ". It never
quotes the text, which may be secret.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

# RFC 1123 §2.1. DNS allows an underscore, a host name does not: werkzeug drops such a `Host`.
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# WHATWG URL, "ends in a number": browsers read such a host as an IPv4 address, and rewrite it.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST_CHARACTERS = 253

# Each transaction sets these itself.
_SET_BY_US = ("statement_timeout", "lock_timeout", "client_encoding")
# Parameters that are passed on to redis-py.
_REDIS_PARAMETERS = frozenset(
    {"db", "username", "password", "client_name", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile"}
    | {"ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret")
_SECRET_PART = re.compile(rf"://[^:@/]*:([^@]*)@|[?&](?:{'|'.join(SECRET_PARAMETERS)})=([^&]*)")
# An address that names a secret is no address for everyone.
_NAMES_A_SECRET = re.compile(r"(?i)(?:password|secret|token)[^=&]*=")

# Of RFC 5322 §3.2.3 (dot-atom) the characters that mean nothing in a mailto: link (RFC 6068 §2).
_MAILBOX = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_MAILBOX_CHARACTERS = 64  # RFC 5321 §4.5.3.1.1


def public_url(text: str) -> str:
    """Return an origin: https, or http on loopback."""
    origin, path = _origin(text)
    if path not in {"", "/"}:
        raise ValueError("must be an origin without a path, like https://example.com")
    return origin


def twitter_url(text: str) -> str:
    """Return an address without a slash at its end: https, or http on loopback."""
    origin, path = _origin(text)
    return origin + path.rstrip("/")


def page_url(text: str) -> str:
    """Return the address of a page for everyone, which pages link to: http or https."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL. Write it like https://example.com/privacy") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with https:// or http:// and name a host.")
    if not text.isascii() or set(text) & set(' \\"<>'):
        raise ValueError("must be ASCII without spaces, backslashes, quotes and angle brackets.")
    if parts.username is not None or _NAMES_A_SECRET.search(f"{parts.query}&{parts.fragment}"):
        raise ValueError("must not hold a user name, a password, a secret or a token.")
    return parts._replace(netloc=_netloc(parts.scheme, parts.hostname, port)).geturl()


def mail_address(text: str) -> str:
    """Return a mail address that can stand in a mailto: link as it is."""
    mailbox, _, host = text.rpartition("@")
    try:
        host = _host_name(host.lower())
        known = "." in host and not _NUMBER.fullmatch(host.rpartition(".")[2])
    except ValueError:
        known = False
    if not known or not _MAILBOX.fullmatch(mailbox) or len(mailbox) > _MAILBOX_CHARACTERS:
        raise ValueError(
            "must be one mail address, like privacy@example.com: letters, digits and ._+- before "
            "the @, a host name after it; no name, no mailto:"
        )
    return f"{mailbox}@{host}"


def _origin(text: str) -> tuple[str, str]:
    """Return the origin and the path of a URL."""
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
    return f"{parts.scheme}://{_netloc(parts.scheme, host, port)}", parts.path


def _netloc(scheme: str, host: str, port: int | None) -> str:
    """Return host and port as browsers write them: without the port that the scheme implies."""
    host = _host_name(host)
    netloc = f"[{host}]" if ":" in host else host
    if port == 0:
        raise ValueError("must not have port 0.")
    implied = 443 if scheme == "https" else 80
    return netloc if port in {None, implied} else f"{netloc}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_name(host: str) -> str:
    """Return a host as browsers write it in `Host`, with which requests are compared.

    Any name that a browser would write differently, or not at all, is refused.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        if (
            len(host) > _HOST_CHARACTERS
            or not all(_LABEL.fullmatch(label) for label in labels)
            or _NUMBER.fullmatch(labels[-1])
        ):
            raise ValueError(
                "its host may hold letters, digits and hyphens, with dots between them: "
                "no underscore, no dot at the end; an international name as xn--..."
            ) from None
        return host
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise ValueError("must not be an IPv6 address with a zone or with IPv4 in it.")
    return str(address)


def proxy_url(text: str) -> str:
    """Return `text` if it is `http://[user:password@]host:port`."""
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


def store_url(text: str) -> str:
    """Return the URL of a SQLite file or, with the driver we ship, of a PostgreSQL."""
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
    from psycopg.pq import Conninfo  # noqa: PLC0415 - a site on SQLite never loads the driver

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


def redis_url(text: str) -> str:
    """Return the URL of a Redis, with no more parameters than are listed above."""
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
        if name.startswith("ssl_") and parts.scheme != "rediss":
            raise ValueError(f"takes {name} with rediss:// only.")
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
