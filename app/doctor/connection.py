"""Checks of the way to Twitter: the outgoing proxy, both hosts, TLS, the clock.

They send no token.
"""

from __future__ import annotations

import os
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from dotenv import dotenv_values

from app.doctor import probe
from app.doctor.context import Context
from app.doctor.report import Result, Section, failed, ok, warning
from app.doctor.settings import DOTENV
from app.twitter.dialect import origin
from app.twitter.transport.tunnel import ProxyTrouble

# Cookies, leases and rate limits all depend on the clock.
_CLOCK_TOLERANCE = timedelta(minutes=1)
_SERVER_ERRORS = range(500, 600)
_NO_SUCH_PAGE = frozenset({404, 405, 410})

# The proxy settings of other programs.
IGNORED = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
STATUS_PAGE = "Check X's status page, and try again later."

_ADDRESS = "Check host and port of TWITTER_PROXY, and that the proxy runs."
PROXY_FIXES = {
    ProxyTrouble.NAME: "Correct the host in TWITTER_PROXY, or check this machine's DNS.",
    ProxyTrouble.CONNECTION: _ADDRESS,
    ProxyTrouble.TIMEOUT: f"{_ADDRESS} A firewall may block the way.",
    ProxyTrouble.SILENCE: "Check whether the proxy hangs, and that its port is for HTTP.",
    ProxyTrouble.DROPPED: "Read the proxy's log, and check that its port is for plain HTTP.",
    ProxyTrouble.GARBAGE: "Set TWITTER_PROXY to the port on which the proxy accepts HTTP.",
    ProxyTrouble.PASSWORD: "Put user and password into TWITTER_PROXY, percent-encoded: "
    "http://user:password@host:port",
    ProxyTrouble.FORBIDDEN: "Have the proxy's operator allow CONNECT from this machine to port "
    "443 of Twitter's hosts.",
    ProxyTrouble.BEHIND: "Check the proxy's own firewall and DNS, and X's status page.",
}


def outgoing_proxy(context: Context) -> Result:
    """Check that the proxy connects to the API host; later checks judge the host itself."""
    proxy, ignored = context.proxy, _ignored()
    note = f" Ignored, because only TWITTER_PROXY counts: {ignored}." if ignored else ""
    if proxy is None:
        return ok(f"Calls go straight to Twitter, through no proxy.{note}")
    try:
        context.get(context.me_url)
    except probe.ProbeFailed as error:
        if error.proxy is not None:
            return failed(
                f"The proxy at {proxy.address} fails: {error}.{note}", PROXY_FIXES[error.proxy]
            )
    return ok(f"Calls go through the proxy at {proxy.address}, which connects to Twitter.{note}")


def _ignored() -> str:
    """Name the proxy settings in the environment that other programs use."""
    return ", ".join(
        name for name in IGNORED if os.environ.get(name) or os.environ.get(name.lower())
    )


def authorize_host(context: Context) -> Result:
    """Reach the host of the consent page."""
    return _host(context, context.authorize_url, "TWITTER_AUTHORIZE_URL")


def api_host(context: Context) -> Result:
    """Reach the host of the API."""
    return _host(context, context.me_url, "TWITTER_API_URL")


def _host(context: Context, url: str, setting: str) -> Result:
    try:
        response = context.get(url)
    except probe.ProbeFailed as error:
        if error.stage == "tls":
            return ok(f"{origin(url)} accepts connections.")
        return _unreachable(context, url, setting, error)
    if response.status in _SERVER_ERRORS:
        return warning(f"{origin(url)} has an error (HTTP {response.status}).", STATUS_PAGE)
    if response.status in _NO_SUCH_PAGE:
        return failed(
            f"{origin(url)} has nothing at that address (HTTP {response.status}).",
            f"Unset {setting}, or set it to the address in your provider's documents.",
        )
    return ok(f"{origin(url)} answers.")


def _unreachable(context: Context, url: str, setting: str, error: probe.ProbeFailed) -> Result:
    if error.proxy is not None:  # it connects to the API, or this check would not run
        return warning(
            f"The proxy does not connect to {origin(url)}: {error}.",
            f"Only people's browsers need this host. If {setting} is right, ignore this.",
            Section.OUTGOING_PROXY,
        )
    start = "Start the sandbox (make run)" if context.config.sandbox else "Try curl from here"
    fix = f"{start}; check firewall and DNS, and that {setting} is right."
    if context.proxy is None and (names := _ignored()):
        fix += f" If a proxy is the only way out, set TWITTER_PROXY: {names} is ignored."
    return failed(f"{origin(url)} cannot be reached: {error}.", fix)


def tls(context: Context) -> Result:
    """Check the certificates of both hosts, and that the site trusts the same authorities."""
    secure = [url for url in (context.authorize_url, context.me_url) if url.startswith("https://")]
    if not secure:
        return ok("Plain http on loopback: there is no TLS to check.")
    for url in secure:
        try:
            context.get(url)
        except probe.ProbeFailed as error:
            if error.proxy is not None:
                continue
            return failed(
                f"No TLS connection to {origin(url)}: {error}.",
                "Set the clock, update ca-certificates, and look for a proxy that opens TLS. "
                "To trust a test server, or such a proxy, set SSL_CERT_FILE in the site's "
                "environment to its authority's file.",
            )
    # OpenSSL reads it from the environment. `flask` loads .env into its own; gunicorn does not.
    in_dotenv = dotenv_values(DOTENV).get("SSL_CERT_FILE")
    if in_dotenv and in_dotenv == os.environ.get("SSL_CERT_FILE"):
        return warning(
            "Certificates are trusted by this command only: it reads SSL_CERT_FILE from .env, "
            "and the site does not.",
            "Set SSL_CERT_FILE in the environment in which gunicorn and the outbox start.",
        )
    return ok("Certificates are trusted.")


def clock(context: Context) -> Result:
    """Compare this machine's clock with the `Date` of the API host."""
    now = context.services.now()
    try:
        theirs = parsedate_to_datetime(context.get(context.me_url).headers.get("Date", ""))
    except ValueError:
        return warning(
            f"{origin(context.api_url)} does not send a valid Date.",
            "Check that this machine's clock is synchronised (timedatectl).",
        )
    off = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    if abs(off) > _CLOCK_TOLERANCE:
        direction = "ahead" if off > timedelta(0) else "behind"
        return failed(
            f"This machine's clock is {_in_words(abs(off))} {direction}.",
            "Synchronise it by NTP: timedatectl set-ntp true",
        )
    return ok("This machine's clock agrees with Twitter's.")


def _in_words(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds} seconds" if seconds < 2 * 60 else f"{round(seconds / 60)} minutes"
