"""Grants, codes and tokens.

Every "once" is kept here, under one lock: a code buys one token set, a refresh token buys one
more, and a second use ends the whole grant. What else a sign-in and a revocation end is a
setting: `grants` and `revoke`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sandbox.oauth.consent_requests import AuthorizationRequest
from sandbox.world.dialects import OFFLINE

_CODE_SECONDS = 30  # Twitter's documentation: "authorization codes ... 30 seconds after approval"

# X's staff in 2022: "six months". In whole months that is 181 days or more.
_REFRESH_TOKEN_SECONDS = 180 * 24 * 60 * 60


class Refused(Exception):
    """A code or a token, or something sent with it, is not valid. The text is Twitter's own."""


BAD_CODE = "Value passed for the authorization code was invalid."
_BAD_VERIFIER = "Value passed for the code verifier did not match the code challenge."
_BAD_REDIRECT = "Value passed for the redirect uri did not match the uri of the authorization code."
SIGNED_IN_AGAIN = "ended: the person signed in again"
REVOKED = "revoked"
REMOVED = "revoked by the person"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1
BAD_TOKEN = "Value passed for the token was invalid."  # noqa: S105 - a sentence, not a password


@dataclass(slots=True, kw_only=True)
class Grant:
    """The consent of one person to one client. Its codes and tokens end with it."""

    id: int
    account_id: str
    client_id: str
    scopes: frozenset[str]
    granted_at: float
    exchanged: bool = False  # until then it has no tokens, only a code
    ended: str = ""


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code and everything it is bound to (RFC 6749 §4.1.2, RFC 7636 §4.4)."""

    value: str = field(repr=False)
    grant: Grant
    asked: AuthorizationRequest
    expires_at: float
    spent: bool = False


@dataclass(slots=True, kw_only=True)
class Token:
    """An access or a refresh token."""

    value: str = field(repr=False)
    kind: str  # "access_token" or "refresh_token", as token_type_hint spells them
    grant: Grant
    issued_at: float
    expires_at: float
    ended: str = ""  # why it is dead: "revoked", "spent", "expired"

    def state(self, now: float) -> str:
        """Return `living`, or why the token has ended."""
        if self.ended or self.grant.ended:
            return self.ended or self.grant.ended
        return "expired" if now >= self.expires_at else "living"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """The result of an exchange or a refresh."""

    access: Token
    refresh: Token | None
    ended: int = 0  # how many grants ended for it


@dataclass(slots=True)
class TokenStore:
    """All grants, codes and tokens of one world."""

    lock: threading.RLock
    # Told of account, client and reason when a grant with tokens ends; must not wait.
    tell: Callable[[str, str, str], None]
    grants: list[Grant] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: OrderedDict[str, Token] = field(default_factory=OrderedDict)

    def approve(self, account_id: str, asked: AuthorizationRequest, now: float) -> Code:
        """Record that a person authorized the app, and return the code."""
        with self.lock:
            grant = Grant(
                id=len(self.grants) + 1,
                account_id=account_id,
                client_id=asked.client.client_id,
                scopes=frozenset(asked.scopes),
                granted_at=now,
            )
            self.grants.append(grant)
            code = Code(
                value=_minted("ac", now), grant=grant, asked=asked, expires_at=now + _CODE_SECONDS
            )
            self.codes[code.value] = code
            return code

    def exchange(  # noqa: PLR0913 - a code is bound to this many things
        self,
        *,
        client_id: str,
        code: str,
        redirect_uri: str,
        verifier: str,
        now: float,
        lifetime: float,
        grants: str,
    ) -> TokenSet:
        """Return a token set for a code, once; a second try ends the grant.

        With `grants` at "one", the grants that the person gave this client before end at once.
        RFC 6749 §4.1.2: a code used more than once is denied, and its tokens are revoked. A code
        that came with the wrong verifier or redirect URI is spent too: there is no second guess.
        """
        with self.lock:
            known = self.codes.get(code)
            if known is None or known.grant.client_id != client_id:
                raise Refused(BAD_CODE)
            if known.spent:
                self._end([known.grant], "ended: its code was used twice")
                raise Refused(BAD_CODE)
            known.spent = True
            if known.grant.ended or now >= known.expires_at:
                raise Refused(BAD_CODE)
            if redirect_uri != known.asked.redirect_uri:
                raise Refused(_BAD_REDIRECT)
            if not _matches(verifier, known.asked):
                raise Refused(_BAD_VERIFIER)
            known.grant.exchanged = True
            others = [each for each in self._given(known.grant) if each is not known.grant]
            ended = self._end(others, SIGNED_IN_AGAIN) if grants == "one" else 0
            return replace(self._issue(known.grant, now, lifetime), ended=ended)

    def refresh(self, *, client_id: str, token: str, now: float, lifetime: float) -> TokenSet:
        """Return a new token set for a refresh token, once; a second try ends the grant.

        RFC 9700 §4.14.2: the server cannot know which of the two callers is the thief.
        """
        with self.lock:
            known = self.tokens.get(token)
            if known is None or known.kind != "refresh_token" or known.grant.client_id != client_id:
                raise Refused(BAD_TOKEN)
            if known.ended == "spent":
                self._end([known.grant], "ended: a refresh token was used twice")
            if known.state(now) != "living":
                raise Refused(BAD_TOKEN)
            known.ended = "spent"
            return self._issue(known.grant, now, lifetime)

    def revoke(self, *, client_id: str, token: str, reach: str) -> int:
        """End a token, living or not, and return how many grants ended with it.

        With `reach` at "app" all that the person gave this client ends, with "grant" the token's
        own grant, and with "token" nothing else (RFC 7009 §2.1 allows each). An unknown token
        is no error (§2.2), the token of another client is (§2.1).
        """
        with self.lock:
            known = self.tokens.get(token)
            if known is None:
                return 0
            if known.grant.client_id != client_id:
                raise Refused(BAD_TOKEN)
            known.ended = known.ended or REVOKED
            if reach == "token":
                return 0
            return self._end(self._given(known.grant) if reach == "app" else [known.grant], REVOKED)

    def bearer(self, value: str, now: float) -> Token | None:
        """Return the living access token of this value."""
        token = self.tokens.get(value)
        if token is None or token.kind != "access_token" or token.state(now) != "living":
            return None
        return token

    def disconnect(self, account_id: str, client_id: str) -> None:
        """End everything a person allowed a client, as the connected apps page does."""
        with self.lock:
            whose = (account_id, client_id)
            self._end([g for g in self.grants if (g.account_id, g.client_id) == whose], REMOVED)

    def suspend(self, account_id: str) -> None:
        """End all grants of a person. A suspension that is lifted brings none back."""
        with self.lock:
            theirs = [grant for grant in self.grants if grant.account_id == account_id]
            self._end(theirs, "ended: the account was suspended")

    def expire_access(self) -> None:
        """Expire every access token, as if two hours had passed."""
        with self.lock:
            for token in self.tokens.values():
                if token.kind == "access_token":
                    token.ended = token.ended or "expired"

    def _given(self, grant: Grant) -> list[Grant]:
        """Return the exchanged grants of the same person and client, this one among them."""
        whose = (grant.account_id, grant.client_id)
        return [g for g in self.grants if g.exchanged and (g.account_id, g.client_id) == whose]

    def _end(self, grants: list[Grant], why: str) -> int:
        living = [grant for grant in grants if not grant.ended]
        for grant in living:
            grant.ended = why
        pairs = {(grant.account_id, grant.client_id) for grant in living if grant.exchanged}
        for account_id, client_id in sorted(pairs):
            self.tell(account_id, client_id, why)
        return len(living)

    def _issue(self, grant: Grant, now: float, lifetime: float) -> TokenSet:
        access = self._token("access_token", grant, now, lifetime)
        refresh = None
        if OFFLINE in grant.scopes:
            refresh = self._token("refresh_token", grant, now, _REFRESH_TOKEN_SECONDS)
        return TokenSet(access=access, refresh=refresh)

    def _token(self, kind: str, grant: Grant, now: float, lifetime: float) -> Token:
        mark = "at" if kind == "access_token" else "rt"
        token = Token(
            value=_minted(mark, now),
            kind=kind,
            grant=grant,
            issued_at=now,
            expires_at=now + lifetime,
        )
        self.tokens[token.value] = token
        return token


def _minted(mark: str, now: float) -> str:
    """Return a value of the form of Twitter's: 91 characters of URL-safe base64.

    Decoded: `<45 random>:<unix ms>:1:<0|1>:<ac|at|rt>:1`. No client may rely on that.
    """
    inside = f"{secrets.token_urlsafe(34)[:45]}:{int(now * 1000):013d}:1:{secrets.randbelow(2)}"
    return base64.urlsafe_b64encode(f"{inside}:{mark}:1".encode()).decode().rstrip("=")


def _matches(verifier: str, asked: AuthorizationRequest) -> bool:
    """Return whether a verifier fits its challenge (RFC 7636 §4.6).

    Twitter's own example of a plain one has fewer than the 43 characters of §4.1.
    """
    if asked.method == "S256" and not _VERIFIER.fullmatch(verifier):
        return False
    # JSON can smuggle in half a surrogate pair, which plain UTF-8 cannot hold.
    expected = verifier.encode(errors="surrogatepass")
    if asked.method == "S256":
        digest = hashlib.sha256(expected).digest()
        expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(expected, asked.challenge.encode())
