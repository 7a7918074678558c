"""The rules of the callback: which states and codes are accepted, and what a duplicate gets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta

from werkzeug.datastructures import MultiDict

from app.accounts.errors import Superseded
from app.accounts.used_states import Outcome, Recorded, UsedStates
from app.auth.errors import (
    AlreadyUsed,
    Denied,
    Malformed,
    NotGranted,
    NotOurs,
    ServerInTrouble,
    StillWorking,
)
from app.twitter.oauth import SERVER_TROUBLE, WORD
from app.twitter.transport.deadline import SECONDS as BUDGET_SECONDS

# Twitter refuses longer states, so none of ours is.
_LONGEST_STATE = 500
_LONGEST_CODE = 2048
_CODE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.11

# A duplicate waits this long for the outcome of the first callback, which must be fresh.
DUPLICATE_WAITS_SECONDS = 2.0
_DUPLICATE_LOOKS_EVERY_SECONDS = 0.1
_OUTCOME_STAYS_FRESH = timedelta(seconds=30)
# The deadline of a request and a margin: the worker of an older state without an outcome is dead.
_EXCHANGE_TAKES_AT_MOST = timedelta(seconds=BUDGET_SECONDS + 5)
# A superseded tab waits this long for the sign-in that took its place.
_OTHER_TAB_TAKES_AT_MOST = timedelta(seconds=15)

_ONCE = ("state", "code", "error", "iss")


def state_of(args: MultiDict[str, str]) -> str:
    """Return the state of a callback; raise `NotOurs` if it cannot be one of ours.

    A parameter that comes twice is refused: two readers could believe different ones.
    """
    if any(len(args.getlist(name)) > 1 for name in _ONCE):
        raise Malformed("a parameter comes more than once")
    state = args.get("state", "")
    if not state or len(state) > _LONGEST_STATE:
        raise NotOurs("no usable state")
    return state


def code_of(args: MultiDict[str, str], *, is_issuer: Callable[[str], bool]) -> str:
    """Return the authorization code of a callback whose state is used up.

    Raises `Malformed` for the `iss` of another server (RFC 9207 §2.4) and for an impossible code,
    `Denied` when the person pressed Cancel, `NotGranted` for any other error (RFC 6749 §4.1.2.1).
    """
    if "iss" in args and not is_issuer(args["iss"]):
        raise Malformed("another server's iss")
    if "error" in args:
        raise _ending(args["error"])
    code = args.get("code", "")
    if len(code) > _LONGEST_CODE or not _CODE.fullmatch(code):
        raise Malformed("no usable code")
    return code


def _ending(error: str) -> Denied | NotGranted:
    if error == "access_denied":
        return Denied("the person pressed Cancel")
    if error in SERVER_TROUBLE:
        return ServerInTrouble(error)
    return NotGranted(error if WORD.fullmatch(error) else "unknown_error")


def first_callbacks_session(used_states: UsedStates, state: str, code: str) -> str:
    """Return the session that the first callback made, after waiting two seconds at most.

    The caller has checked the flow cookie. Raises `AlreadyUsed` for another code and for an old or
    failed sign-in, `StillWorking` if there is no outcome yet, and `Superseded` while another tab
    may still sign this browser in.
    """
    if not used_states.came_with(state, code):
        raise AlreadyUsed("the state was used with another code")
    recorded = _awaited(lambda: used_states.outcome_of(state))
    if recorded is None:
        if used_states.age(state) > _EXCHANGE_TAKES_AT_MOST:
            raise AlreadyUsed("the worker that exchanged the code is gone")
        raise StillWorking("the exchange is under way")
    if recorded.outcome is Outcome.SUPERSEDED and recorded.age <= _OTHER_TAB_TAKES_AT_MOST:
        raise Superseded("another sign-in took the place of this one")
    if recorded.outcome is not Outcome.SIGNED_IN or recorded.session_id is None:
        raise AlreadyUsed("that sign-in failed, or its session has ended")
    if recorded.age > _OUTCOME_STAYS_FRESH:
        raise AlreadyUsed("that sign-in was a while ago")
    return recorded.session_id


def _awaited(look: Callable[[], Recorded | None]) -> Recorded | None:
    for _ in range(round(DUPLICATE_WAITS_SECONDS / _DUPLICATE_LOOKS_EVERY_SECONDS)):
        recorded = look()
        if recorded is not None:
            return recorded
        time.sleep(_DUPLICATE_LOOKS_EVERY_SECONDS)
    return None
