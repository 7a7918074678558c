"""The table of error pages: status, message, whose fault it is, and the one button that helps.

Nothing that Twitter or a stranger did is answered with a 5xx. Proxies read 502 to 504 as "ask
another machine" and would send the same callback twice; 424 says the same without that. A 5xx is
ours: the database is away, all slots are taken, or there is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from types import MappingProxyType
from typing import Literal

from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.accounts.errors import CannotOpen, EndedMeanwhile, GrantEnded, Superseded
from app.auth import errors as auth
from app.twitter import errors as twitter
from app.web import forms
from app.web.messages import ERRORS, Message


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """One row of the table."""

    status: int
    message: Message
    _: KW_ONLY
    fault: Literal["you", "us", "twitter", ""]
    button: Literal["sign_in", "grant", "again", "home", "back", "form", ""] = "home"
    # Below the button, the page says how to keep Twitter's app from taking over.
    names_other_window: bool = False
    # The person may have seen the wrong account at Twitter, which has no chooser.
    names_account: bool = False
    # This sign-in cannot be repeated; a person who is signed in by now sees SIGNED_IN_ALREADY.
    one_time: bool = False
    # For the operator, in the log; never shown to the person.
    advice: str = ""
    # The page is drawn without the database.
    without_database: bool = False
    refresh_seconds: int | None = None


# An exception gets the page of its class, or of the nearest class above.
PAGES: Mapping[type[BaseException], ErrorPage] = MappingProxyType(
    {
        # During a sign-in
        auth.Denied: ErrorPage(
            200,
            Message("You cancelled", "Nothing was shared."),
            fault="you",
            button="back",
            names_account=True,
        ),
        auth.NotOurs: ErrorPage(
            400,
            Message(
                "This sign-in cannot be finished",
                "It began in another browser or more than ten minutes ago, or it is over already.",
            ),
            fault="you",
            button="sign_in",
            names_other_window=True,
            one_time=True,
        ),
        auth.NoCookie: ErrorPage(
            400,
            Message(
                "This sign-in cannot be finished here",
                "This browser sent no cookie of ours: perhaps Twitter's app answered in a browser "
                "of its own, or cookies are blocked here. You can start again right here.",
            ),
            fault="you",
            button="sign_in",
            names_other_window=True,
        ),
        auth.AlreadyUsed: ErrorPage(
            400,
            Message(
                "This sign-in was used already", "Each sign-in works once. Please start a new one."
            ),
            fault="you",
            button="sign_in",
            one_time=True,
        ),
        auth.StillWorking: ErrorPage(
            202,
            Message(
                "Signing you in", "Twitter is taking its time. This page looks again by itself."
            ),
            fault="",
            button="",
            refresh_seconds=1,
        ),
        Superseded: ErrorPage(
            202,
            Message(
                "Signing you in",
                "You started another sign-in right after this one. This page goes on to it.",
            ),
            fault="",
            button="",
            refresh_seconds=1,
        ),
        EndedMeanwhile: ErrorPage(
            400,
            Message(
                "This sign-in was stopped", "You logged out or disconnected before it was finished."
            ),
            fault="you",
            button="sign_in",
        ),
        auth.Malformed: ErrorPage(
            400,
            Message(
                "That is not an answer from Twitter",
                "The link was incomplete, or was changed. Nothing was shared; please start again.",
            ),
            fault="you",
            button="sign_in",
        ),
        auth.NotGranted: ErrorPage(
            424,
            Message(
                "Twitter did not let you through",
                "Twitter ended this sign-in with an error. Nothing was shared.",
            ),
            fault="twitter",
            button="sign_in",
            advice="look the error up in RFC 6749 §4.1.2.1; check the client and its scopes",
        ),
        auth.ServerInTrouble: ErrorPage(
            424, ERRORS[twitter.Unreachable], fault="twitter", button="sign_in"
        ),
        twitter.GrantRefused: ErrorPage(
            400, ERRORS[twitter.GrantRefused], fault="you", button="sign_in"
        ),
        twitter.ClientRefused: ErrorPage(
            424,
            ERRORS[twitter.ClientRefused],
            fault="us",
            advice="check TWITTER_CLIENT_ID, TWITTER_CLIENT_SECRET, the client's type and the "
            "callback",
        ),
        # The connection to Twitter
        GrantEnded: ErrorPage(
            401,
            Message(
                "Please sign in again",
                "Your connection to Twitter has ended. Signing in brings you back to this page.",
            ),
            fault="you",
            button="sign_in",
        ),
        CannotOpen: ErrorPage(
            401,
            Message(
                "Please sign in again",
                "This site can no longer open your connection to Twitter. Signing in makes a new "
                "one.",
            ),
            fault="us",
            button="sign_in",
            advice="a key that sealed tokens is missing from TOKEN_KEYS",
        ),
        twitter.TokenRefused: ErrorPage(
            401, ERRORS[twitter.TokenRefused], fault="you", button="sign_in"
        ),
        twitter.PermissionMissing: ErrorPage(
            403, ERRORS[twitter.PermissionMissing], fault="you", button="grant"
        ),
        # A call to Twitter
        twitter.Busy: ErrorPage(503, ERRORS[twitter.Busy], fault="us", button="again"),
        twitter.Unreachable: ErrorPage(
            424, ERRORS[twitter.Unreachable], fault="twitter", button="again"
        ),
        twitter.InvalidAnswer: ErrorPage(
            424,
            ERRORS[twitter.InvalidAnswer],
            fault="twitter",
            button="again",
            advice="the answer does not have the documented shape",
        ),
        twitter.RateLimited: ErrorPage(
            429, ERRORS[twitter.RateLimited], fault="twitter", button="again"
        ),
        twitter.NotInPlan: ErrorPage(
            424,
            ERRORS[twitter.NotInPlan],
            fault="us",
            advice="the X plan of this client lacks the endpoint, or the app is not in Pay-per-use "
            "and Production",
        ),
        # No advice: the operator cannot change a person's own plan.
        twitter.NotInOwnPlan: ErrorPage(424, ERRORS[twitter.NotInOwnPlan], fault="you"),
        twitter.WrongTokenType: ErrorPage(
            424,
            ERRORS[twitter.WrongTokenType],
            fault="us",
            advice="the endpoint takes another kind of token",
        ),
        twitter.OutOfCredits: ErrorPage(
            424,
            ERRORS[twitter.OutOfCredits],
            fault="us",
            advice="the X account has no credits left, or reached its monthly cap",
        ),
        twitter.Refused: ErrorPage(
            424, ERRORS[twitter.Refused], fault="twitter", advice="an error we do not know"
        ),
        # The request
        CSRFError: ErrorPage(
            400,
            Message("Please press once more", f"Nothing was done: {forms.OTHERWISE}."),
            fault="you",
            button="form",
        ),
        RateLimitExceeded: ErrorPage(
            429,
            Message("Too many tries", "You have tried this too often in a short time."),
            fault="you",
        ),
        NotFound: ErrorPage(
            404,
            Message("There is nothing here", "The address is wrong, or the page is gone."),
            fault="you",
        ),
        MethodNotAllowed: ErrorPage(
            405,
            Message(
                "That does not work this way",
                "This address belongs to a button on another page. It cannot be opened by itself.",
            ),
            fault="you",
        ),
        RequestEntityTooLarge: ErrorPage(
            413,
            Message("That is too much", "Your browser sent more than any form here takes."),
            fault="you",
        ),
        HTTPException: ErrorPage(
            400,
            Message(
                "That did not make sense to us",
                "The request was damaged, or it was meant for another host name.",
            ),
            fault="you",
        ),
        # This site
        SQLAlchemyError: ErrorPage(
            503,
            Message(
                "We cannot answer just now",
                "Our database is away, and nothing was changed. Please try again in a moment.",
            ),
            fault="us",
            button="again",
            advice="see DATABASE_URL; was the database upgraded?",
            without_database=True,
        ),
        Exception: ErrorPage(
            500,
            Message(
                "We made a mistake",
                "Something broke on our side. Our log has it under the number below.",
            ),
            fault="us",
            without_database=True,
        ),
    }
)

# An old callback, opened again by a person who is signed in.
SIGNED_IN_ALREADY = ErrorPage(
    400, Message("You are signed in already", "That sign-in is over."), fault="you"
)
# Cancelled at Twitter when asked for one more permission.
STILL_SIGNED_IN = replace(
    PAGES[auth.Denied],
    message=Message("You cancelled", "Nothing has changed, and you are signed in as before."),
)
