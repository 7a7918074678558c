"""The rules of the round trip: what is remembered, what may come back, and how often.

`routes.py` tells the story; this is what each of its sentences means.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from werkzeug.datastructures import MultiDict

from app.accounts.used_states import Outcome, Settled, UsedStates
from app.auth.errors import (
    AlreadyUsed,
    Denied,
    Malformed,
    NotGranted,
    NotOurs,
    ServerInTrouble,
    StillWorking,
)
from app.auth.flow_cookies import PendingSignIn
from app.redirects import local
from app.twitter.budget import SECONDS as BUDGET_SECONDS
from app.twitter.oauth import SERVER_TROUBLE, WORD
from app.wishes import Wish

# 256 bits each, in the URL-safe alphabet; 43 characters is also RFC 7636 §4.1's minimum.
SECRET_BYTES = 32
# Twitter refuses longer states, so none of ours is.
LONGEST_STATE = 500
LONGEST_CODE = 2048
CODE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.11

# How long the loser of a double submit waits for the winner, and how fresh the win must be.
TWIN_WAITS_SECONDS = 2.0
TWIN_LOOKS_EVERY_SECONDS = 0.1
WIN_STAYS_FRESH = timedelta(seconds=30)
# The budget of one request and a little: an older claim without an outcome has lost its worker.
EXCHANGE_TAKES_AT_MOST = timedelta(seconds=BUDGET_SECONDS + 5)

ONCE = ("state", "code", "error", "iss")


def begin(
    next_path: str | None, scopes: Iterable[str], *, wish: Wish | None = None, wisher: str = ""
) -> PendingSignIn:
    """Start a sign-in: a fresh state and code verifier, and where to go afterwards.

    `wish` is what to do then, if it is `wisher` (a Twitter id) who comes back.
    """
    kept = wish is not None and wisher != ""
    return PendingSignIn(
        state=secrets.token_urlsafe(SECRET_BYTES),
        code_verifier=secrets.token_urlsafe(SECRET_BYTES),
        next=local(next_path),
        scopes=tuple(sorted(scopes)),
        wish=str(wish) if kept else "",
        wisher=wisher if kept else "",
    )


def state_of(args: MultiDict[str, str]) -> str:
    """Return the state a callback carries; raise `NotOurs` if it carries none that could be ours.

    A parameter that comes twice is refused: two readers could take different ones for true.
    """
    if any(len(args.getlist(name)) > 1 for name in ONCE):
        raise Malformed("a parameter comes more than once")
    state = args.get("state", "")
    if not state or len(state) > LONGEST_STATE:
        raise NotOurs("no usable state")
    return state


def code_of(args: MultiDict[str, str], *, is_issuer: Callable[[str], bool]) -> str:
    """Return the authorization code of a callback whose state is claimed.

    Raises `Malformed` for an `iss` of somebody else (RFC 9207 §2.4) and for an impossible code,
    `Denied` when the person pressed Cancel, `NotGranted` for any other error (RFC 6749 §4.1.2.1).
    """
    if "iss" in args and not is_issuer(args["iss"]):
        raise Malformed("another server's iss")
    if "error" in args:
        raise _ending(args["error"])
    code = args.get("code", "")
    if len(code) > LONGEST_CODE or not CODE.fullmatch(code):
        raise Malformed("no usable code")
    return code


def _ending(error: str) -> Denied | NotGranted:
    if error == "access_denied":
        return Denied("the person pressed Cancel")
    if error in SERVER_TROUBLE:
        return ServerInTrouble(error)
    return NotGranted(error if WORD.fullmatch(error) else "unknown_error")


def winners_grant(claims: UsedStates, state: str, code: str, *, now: Callable[[], datetime]) -> str:
    """Return the grant that the twin of this callback made, waiting for it for two seconds.

    Only for the browser that holds the flow cookie and brings the very same code: everybody else
    is refused as a replay. Raises `AlreadyUsed`, or `StillWorking` if there is no outcome yet.
    """
    if not claims.is_twin(state, code):
        raise AlreadyUsed("the state was used with another code")
    settled = _awaited(lambda: claims.settled(state))
    if settled is None:
        if now() - claims.claimed_at(state) > EXCHANGE_TAKES_AT_MOST:
            raise AlreadyUsed("the worker that exchanged the code is gone")
        raise StillWorking("the exchange is under way")
    if settled.outcome is not Outcome.SIGNED_IN or settled.grant_id is None:
        raise AlreadyUsed("that sign-in failed, or its grant has ended")
    if now() - settled.settled_at > WIN_STAYS_FRESH:
        raise AlreadyUsed("that sign-in was a while ago")
    return settled.grant_id


def _awaited(look: Callable[[], Settled | None]) -> Settled | None:
    for _ in range(round(TWIN_WAITS_SECONDS / TWIN_LOOKS_EVERY_SECONDS)):
        settled = look()
        if settled is not None:
            return settled
        time.sleep(TWIN_LOOKS_EVERY_SECONDS)
    return None
