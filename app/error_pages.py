"""What went wrong, whose matter it is, and the one button that helps: a table.

Nothing that Twitter or a stranger did is answered with a 5xx. Proxies read 502 to 504 as "ask
another machine" and would send the same callback twice; 424 says the same without that. A 5xx is
ours: the database is away, all slots are taken, or there is a bug.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from flask import Flask, Response, g, make_response, render_template, request, url_for
from flask.globals import request_ctx
from flask_limiter import RateLimitExceeded
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.accounts.errors import CannotOpen, EndedMeanwhile, GrantEnded, Superseded
from app.auth import errors as auth
from app.observability.audit_log import Event
from app.observability.logs import request_id
from app.services import services
from app.twitter import errors as twitter
from app.twitter.origins import origin
from app.web import forms, rate_limits
from app.web.safe_redirects import local

log = logging.getLogger(__name__)

Fault = Literal["you", "us", "twitter", ""]
_RETRY_SECONDS = 5
SIGN_IN = {"auth.login", "auth.callback"}


@dataclass(frozen=True, slots=True)
class Button:
    """The one thing to do now."""

    label: str
    url: str
    _: KW_ONLY
    method: Literal["get", "post"] = "get"
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """One row: what is said, whose matter it is, what can be done."""

    status: int
    title: str
    text: str
    fault: Fault
    button: Literal["sign_in", "grant", "again", "home", "back", "form", ""] = "home"
    # The sign-in is over; who is signed in by now needs no other.
    one_time: bool = False
    # Said to the operator in the log, never to the person.
    advice: str = ""
    # No look at the database while saying that the database is away.
    without_database: bool = False
    refresh_seconds: int | None = None


PAGES: dict[type[BaseException], ErrorPage] = {
    auth.Denied: ErrorPage(
        status=200,
        title="You cancelled",
        text="Nothing was shared.",
        fault="you",
        button="back",
    ),
    auth.NotOurs: ErrorPage(
        status=400,
        title="This sign-in cannot be finished",
        text="It began in another browser, or more than ten minutes ago, or it is over already.",
        fault="you",
        button="sign_in",
        one_time=True,
    ),
    auth.AlreadyUsed: ErrorPage(
        status=400,
        title="This sign-in was used already",
        text="Each sign-in works once, so please start a new one.",
        fault="you",
        button="sign_in",
        one_time=True,
    ),
    auth.StillWorking: ErrorPage(
        status=202,
        title="Signing you in",
        text="Twitter is taking its time, and this page looks again by itself.",
        fault="",
        button="",
        refresh_seconds=1,
    ),
    Superseded: ErrorPage(
        status=202,
        title="Signing you in",
        text="Another sign-in of yours came right behind this one, and this page goes on to it.",
        fault="",
        button="",
        refresh_seconds=1,
    ),
    EndedMeanwhile: ErrorPage(
        status=400,
        title="This sign-in was stopped",
        text="You logged out or disconnected while it was under way.",
        fault="you",
        button="sign_in",
    ),
    auth.Malformed: ErrorPage(
        status=400,
        title="That is not an answer from Twitter",
        text="The address you came by is damaged, so nothing was shared and you can start again.",
        fault="you",
        button="sign_in",
    ),
    auth.NotGranted: ErrorPage(
        status=424,
        title="Twitter did not let you through",
        text="Twitter ended this sign-in with an error, and nothing was shared.",
        fault="twitter",
        button="sign_in",
        advice="look the error up in RFC 6749 §4.1.2.1; check the client and its scopes",
    ),
    auth.ServerInTrouble: ErrorPage(
        status=424,
        title="Twitter is not answering",
        text="Twitter says that it has a problem of its own, so please try again in a minute.",
        fault="twitter",
        button="sign_in",
    ),
    GrantEnded: ErrorPage(
        status=401,
        title="Please sign in again",
        text="Your connection to Twitter has ended, and signing in brings you back to this page.",
        fault="you",
        button="sign_in",
    ),
    CannotOpen: ErrorPage(
        status=401,
        title="Please sign in again",
        text="This site can no longer open your connection to Twitter, so you need a new one.",
        fault="us",
        button="sign_in",
        advice="a key that sealed tokens is missing from TOKEN_KEYS",
    ),
    twitter.GrantRefused: ErrorPage(
        status=400,
        title="This sign-in has expired",
        text="What Twitter sends back with you works once and for 30 seconds, so start again.",
        fault="you",
        button="sign_in",
    ),
    twitter.ClientRefused: ErrorPage(
        status=424,
        title="Twitter does not accept this site",
        text="The people who run this site must fix its registration at Twitter.",
        fault="us",
        button="home",
        advice="check TWITTER_CLIENT_ID, TWITTER_CLIENT_SECRET, the client's type and the callback",
    ),
    twitter.Busy: ErrorPage(
        status=503,
        title="Too many people at once",
        text="Everybody here is waiting for Twitter, so please try again in a moment.",
        fault="us",
        button="again",
    ),
    twitter.Unreachable: ErrorPage(
        status=424,
        title="Twitter is not answering",
        text="It may be busy or down, so please try again in a minute.",
        fault="twitter",
        button="again",
    ),
    twitter.InvalidAnswer: ErrorPage(
        status=424,
        title="Twitter said something odd",
        text="Its answer made no sense and nothing was done, so please try again in a minute.",
        fault="twitter",
        button="again",
        advice="the answer does not have the documented shape",
    ),
    twitter.RateLimited: ErrorPage(
        status=429,
        title="Twitter asks for a pause",
        text="This site has asked too much of Twitter for now.",
        fault="twitter",
        button="again",
    ),
    twitter.TokenRefused: ErrorPage(
        status=401,
        title="Please sign in again",
        text="Twitter no longer accepts your connection, so please sign in to make a new one.",
        fault="you",
        button="sign_in",
    ),
    twitter.PermissionMissing: ErrorPage(
        status=403,
        title="A permission is missing",
        text="Twitter says that you have not allowed this, and asks you again if you like.",
        fault="you",
        button="grant",
    ),
    twitter.NotInPlan: ErrorPage(
        status=424,
        title="Not part of this site's plan",
        text="What this site pays Twitter for does not include that.",
        fault="us",
        advice="the X plan of this client lacks the endpoint, or the app is in no project",
    ),
    # The plan that lacks it is not the site's, so its operator can do nothing.
    twitter.NotInOwnPlan: ErrorPage(
        status=424,
        title="Not part of your own plan",
        text="Your own account's plan at Twitter does not include that.",
        fault="you",
    ),
    twitter.OutOfCredits: ErrorPage(
        status=424,
        title="Out of credits",
        text="This site has used up what it may ask of Twitter, so please try again another day.",
        fault="us",
        advice="the X account has no credits left, or reached its monthly cap",
    ),
    twitter.Refused: ErrorPage(
        status=424,
        title="Twitter said no",
        text="Twitter refused this without a reason that helps, so please try again later.",
        fault="twitter",
        advice="an error we do not know",
    ),
    CSRFError: ErrorPage(
        status=400,
        title="Please press once more",
        text=f"Nothing was done: {forms.OTHERWISE}.",
        fault="you",
        button="form",
    ),
    RateLimitExceeded: ErrorPage(
        status=429,
        title="Too many tries",
        text="You have tried this very often in a short time.",
        fault="you",
    ),
    NotFound: ErrorPage(
        status=404,
        title="There is nothing here",
        text="The address is wrong, or what was here is gone.",
        fault="you",
    ),
    MethodNotAllowed: ErrorPage(
        status=405,
        title="That does not work this way",
        text="This address belongs to a button on another page, and cannot be opened by itself.",
        fault="you",
    ),
    RequestEntityTooLarge: ErrorPage(
        status=413,
        title="That is too much",
        text="What was sent is larger than any form of ours.",
        fault="you",
    ),
    HTTPException: ErrorPage(
        status=400,
        title="That did not make sense to us",
        text="What came was damaged, or was meant for another name of this site.",
        fault="you",
    ),
    SQLAlchemyError: ErrorPage(
        status=503,
        title="We cannot answer just now",
        text="Our database is away and nothing was changed, so please try again in a moment.",
        fault="us",
        button="again",
        advice="see DATABASE_URL; was the database upgraded?",
        without_database=True,
    ),
    Exception: ErrorPage(
        status=500,
        title="We made a mistake",
        text="Something broke on our side, and our log has it under the number below.",
        fault="us",
        without_database=True,
    ),
}


# An old callback opened again by somebody who is signed in: they have what they came for.
SIGNED_IN_ALREADY = ErrorPage(
    status=400,
    title="You are signed in already",
    text="That sign-in is over.",
    fault="you",
)
# Cancelled when asked for one more permission, and not when signing in.
STILL_SIGNED_IN = replace(
    PAGES[auth.Denied], text="Nothing has changed, and you are signed in as before."
)


def init_app(app: Flask) -> None:
    """Answer every exception with its page."""
    app.register_error_handler(Exception, show)


def show(error: Exception) -> Response:
    """Return the page of `error`: the row of its class, or of the nearest one above."""
    page = page_of(error)
    _log(error, page)
    _record(error, page)
    g.without_database = page.without_database
    page = _as_they_stand(page, error)
    until = _until(error)
    response = make_response(_body(page, error, until), _status(error, page))
    _add_headers(response, error, page, until)
    return response


def _as_they_stand(page: ErrorPage, error: Exception) -> ErrorPage:
    """Return what is said of this very request: which check failed, or less to those signed in."""
    if isinstance(error, CSRFError):
        return replace(page, text=f"Nothing was done: {forms.words(error.description or '')}.")
    if page.one_time and _is_signed_in():
        return SIGNED_IN_ALREADY
    if page is PAGES[auth.Denied] and _is_signed_in():
        return STILL_SIGNED_IN
    return page


def _body(page: ErrorPage, error: Exception, until: datetime | None) -> str:
    if request_ctx.url_adapter is None:  # no host of anybody's: there is nothing to link to
        return _plain(page)
    try:
        return render_template("error.html", page=page, button=_button(page, error), until=until)
    except Exception:
        # What broke the request may break its page as well. Nobody gets a blank one.
        log.exception("the error page cannot be drawn")
        return _plain(page)


def _plain(page: ErrorPage) -> str:
    return (
        f"<!doctype html><title>{page.title}</title><h1>{page.title}</h1><p>{page.text}</p>"
        f"<p>Quote {request_id()} when you report this.</p>"
    )


def page_of(error: BaseException) -> ErrorPage:
    """Return the row of the nearest class of `error` that has one."""
    return PAGES[_kind_of(error)]


def _kind_of(error: BaseException) -> type[BaseException]:
    return next(kind for kind in type(error).__mro__ if kind in PAGES)


def _status(error: Exception, page: ErrorPage) -> int:
    if page is PAGES[HTTPException] and isinstance(error, HTTPException) and error.code:
        return error.code
    return page.status


def _log(error: Exception, page: ErrorPage) -> None:
    if page is PAGES[Exception]:
        log.error("unexpected error", exc_info=error)
    elif page.advice:
        log.error("%s: %s (%s)", type(error).__name__, _said(error), page.advice)
    elif not isinstance(error, HTTPException) and request.endpoint not in SIGN_IN:
        log.info("%s: %s", type(error).__name__, _said(error))


def _record(error: Exception, page: ErrorPage) -> None:
    """Record what an operator must be able to look up: who was turned away at the door, and why."""
    record = services().events.record
    if isinstance(error, CSRFError):
        record(Event.CSRF_REFUSED, endpoint=request.endpoint, error=error.description)
    elif isinstance(error, RateLimitExceeded):
        record(Event.RATE_LIMITED, endpoint=request.endpoint, limit=str(error.limit.limit))
    elif request.endpoint not in SIGN_IN or isinstance(error, HTTPException):
        return
    elif isinstance(error, auth.Denied):
        record(Event.SIGN_IN_DENIED)
    elif not isinstance(error, auth.StillWorking | Superseded):
        said = "" if page is PAGES[Exception] else _said(error)
        record(Event.SIGN_IN_REFUSED, error=_kind_of(error).__name__, fault=page.fault, detail=said)


def _said(error: Exception) -> str:
    """Return an exception's text; of a database's only the first line, which holds no values."""
    return str(error).partition("\n")[0] if isinstance(error, SQLAlchemyError) else str(error)


def _button(page: ErrorPage, error: Exception) -> Button | None:
    """Return the button of a page; only that one, for each looks at something of the request."""
    offers: dict[str, Callable[[], Button | None]] = {
        "": lambda: None,
        "sign_in": lambda: _sign_in(next=_back()),
        "grant": lambda: _grant(error),
        "again": lambda: _sign_in(next=_back()) if _in_sign_in() else Button("Try again", _back()),
        "home": _home,
        "back": lambda: Button("Go back", _back()) if _is_signed_in() else _sign_in(next=_back()),
        "form": _same_form,
    }
    return offers[page.button]()


def _sign_in(**fields: str) -> Button:
    return Button("Sign in with Twitter", url_for("auth.login"), method="post", fields=fields)


def _grant(error: Exception) -> Button:
    """Offer to ask for what is missing; if nobody knows what, a sign-in asks for the usual."""
    permission = error.permission if isinstance(error, twitter.PermissionMissing) else None
    if permission is None:
        return _sign_in(next=_back())
    return replace(_sign_in(next=_back(), ask=permission), label="Grant it at Twitter")


def _home() -> Button:
    wanted = _back() if request.endpoint == "auth.login" else None
    return Button("Go to the start page", url_for("pages.home", next=wanted))


def _same_form() -> Button:
    """Offer the button again whose form was refused.

    It asks for what the form asked for only if a page of ours sent it: another site would choose
    the permission, or the page to go to. A wish to follow somebody is never repeated.
    """
    if request.endpoint == "auth.login":
        return _sign_in(**{name: _asked(name) or "" for name in ("next", "ask")})
    if request.endpoint == "auth.logout":
        return Button("Log out", url_for("auth.logout"), method="post")
    return _home()


def _is_signed_in() -> bool:
    return bool(current_user.is_authenticated)


def _in_sign_in() -> bool:
    return (request.endpoint or "").startswith("auth.")


def _back() -> str:
    """Return where the person wanted to be: the end of a sign-in, or this very page."""
    if request.endpoint == "auth.login":
        return local(_asked("next"))
    if _in_sign_in() or request.method != "GET":
        return str(g.get("next_path", "/"))
    return request.full_path if request.query_string else request.path


def _asked(field: str) -> str | None:
    """Return a value of the form if the browser says that a page of ours has sent it."""
    if not forms.is_from(origin(services().config.public_url)):
        return None
    try:
        return request.form.get(field)
    except HTTPException:  # the form is what is wrong
        return None


def _until(error: Exception) -> datetime | None:
    if isinstance(error, twitter.RateLimited):
        return error.until if error.until and error.until > services().now() else None
    return rate_limits.lifts_at() if isinstance(error, RateLimitExceeded) else None


def _add_headers(
    response: Response, error: Exception, page: ErrorPage, until: datetime | None
) -> None:
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    if page.refresh_seconds:
        response.headers["Refresh"] = str(page.refresh_seconds)
    if until:
        wait = max(timedelta(seconds=1), until - services().now())
        response.headers["Retry-After"] = str(int(wait.total_seconds()))
    elif response.status_code == 503:
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    response.headers["X-Request-ID"] = request_id()
