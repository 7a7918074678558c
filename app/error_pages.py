"""Answers each exception with its page from `error_table`, and records it for the operator."""

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
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.accounts.errors import Superseded
from app.auth import errors as auth
from app.error_table import PAGES, SIGNED_IN_ALREADY, STILL_SIGNED_IN, ErrorPage
from app.observability.audit_log import Event
from app.observability.logs import request_id
from app.services import services
from app.twitter import errors as twitter
from app.twitter.dialect import origin
from app.web import forms, rate_limits
from app.web.safe_redirects import local
from app.web.vocabulary import worded

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5
_SIGN_IN = {"auth.login", "auth.callback"}
_FOR_MACHINES = "webhooks"


@dataclass(frozen=True, slots=True)
class Button:
    """The one thing to do now."""

    label: str
    url: str
    _: KW_ONLY
    method: Literal["get", "post"] = "get"
    fields: dict[str, str] = field(default_factory=dict)


def init_app(app: Flask) -> None:
    """Answer every exception with its page."""
    app.register_error_handler(Exception, show)


def show(error: Exception) -> Response:
    """Return the page of `error`: the row of its class, or of the nearest one above."""
    page = page_of(error)
    _log(error, page)
    _record(error, page)
    g.without_database = page.without_database
    page = _for_this_request(page, error)
    until = _until(error)
    response = make_response(_body(page, error, until), _status(error, page))
    if request.blueprint == _FOR_MACHINES:
        response.mimetype = "text/plain"
    _add_headers(response, error, page, until)
    return response


def _for_this_request(page: ErrorPage, error: Exception) -> ErrorPage:
    """Name the check that a form failed; show people who are signed in the page for them."""
    if isinstance(error, CSRFError):
        text = f"Nothing was done: {forms.words(error.description or '')}."
        return replace(page, message=replace(page.message, text=text))
    if page.one_time and _is_signed_in():
        return SIGNED_IN_ALREADY
    if page is PAGES[auth.Denied] and _is_signed_in():
        return STILL_SIGNED_IN
    return page


def _body(page: ErrorPage, error: Exception, until: datetime | None) -> str:
    page = replace(page, message=page.message.worded())
    if request.blueprint == _FOR_MACHINES:
        return f"{page.message}\n"
    if request_ctx.url_adapter is None:  # a wrong host name: no URL can be built
        return _plain(page)
    try:
        return render_template("error.html", page=page, button=_button(page, error), until=until)
    except Exception:
        # The same fault may break the error page, which must not stay blank.
        log.exception("the error page cannot be drawn")
        return _plain(page)


def _plain(page: ErrorPage) -> str:
    title, text = page.message.title, page.message.text
    return (
        f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>"
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
        log.error("%s: %s (%s)", type(error).__name__, _detail(error), page.advice)
    elif not isinstance(error, HTTPException) and request.endpoint not in _SIGN_IN:
        log.info("%s: %s", type(error).__name__, _detail(error))


def _record(error: Exception, page: ErrorPage) -> None:
    """Record a refused request or sign-in, and why, for the operator to look up."""
    record = services().audit_log.record
    if isinstance(error, CSRFError):
        record(Event.CSRF_REFUSED, endpoint=request.endpoint, error=error.description)
    elif isinstance(error, RateLimitExceeded):
        record(Event.RATE_LIMITED, endpoint=request.endpoint, limit=str(error.limit.limit))
    elif request.endpoint not in _SIGN_IN or isinstance(error, HTTPException):
        return
    elif isinstance(error, auth.Denied):
        record(Event.SIGN_IN_DENIED)
    elif not isinstance(error, auth.StillWorking | Superseded):
        kind, detail = _kind_of(error).__name__, "" if page is PAGES[Exception] else _detail(error)
        record(Event.SIGN_IN_REFUSED, error=kind, fault=page.fault, detail=detail)


def _detail(error: Exception) -> str:
    """Return the error's text; only the first line of a database error, which holds no values."""
    return str(error).partition("\n")[0] if isinstance(error, SQLAlchemyError) else str(error)


def _button(page: ErrorPage, error: Exception) -> Button | None:
    """Return the button of a page; only that one is made, for each reads the request."""
    buttons: dict[str, Callable[[], Button | None]] = {
        "": lambda: None,
        "sign_in": lambda: _sign_in(next=_back()),
        "grant": lambda: _grant(error),
        "again": lambda: _sign_in(next=_back()) if _in_sign_in() else Button("Try again", _back()),
        "home": _home,
        "back": lambda: Button("Go back", _back()) if _is_signed_in() else _sign_in(next=_back()),
        "form": _same_form,
    }
    return buttons[page.button]()


def _sign_in(**fields: str) -> Button:
    label = worded("Sign in with Twitter")
    return Button(label, url_for("auth.login"), method="post", fields=fields)


def _grant(error: Exception) -> Button:
    """Ask for the missing permission; if it is unknown, a sign-in asks for the usual ones."""
    permission = error.permission if isinstance(error, twitter.PermissionMissing) else None
    if permission is None:
        return _sign_in(next=_back())
    return replace(_sign_in(next=_back(), ask=permission), label=worded("Grant it at Twitter"))


def _home() -> Button:
    wanted = _back() if request.endpoint == "auth.login" else None
    return Button("Go to the start page", url_for("pages.home", next=wanted))


def _same_form() -> Button:
    """Return the button of the form that was refused, to press again.

    It keeps the form's values only if a page of ours sent it: another site could choose the
    permission, or the next page. A pending action is never kept.
    """
    if request.endpoint == "auth.login":
        return _sign_in(**{name: _form_value(name) or "" for name in ("next", "ask")})
    if request.endpoint == "auth.logout":
        return Button("Log out", url_for("auth.logout"), method="post")
    return _home()


def _is_signed_in() -> bool:
    return bool(current_user.is_authenticated)


def _in_sign_in() -> bool:
    return (request.endpoint or "").startswith("auth.")


def _back() -> str:
    """Return the page that the person wanted: where the sign-in leads, or this one."""
    if request.endpoint == "auth.login":
        return local(_form_value("next"))
    if _in_sign_in() or request.method != "GET":
        return str(g.get("next_path", "/"))
    return request.full_path if request.query_string else request.path


def _form_value(name: str) -> str | None:
    """Return a value of the form if the browser says that a page of ours sent it."""
    if not forms.is_from(origin(services().config.public_url)):
        return None
    try:
        return request.form.get(name)
    except HTTPException:  # the form itself is wrong
        return None


def _until(error: Exception) -> datetime | None:
    if isinstance(error, twitter.RateLimited):
        return error.until if error.until and error.until > services().now() else None
    return rate_limits.resets_at() if isinstance(error, RateLimitExceeded) else None


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
