"""Checks at Twitter: is it there, does it know our client, does it take our requests.

Nothing here changes anything: no token is sent, and the only code is one that cannot exist.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

from app.doctor import probe
from app.doctor.connection import ignored
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok, skipped, warning
from app.twitter.dialect import AT_SIGN_IN
from app.twitter.errors import (
    ClientRefused,
    GrantRefused,
    RateLimited,
    Refused,
    TwitterError,
    Unreachable,
)
from app.twitter.oauth import AuthorizationServer, Client
from app.twitter.origins import origin
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Transport

# Cookies, leases and limits are all told by the time; more than this is noticed.
_CLOCK_TOLERANCE = timedelta(minutes=1)
SERVER_TROUBLE = range(500, 600)
REDIRECTS = range(300, 400)
_NO_SUCH_PAGE = frozenset({404, 405, 410})
_BAD_REQUEST = 400

_STATUS_PAGE = "Look at X's status page, and try again later."


# Is it there?


def authorize_host(patient: Patient) -> Finding:
    """Reach the host of the page on which people say yes."""
    return _host(patient, patient.authorize_url, "TWITTER_AUTHORIZE_URL")


def api_host(patient: Patient) -> Finding:
    """Reach the host of the API."""
    return _host(patient, patient.me_url, "TWITTER_API_URL")


def _host(patient: Patient, url: str, setting: str) -> Finding:
    try:
        answer = patient.asked(url)
    except probe.NotReached as error:
        if error.stage == "tls":
            return ok(f"{origin(url)} takes connections.")
        return _host_not_reached(patient, url, setting, error)
    if answer.status in SERVER_TROUBLE:
        return warning(
            f"{origin(url)} is in trouble (HTTP {answer.status}).", _STATUS_PAGE, Section.HOSTS
        )
    if answer.status in _NO_SUCH_PAGE:
        return failed(
            f"{origin(url)} has nothing at that address (HTTP {answer.status}).",
            f"Unset {setting}, or set it to the address in your provider's documents.",
            Section.HOSTS,
        )
    return ok(f"{origin(url)} answers.")


def _host_not_reached(patient: Patient, url: str, setting: str, error: probe.NotReached) -> Finding:
    if error.proxy is not None:  # it leads to the API, or this check would not be done
        return warning(
            f"The proxy does not lead to {origin(url)}: {error}.",
            f"Sign-ins need it in browsers only. If {setting} is right, this can stay.",
            Section.PROXY,
        )
    start = "Start the sandbox (make run)" if patient.config.sandbox else "Try curl from here"
    cure = f"{start}; look at firewall and DNS, and whether {setting} is right."
    if patient.proxy is None and (names := ignored()):
        cure += f" If a proxy is the only way out, set TWITTER_PROXY: {names} does not count."
    return failed(f"{origin(url)} is not reached: {error}.", cure, Section.HOSTS)


def clock(patient: Patient) -> Finding:
    """Compare our time with the one that the API's host sends along."""
    now = patient.here.now()
    try:
        theirs = parsedate_to_datetime(patient.asked(patient.me_url).headers.get("Date", ""))
    except ValueError:
        return warning(
            f"{origin(patient.api_url)} does not tell the time.",
            "Look whether this machine's clock is kept right (timedatectl).",
            Section.CLOCK,
        )
    off = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    if abs(off) > _CLOCK_TOLERANCE:
        direction = "ahead" if off > timedelta(0) else "behind"
        return failed(
            f"This machine's clock is {_in_words(abs(off))} {direction}.",
            "Have it set by NTP: timedatectl set-ntp true",
            Section.CLOCK,
        )
    return ok("This machine's clock agrees with Twitter's.")


def _in_words(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds} seconds" if seconds < 2 * 60 else f"{round(seconds / 60)} minutes"


# Does it know our client?


def client(patient: Patient) -> Finding:
    """Offer a code that cannot exist: who knows our client refuses the code and not the client."""
    secret = patient.config.twitter_client_secret
    deadline = Deadline(probe.SECONDS)
    error = _refusal(patient, secret, now=patient.here.now(), deadline=deadline)
    if isinstance(error, GrantRefused):
        kind = "confidential client with this secret" if secret else "public client"
        return ok(f"Twitter knows this client: a {kind}.")
    if isinstance(error, ClientRefused):
        as_public = secret and _refusal(patient, None, now=patient.here.now(), deadline=deadline)
        return _client_refused(error, as_public or None, has_secret=bool(secret))
    return _no_verdict(error)


def _refusal(
    patient: Patient, secret: str | None, *, now: datetime, deadline: Deadline
) -> TwitterError | None:
    """Return how the token endpoint refuses an impossible code from us, with or without secret."""
    config = patient.config
    server = AuthorizationServer(
        Transport(
            slots=1,
            user_agent=config.app_name,
            on_call=lambda _: None,
            proxy=patient.proxy,
        ),
        Client(
            client_id=config.twitter_client_id,
            client_secret=secret,
            redirect_uri=config.callback_url,
        ),
        authorize_url=patient.authorize_url,
        api_url=patient.api_url,
    )
    try:
        server.exchange(
            f"doctor-{secrets.token_hex(16)}",
            code_verifier=secrets.token_urlsafe(48),
            scopes=_scopes(patient),
            now=now,
            deadline=deadline,
        )
    except TwitterError as error:
        return error
    return None


def _client_refused(
    error: ClientRefused, as_public: TwitterError | None, *, has_secret: bool
) -> Finding:
    """Tell an unknown client from a wrong secret, and a wrong secret from one too many."""
    if "invalid_client" in {error.error, getattr(as_public, "error", "")}:
        return failed(
            "Twitter does not know a client with this TWITTER_CLIENT_ID.",
            "Copy the OAuth 2.0 Client ID (not the API key) from the developer portal.",
            Section.CLIENT,
        )
    if isinstance(as_public, GrantRefused):
        return failed(
            "Twitter knows this client as a public one, and TWITTER_CLIENT_SECRET is set.",
            "Unset TWITTER_CLIENT_SECRET, or make the app's type Web App in the developer portal.",
            Section.CLIENT,
        )
    if error.error == "invalid_request":
        return failed(
            f"Twitter does not take our exchange: {str(error).rstrip('.')}.",
            "Look whether TWITTER_DIALECT and TWITTER_API_URL fit the provider.",
            Section.CLIENT,
        )
    if has_secret:
        return failed(
            f"Twitter does not accept TWITTER_CLIENT_SECRET ({error.error}).",
            "Copy the OAuth 2.0 Client Secret anew: making a new one ends the old one at once.",
            Section.CLIENT,
        )
    return failed(
        f"Twitter knows a confidential client, and TWITTER_CLIENT_SECRET is not set "
        f"({error.error}).",
        "Set TWITTER_CLIENT_SECRET, or make the app's type Native App in the developer portal.",
        Section.CLIENT,
    )


def _no_verdict(error: TwitterError | None) -> Finding:
    if isinstance(error, RateLimited):
        return warning(
            "Twitter asks for a pause at its token endpoint, so nothing is known of the client.",
            "Run this again in a quarter of an hour.",
            Section.CLIENT,
        )
    if isinstance(error, Unreachable):
        return failed(f"The token endpoint gives no answer: {error}.", _STATUS_PAGE, Section.HOSTS)
    what = str(error) if isinstance(error, Refused) else "nothing that OAuth knows"
    return failed(
        f"The token endpoint answers an impossible code oddly: {what.rstrip('.')}.",
        "Look whether TWITTER_API_URL is right: the endpoint is that, and /oauth2/token.",
        Section.CLIENT,
    )


# Does it take our requests?


def consent_page(patient: Patient) -> Finding:
    """Ask for the page on which people say yes, as a browser would that nobody is signed in to."""
    scopes = _scopes(patient)
    if origin(patient.authorize_url) in patient.here.dialect.authorize_origins:
        return ok(
            "X tells nobody but signed-in people whether it takes our callback: compare by eye "
            f"that {patient.config.callback_url} is registered."
        )
    deadline = Deadline(probe.SECONDS)
    try:
        refused = _is_refused(patient, scopes, deadline)
        if not refused:
            return ok(f"The page takes our callback and the scopes {_listed(scopes)}.")
        unknown = {scope for scope in scopes if _is_refused(patient, frozenset({scope}), deadline)}
    except probe.NotReached as error:
        if error.proxy is not None:
            return skipped("authorize host")
        return failed(
            f"{origin(patient.authorize_url)} is not reached: {error}.",
            "Look at firewall and DNS, and run this again.",
            Section.HOSTS,
        )
    if unknown and unknown < scopes:
        return failed(
            f"The page is refused because of the scope {_listed(unknown)}.",
            "Set TWITTER_DIALECT to what the provider speaks: scope names differ between dialects.",
            Section.SCOPES,
        )
    return failed(
        "The page is refused: this callback is not registered, or OAuth 2.0 is not on.",
        f"Register exactly this callback in the developer portal: {patient.config.callback_url}",
        Section.CONSENT,
    )


def _is_refused(patient: Patient, scopes: frozenset[str], deadline: Deadline) -> bool:
    """Tell whether the page is a dead end, or sends people back with an error (RFC 6749 §4.1.2.1).

    Anything else says yes, or hides behind a sign-in.
    """
    url = patient.here.server.authorization_url(
        state=secrets.token_urlsafe(32), code_verifier=secrets.token_urlsafe(48), scopes=scopes
    )
    headers = patient.headers | {"Accept": "text/html"}
    answer = probe.get(url, deadline=deadline, headers=headers, proxy=patient.proxy)
    if answer.status in REDIRECTS:
        target = answer.headers.get("Location", "")
        back = target.startswith(patient.config.callback_url)
        return back and "error" in parse_qs(urlsplit(target).query)
    return answer.status == _BAD_REQUEST


def _scopes(patient: Patient) -> frozenset[str]:
    return patient.here.dialect.scopes(*AT_SIGN_IN)


def _listed(scopes: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(scopes))
