"""Protection against forged forms: a token of this browser and, on https, the origin."""

from __future__ import annotations

from flask import Flask, g, request
from flask_wtf import CSRFProtect

from app.twitter.dialect import origin
from config import Config

_NO_ORIGIN = "no header names the origin"
_OTHER_ORIGIN = "it comes from another origin"

# Reasons of Flask-WTF and of ours, in words for people. Any other means: the token does not fit.
WORDS = {
    "The CSRF token is missing.": "the form came without the token that our pages put into it",
    "The CSRF session token is missing.": "your browser sent no cookie of ours, and may keep none",
    "The CSRF token has expired.": "the page was open too long",
    _NO_ORIGIN: "your browser, or something on the way here, hides which site the form is from",
    _OTHER_ORIGIN: "your browser says that the form is from another site",
}
OTHERWISE = "the page is from before you last signed in or out, or from another browser"


class Forms(CSRFProtect):  # type: ignore[misc] # Flask-WTF ships no types
    """Flask-WTF's check of the token, and a check of the origin by any of three headers."""

    def __init__(self, ours: str | None) -> None:
        """Accept forms from the origin `ours` only; None accepts any origin."""
        super().__init__()
        self._ours = ours

    def protect(self, apply_exemptions: bool = False) -> None:  # noqa: FBT001, FBT002 - Flask-WTF's
        """Raise `CSRFError` for a request that changes something and is not from our own page."""
        super().protect(apply_exemptions)
        if self._ours is None or not g.get("csrf_valid"):  # any origin, or no form
            return
        if reason := _not_from(self._ours):
            self._error_response(reason)


def init_app(app: Flask, config: Config) -> None:
    """Check every form that is sent to `app`."""
    # Flask-WTF's own check requires a Referer, which extensions and proxies remove.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    Forms(origin(config.public_url) if config.https else None).init_app(app)


def words(reason: str) -> str:
    """Return why a form was refused, in words that follow "Nothing was done:"."""
    return WORDS.get(reason, OTHERWISE)


def is_from(ours: str) -> bool:
    """Tell whether the browser says that a page of the origin `ours` sent the request."""
    return not _not_from(ours)


def _not_from(ours: str) -> str:
    """Return why a request does not count as sent by a page of `ours`; empty if it does.

    Browsers set `Origin` and `Sec-Fetch-Site` themselves, and either is enough. Older browsers
    send only the Referer.
    """
    sender = request.headers.get("Origin", "null")  # "null": hidden, by the page or the browser
    site = request.headers.get("Sec-Fetch-Site", "none")
    if sender == ours or site == "same-origin":
        return ""
    if sender != "null" or site != "none":
        return _OTHER_ORIGIN
    if not request.referrer:
        return _NO_ORIGIN
    return "" if request.referrer.startswith(f"{ours}/") else _OTHER_ORIGIN
