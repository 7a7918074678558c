"""Twitter's problems (RFC 9457): an answer that is a refusal, or `errors` inside a success.

X docs, "Response codes and errors". The last path segment of a problem's type identifies it; the
host before it has changed over the years.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.twitter.dialect import Permission
from app.twitter.errors import (
    InvalidAnswer,
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    Refused,
    TokenRefused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.rate_limit_headers import retry_at
from app.twitter.transport.transport import Response

Missing = Literal["gone", "protected", "suspended", "unknown"]

# Lower case only, so that no token matches.
_KIND = re.compile(r"/([a-z][a-z-]{1,40})\Z")
_BLANK = "about:blank"
_ASKED = re.compile(r"[A-Za-z0-9_]{1,50}")
_MOST = 200

_BY_STATUS: Mapping[int, type[Refused]] = {401: TokenRefused, 402: OutOfCredits}
_BY_KIND: Mapping[tuple[int, str], type[Refused]] = {
    (403, "client-forbidden"): NotInPlan,
    (403, "unsupported-authentication"): WrongTokenType,
    (403, _BLANK): PermissionMissing,
    (429, "usage-capped"): OutOfCredits,
}
_MISSING: Mapping[str, Missing] = {
    "resource-not-found": "gone",
    "not-authorized-for-resource": "protected",
}
# An object came without one of its fields, which is the same as an empty field.
_ABOUT_FIELDS = {"not-authorized-for-field", "field-unauthorized", "field-hydration-failure"}
_SUSPENDED = "User has been suspended"
_ONLY_THIS_PERSON = "user-not-enrolled"
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why an object is missing from an answer, and its id or username."""

    missing: Missing
    asked: str


def problems(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return the problems of objects that are missing from an answer, each once."""
    errors = document.get("errors")
    items = errors[:_MOST] if isinstance(errors, list) else []
    about_objects = (
        item for item in items if isinstance(item, dict) and _kind(item) not in _ABOUT_FIELDS
    )
    return tuple(dict.fromkeys(_problem(item) for item in about_objects))


def _problem(item: Mapping[str, Any]) -> Problem:
    # Suspended accounts have the same type as missing ones; only the detail differs.
    detail = item.get("detail")
    suspended = isinstance(detail, str) and detail.startswith(_SUSPENDED)
    return Problem(
        missing="suspended" if suspended else _MISSING.get(_kind(item), "unknown"),
        asked=_asked(item),
    )


def _asked(item: Mapping[str, Any]) -> str:
    for name in ("value", "resource_id"):
        value = item.get(name)
        if isinstance(value, str) and _ASKED.fullmatch(value):
            return value
    return ""


def refusal(
    answer: Response, *, now: datetime | None = None, needs: Permission | None = None
) -> TwitterError:
    """Return the error of a 4xx, by its status and type of problem; `now` is for `retry_at`.

    `needs` is the permission that is probably missing: Twitter does not say which. Twitter's own
    words stay out of the exception, as they may repeat secrets.
    """
    problem = _problem_of(answer)
    kind = _kind(problem)
    # Twitter has three different bodies for 429, so the status decides.
    if answer.status == _TOO_MANY_REQUESTS and kind != "usage-capped":
        return RateLimited("HTTP 429", until=retry_at(answer.headers, now=now))
    error = _BY_KIND.get((answer.status, kind)) or _BY_STATUS.get(answer.status, Refused)
    words = (kind or f"http-{answer.status}", f"HTTP {answer.status}")
    if error is NotInPlan and problem.get("reason") == _ONLY_THIS_PERSON:
        return NotInOwnPlan(*words)
    if error is PermissionMissing:
        return PermissionMissing(*words, permission=needs)
    return error(*words)


def _problem_of(answer: Response) -> Mapping[str, Any]:
    """Return the problem (RFC 9457), which may stand alone or as the first of `errors`."""
    try:
        document = answer.json_object()
    except InvalidAnswer:
        return {}  # a gateway's page, in HTML or plain text
    errors = document.get("errors")
    nested = errors[0] if isinstance(errors, list) and errors else None
    return nested if "type" not in document and isinstance(nested, dict) else document


def _kind(problem: Mapping[str, Any]) -> str:
    address = problem.get("type")
    if not isinstance(address, str):
        return ""
    if address == _BLANK:
        return _BLANK
    found = _KIND.search(address)
    return found[1] if found else ""
