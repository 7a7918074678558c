"""The error bodies of the API, word for word as Twitter sends them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Response

# X's own `xdk` 0.10.6 refuses any other host.
TYPES = "https://api.x.com/2/problems/"


class Problem(Exception):
    """An answer that is an error as a whole."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body.get("title"))
        self.status = status
        self.body = body
        self.headers: dict[str, str] = {}

    def answer(self) -> Response:
        """Return the response."""
        text = json.dumps(self.body, separators=(",", ":"))
        kind = "application/problem+json"
        return Response(text, self.status, headers=self.headers, mimetype=kind)


def plain(status: int, title: str) -> Problem:
    """Return the problem that says no more than its status."""
    body = {"title": title, "type": "about:blank", "status": status, "detail": title}
    return Problem(status, body)


def unauthorized() -> Problem:
    return plain(401, "Unauthorized")


def forbidden() -> Problem:
    return plain(403, "Forbidden")


def not_found() -> Problem:
    return plain(404, "Not Found")


def refused(detail: str) -> Problem:
    """Return the 403 of a change that X understands and does not allow."""
    problem = forbidden()
    problem.body["detail"] = detail
    return problem


def invalid(message: str) -> Problem:
    """Return the 400 whose message names no parameter."""
    complaints = Complaints()
    complaints.found.append({"message": message})
    return complaints.problem()


def too_many_requests(shape: str = "plain") -> Problem:
    """Return a 429 in one of the three forms that were observed or documented."""
    if shape == "code-88":  # the rate limit page
        return Problem(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})
    problem = plain(429, "Too Many Requests")
    if shape == "problem":  # the page of errors
        problem.body["type"] = TYPES + "rate-limit-exceeded"
    return problem


def usage_capped() -> Problem:
    """Return the 429 of an app that has read all the posts of its month."""
    body = {
        "title": "UsageCapExceeded",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": TYPES + "usage-capped",
        "period": "Monthly",
        "scope": "Product",
    }
    return Problem(429, body)


def credits_depleted() -> Problem:
    """Return the 402 of an app whose pay-per-use balance is empty."""
    detail = (
        "Your enrolled account [1790000000000000001] does not have any credits to fulfill this "
        "request."
    )
    return Problem(402, {"title": "CreditsDepleted", "detail": detail, "type": TYPES + "credits"})


_REGISTRATION = {
    "client-not-enrolled": "https://developer.twitter.com/en/docs/projects/overview",
    "user-not-enrolled": "https://console.x.com",
}


def not_enrolled(client_id: str, reason: str) -> Problem:
    """Return the 403 of an app whose plan lacks the endpoint, or of an unenrolled person."""
    body = {
        "client_id": client_id,
        "detail": (
            "When authenticating requests to the Twitter API v2 endpoints, you must use keys and "
            "tokens from a Twitter developer App that is attached to a Project. You can create a "
            "project via the developer portal."
        ),
        "registration_url": _REGISTRATION[reason],
        "title": "Client Forbidden",
        "required_enrollment": "Appropriate Level of API Access",
        "reason": reason,
        "type": TYPES + "client-forbidden",
    }
    return Problem(403, body)


OAUTH_1, APP_ONLY, USER = (
    "OAuth 1.0a User Context",
    "OAuth 2.0 Application-Only",
    "OAuth 2.0 User Context",
)


def unsupported_authentication(used: str, *supported: str) -> Problem:
    """Return the 403 of an endpoint that is not open to the kind of token that was used."""
    body = {
        "title": "Unsupported Authentication",
        "detail": (
            f"Authenticating with {used} is forbidden for this endpoint.  "
            f"Supported authentication types are [{', '.join(supported)}]."
        ),
        "type": TYPES + "unsupported-authentication",
        "status": 403,
    }
    return Problem(403, body)


@dataclass(slots=True)
class Complaints:
    """The mistakes in the parameters of one request, reported together."""

    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, values: list[str], message: str) -> None:
        self.found.append({"parameters": {name: values}, "message": message})

    def raise_if_any(self) -> None:
        """Raise 400 if there was a mistake."""
        if self.found:
            raise self.problem()

    def problem(self) -> Problem:
        """Return the 400 that lists the mistakes."""
        body = {
            "errors": self.found,
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": TYPES + "invalid-request",
        }
        return Problem(400, body)


def missing(kind: str, parameter: str, value: str) -> dict[str, Any]:
    """Return the partial error for something that does not exist."""
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": TYPES + "resource-not-found",
    }


def suspended(parameter: str, value: str) -> dict[str, Any]:
    """Return the partial error for a suspended account."""
    return {
        "value": value,
        "detail": f"User has been suspended: [{value}].",
        "title": "Forbidden",
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": TYPES + "resource-not-found",
    }


def field_not_for_you(field: str, parameter: str, value: str, section: str) -> dict[str, Any]:
    """Return the partial error for a number that only the author of a post may see."""
    return {
        "resource_type": "tweet",
        "field": field,
        "parameter": parameter,
        "resource_id": value,
        "title": "Field Authorization Error",
        "section": section,
        "detail": (
            f"Sorry, you are not authorized to access '{field}' on the Tweet with "
            f"{parameter} : [{value}]."
        ),
        "value": value,
        "type": TYPES + "not-authorized-for-field",
    }


def not_for_you(kind: str, parameter: str, value: str, section: str = "data") -> dict[str, Any]:
    """Return the partial error for something protected, which belongs into this section."""
    return {
        "value": value,
        "detail": f"Sorry, you are not authorized to see the {kind} with {parameter}: [{value}].",
        "title": "Authorization Error",
        "section": section,
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": TYPES + "not-authorized-for-resource",
    }
