"""Checks at Twitter: the client, the consent page, the plan.

They change nothing: the only authorization code is one that cannot exist, and a stored token is
used only with `--call-twitter`.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from app.doctor import probe
from app.doctor.connection import STATUS_PAGE
from app.doctor.context import Context
from app.doctor.report import Result, Section, Status, failed, ok, skipped, warning
from app.twitter.dialect import HOMES, origin
from app.twitter.endpoints import USERS_ME
from app.twitter.errors import (
    ClientRefused,
    GrantRefused,
    NotInPlan,
    OutOfCredits,
    RateLimited,
    Refused,
    TwitterError,
    Unreachable,
)
from app.twitter.oauth import AuthorizationServer, Client
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Transport

_REDIRECTS = range(300, 400)
_BAD_REQUEST = 400

_ENROL = "Move the app to Pay-per-use and Production in the developer console, or change the plan."
_PAY = "Buy credits or raise the limit on the portal's billing page."


def client(context: Context) -> Result:
    """Offer a code that cannot exist: a server that knows our client refuses only the code."""
    secret = context.config.twitter_client_secret
    now, deadline = context.services.now(), Deadline(probe.SECONDS)
    error = _refusal(context, secret, now=now, deadline=deadline)
    if isinstance(error, GrantRefused):
        kind = "confidential client with this secret" if secret else "public client"
        return ok(f"Twitter knows this client: a {kind}.")
    if isinstance(error, ClientRefused):
        as_public = secret and _refusal(context, None, now=now, deadline=deadline)
        return _client_refused(error, as_public or None, has_secret=bool(secret))
    return _inconclusive(error)


def _refusal(
    context: Context, secret: str | None, *, now: datetime, deadline: Deadline
) -> TwitterError | None:
    """Return the token endpoint's error for an impossible code, sent with `secret` or without."""
    config = context.config
    server = AuthorizationServer(
        Transport(
            slots=1,
            user_agent=config.user_agent,
            on_call=lambda _: None,
            proxy=context.proxy,
        ),
        Client(
            client_id=config.twitter_client_id,
            client_secret=secret,
            redirect_uri=config.callback_url,
        ),
        authorize_url=context.authorize_url,
        api_url=context.api_url,
    )
    try:
        server.exchange(
            f"doctor-{secrets.token_hex(16)}",
            code_verifier=secrets.token_urlsafe(48),
            scopes=_scopes(context),
            now=now,
            deadline=deadline,
        )
    except TwitterError as error:
        return error
    return None


def _client_refused(
    error: ClientRefused, as_public: TwitterError | None, *, has_secret: bool
) -> Result:
    """Tell an unknown client from a wrong secret, a superfluous one and a missing one."""
    if "invalid_client" in {error.error, getattr(as_public, "error", "")}:
        return failed(
            "Twitter does not know a client with this TWITTER_CLIENT_ID.",
            "Copy the OAuth 2.0 Client ID (not the API key) from the developer portal.",
        )
    if isinstance(as_public, GrantRefused):
        return failed(
            "Twitter knows this client as a public one, but TWITTER_CLIENT_SECRET is set.",
            "Unset TWITTER_CLIENT_SECRET, or make the app's type Web App in the developer portal.",
        )
    if error.error == "invalid_request":
        return failed(
            f"Twitter does not accept our token request: {str(error).rstrip('.')}.",
            "Check that TWITTER_DIALECT and TWITTER_API_URL fit the provider.",
        )
    if has_secret:
        return failed(
            f"Twitter does not accept TWITTER_CLIENT_SECRET ({error.error}).",
            "Copy the OAuth 2.0 Client Secret again: generating one ends the old one at once.",
        )
    return failed(
        "Twitter knows a confidential client, but TWITTER_CLIENT_SECRET is not set "
        f"({error.error}).",
        "Set TWITTER_CLIENT_SECRET, or make the app's type Native App in the developer portal.",
    )


def _inconclusive(error: TwitterError | None) -> Result:
    if isinstance(error, RateLimited):
        return warning(
            "Twitter's rate limit for its token endpoint is reached, so the client is unchecked.",
            "Run this again in a quarter of an hour.",
        )
    if isinstance(error, Unreachable):
        return failed(f"The token endpoint does not answer: {error}.", STATUS_PAGE, Section.HOSTS)
    answer = str(error) if isinstance(error, Refused) else "not an answer of OAuth"
    return failed(
        f"The token endpoint's answer to an invalid code is unexpected: {answer.rstrip('.')}.",
        "Check that TWITTER_API_URL is right: the token endpoint is that URL and /oauth2/token.",
    )


def consent_page(context: Context) -> Result:
    """Request the consent page as a browser without a session at Twitter does."""
    scopes, callback_url = _scopes(context), context.config.callback_url
    if origin(context.authorize_url) in HOMES:
        return ok(
            "X shows only signed-in people whether it accepts our callback: compare by eye that "
            f"{callback_url} is registered."
        )
    deadline = Deadline(probe.SECONDS)
    try:
        if not _is_refused(context, scopes, deadline):
            return ok(f"The page accepts our callback and the scopes {_listed(scopes)}.")
        unknown = {scope for scope in scopes if _is_refused(context, frozenset({scope}), deadline)}
    except probe.ProbeFailed as error:
        if error.proxy is not None:
            return skipped("authorize host")
        return failed(
            f"{origin(context.authorize_url)} cannot be reached: {error}.",
            "Check firewall and DNS, and run this again.",
            Section.HOSTS,
        )
    if unknown and unknown < scopes:
        return failed(
            f"The page refuses the scope {_listed(unknown)}.",
            "Set TWITTER_DIALECT to the provider's: scope names differ between dialects.",
            Section.SCOPES,
        )
    return failed(
        "The page refuses our request: this callback is not registered, or OAuth 2.0 is off.",
        f"Register exactly this callback in the developer portal: {callback_url}",
    )


def _is_refused(context: Context, scopes: frozenset[str], deadline: Deadline) -> bool:
    """Tell whether the page is a dead end, or redirects with an error (RFC 6749 §4.1.2.1).

    Any other answer is a yes, or a sign-in page.
    """
    url = context.services.server.authorization_url(
        state=secrets.token_urlsafe(32), code_verifier=secrets.token_urlsafe(48), scopes=scopes
    )
    headers = context.headers | {"Accept": "text/html"}
    response = probe.get(url, deadline=deadline, headers=headers, proxy=context.proxy)
    if response.status in _REDIRECTS:
        target = response.headers.get("Location", "")
        back = target.startswith(context.config.callback_url)
        return back and "error" in parse_qs(urlsplit(target).query)
    return response.status == _BAD_REQUEST


def _scopes(context: Context) -> frozenset[str]:
    dialect = context.services.dialect
    return dialect.scopes(*dialect.at_sign_in)


def _listed(scopes: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(scopes))


def plan(context: Context) -> Result:
    """Repeat Twitter's latest refusals for plan or credits; with `--call-twitter`, read once."""
    verdicts = context.services.quota.unavailable()
    if any(verdict.reason == "credits" for verdict in verdicts):
        return failed(
            "Twitter reported a moment ago that the credits are used up.", _PAY, Section.CREDITS
        )
    if context.call_twitter and (trouble := _trouble_reading(context)):
        return trouble
    if verdicts:
        routes = ", ".join(verdict.endpoint.route for verdict in verdicts)
        return warning(f"The plan does not have {routes}.", _ENROL)
    if context.call_twitter:
        return ok("Twitter lets us read.")
    return ok(
        "Twitter reported nothing missing. To make sure, --call-twitter reads one profile "
        f"(${USERS_ME.price})."
    )


def _trouble_reading(context: Context) -> Result | None:
    """Read one person's own profile with their token; return the result unless that works."""
    try:
        if context.services.calls.probe() is None:
            return Result(
                status=Status.SKIPPED,
                message="No stored token is valid: sign in, and use --call-twitter again.",
            )
    except NotInPlan as error:
        return failed(f"Twitter refuses a read: {error}.", _ENROL)
    except OutOfCredits as error:
        return failed(f"Twitter refuses a read: {error}.", _PAY, Section.CREDITS)
    except RateLimited:
        return warning("Twitter's rate limit is reached.", "Run this again later.", Section.LIMITS)
    except TwitterError as error:
        return warning(
            f"A read failed: {type(error).__name__}.",
            "Sign in again, and repeat this.",
            Section.DOCTOR,
        )
    return None
