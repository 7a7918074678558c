"""Twitter's authorization server: authorize, exchange, refresh, revoke.

Authlib writes the requests and our transport sends them. The answers are checked here: Authlib
would take a problem document for a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7009 import prepare_revoke_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.twitter.dialect import origin
from app.twitter.errors import (
    ClientRefused,
    GrantRefused,
    InvalidAnswer,
    RateLimited,
    Refused,
    TwitterError,
    Unreachable,
)
from app.twitter.rate_limit_headers import retry_at
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Response, Transport

TokenTypeHint = Literal["access_token", "refresh_token"]

SUCCESSES = range(200, 300)
UNAUTHORIZED = (401, 403)
_TOO_MANY_REQUESTS = 429

# A token answer has a few hundred bytes.
_MAX_TOKEN_BYTES = 64 * 1024
# Twitter documents two hours, the default if an answer lacks `expires_in` (seconds).
_DOCUMENTED_LIFETIME = 7200
_LONGEST_LIFETIME = 366 * 24 * 3600

# RFC 6749 §5.2: these concern our registration or our request, not the person's grant.
_CLIENT_ERRORS = frozenset(
    {
        "invalid_client",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
SERVER_TROUBLE = frozenset({"server_error", "temporarily_unavailable"})
# Twitter reports `invalid_grant` as `invalid_request` with one of these sentences.
SPENT = re.compile(r"^Value passed for the (authorization code|code verifier|token) ")

WORD = re.compile(r"[a-z_]{1,40}")
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]{1,8192}")
_LIKE_A_SECRET = re.compile(r"[^\s\[\]]{20,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Our registration at Twitter. Confidential with a secret, public without."""

    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """An access token, its expiry (UTC), the granted scopes, and a refresh token if any."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False, default=None)
    expires_at: datetime
    scopes: frozenset[str]


class AuthorizationServer:
    """Twitter's authorization server, as our client uses it. Made once per app, keeps nothing."""

    def __init__(
        self, transport: Transport, client: Client, *, authorize_url: str, api_url: str
    ) -> None:
        """Act as `client`; the token and revocation endpoints are under `api_url`."""
        self._transport = transport
        self._client = client
        # RFC 6749 §2.3.1: HTTP Basic with a secret; a public client only names itself (§3.2.1).
        proof = "client_secret_basic" if client.client_secret else "none"
        self._client_auth = ClientAuth(client.client_id, client.client_secret, proof)
        self._authorize_url = authorize_url
        self._token_url = f"{api_url}/oauth2/token"
        self._revoke_url = f"{api_url}/oauth2/revoke"
        self._issuers = frozenset({origin(authorize_url), origin(api_url)})

    def authorization_url(self, *, state: str, code_verifier: str, scopes: frozenset[str]) -> str:
        """Return the URL of the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, S256)."""
        url = prepare_grant_uri(
            self._authorize_url,
            self._client.client_id,
            "code",
            redirect_uri=self._client.redirect_uri,
            scope=sorted(scopes),
            state=state,
            code_challenge=create_s256_code_challenge(code_verifier),
            code_challenge_method="S256",
        )
        # Twitter documents %20 between scopes; Authlib writes "+" (a real plus is %2B by now).
        return str(url).replace("+", "%20")

    def is_issuer(self, iss: str) -> bool:
        """Return whether `iss` of a callback names this server (RFC 9207 §2.4)."""
        return iss.rstrip("/") in self._issuers

    def exchange(
        self,
        code: str,
        *,
        code_verifier: str,
        scopes: frozenset[str],
        now: datetime,
        deadline: Deadline,
    ) -> TokenSet:
        """Exchange an authorization code for a token set (RFC 6749 §4.1.3, RFC 7636 §4.5).

        `scopes` are the requested ones: an answer without `scope` grants all of them. Raises
        `GrantRefused` for a bad or used code, `ClientRefused` if Twitter rejects our client, and
        another `TwitterError` for trouble on the way. Never sends twice.
        """
        form = prepare_token_request(
            "authorization_code",
            redirect_uri=self._client.redirect_uri,
            code=code,
            code_verifier=code_verifier,
        )
        return _token_set(self._post(self._token_url, form, deadline), asked=scopes, now=now)

    def refresh(
        self, refresh_token: str, *, scopes: frozenset[str], now: datetime, deadline: Deadline
    ) -> TokenSet:
        """Exchange a refresh token for a new whole token set (RFC 6749 §6).

        `scopes` are the granted ones. An answer without a refresh token keeps the old one.
        Raises `GrantRefused` if the refresh token is no longer valid; other errors leave the grant.
        """
        form = prepare_token_request("refresh_token", refresh_token=refresh_token)
        token_set = _token_set(self._post(self._token_url, form, deadline), asked=scopes, now=now)
        return replace(token_set, refresh_token=token_set.refresh_token or refresh_token)

    def revoke(self, token: str, hint: TokenTypeHint, *, deadline: Deadline) -> None:
        """Revoke a token (RFC 7009 §2.1). The hint is optional there, required here.

        Returns on a 2xx. Raises `Refused` for a definite no, and another `TwitterError` if a retry
        makes sense.
        """
        form, _ = prepare_revoke_token_request(token, hint)
        answer = self._post(self._revoke_url, form, deadline)
        if answer.status not in SUCCESSES:  # RFC 7009 §2.2: the body of a success means nothing
            _raise_for_refusal(answer)

    def _post(self, url: str, form: str, deadline: Deadline) -> Response:
        """Send a form as our client."""
        _, headers, body = self._client_auth.prepare("POST", url, {}, form)
        return self._transport.send(
            "POST",
            url,
            headers=headers,
            form=body,
            deadline=deadline,
            max_bytes=_MAX_TOKEN_BYTES,
            route=f"oauth2/{url.rpartition('/')[2]}",  # token or revoke: the URL is ours
        )


def _token_set(answer: Response, *, asked: frozenset[str], now: datetime) -> TokenSet:
    """Return the token set of an answer (RFC 6749 §5.1); raise the error of a refusal (§5.2)."""
    _raise_for_refusal(answer)
    document = answer.json_object()
    access_token = _text(document, "access_token")
    if str(document.get("token_type")).lower() != "bearer":
        raise InvalidAnswer("a token answer whose token_type is not bearer")
    scope = _text_or_none(document, "scope")
    return TokenSet(
        access_token=access_token,
        refresh_token=_text_or_none(document, "refresh_token"),
        expires_at=now + timedelta(seconds=_lifetime(document.get("expires_in"))),
        scopes=asked if scope is None else frozenset(scope.split()),
    )


def _text_or_none(document: Mapping[str, Any], name: str) -> str | None:
    return None if document.get(name) in (None, "") else _text(document, name)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not _PRINTABLE_ASCII.fullmatch(value):
        raise InvalidAnswer(f"a token answer without a usable {name}")
    return value


def _lifetime(value: object) -> int:
    """Return a plausible number of seconds; RFC 6749 §5.1 makes `expires_in` optional."""
    if value is None:
        return _DOCUMENTED_LIFETIME
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidAnswer("a token answer whose expires_in is not a number")
    if not 0 < value <= _LONGEST_LIFETIME:
        raise InvalidAnswer("a token answer whose expires_in is out of bounds")
    return int(value)


def _raise_for_refusal(answer: Response) -> None:
    """Raise the error of a token or revocation answer, unless it is a success (RFC 6749 §5.2)."""
    if answer.status == _TOO_MANY_REQUESTS:
        until = retry_at(answer.headers, now=datetime.now(UTC))
        raise RateLimited("the OAuth endpoint limits us", until=until)
    error = _error(answer)
    if error is not None:
        raise error
    if answer.status not in SUCCESSES:
        raise InvalidAnswer(f"HTTP {answer.status} without an OAuth error")


def _error(answer: Response) -> TwitterError | None:
    try:
        document = answer.json_object()
    except InvalidAnswer:
        return None  # a firewall's page, not Twitter's answer
    error = _word(document.get("error"))
    if error is None:
        return ClientRefused(f"HTTP {answer.status}") if answer.status in UNAUTHORIZED else None
    description = _sayable(document.get("error_description"))
    if error in SERVER_TROUBLE:
        return Unreachable(error)
    if error == "invalid_grant" or (error == "invalid_request" and SPENT.search(description)):
        return GrantRefused(error, description)
    if error in _CLIENT_ERRORS:
        return ClientRefused(error, description)
    return Refused(error, description)


def _word(value: object) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) and WORD.fullmatch(value) else "unknown_error"


def _sayable(value: object) -> str:
    """Return a description fit for a log: short, printable, without anything like a secret."""
    text = value[:200] if isinstance(value, str) else ""
    return _LIKE_A_SECRET.sub("[...]", "".join(filter(str.isprintable, text)))
