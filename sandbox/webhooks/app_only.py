"""Requests with an app-only bearer token: the app that sends one, and its body."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from sandbox.api import dispatch, problems
from sandbox.api.problems import Complaints, Problem
from sandbox.oauth.text_checks import is_sendable
from sandbox.request_body import sent_json
from sandbox.request_context import current_world
from sandbox.webhooks.registry import Webhook
from sandbox.world.dialects import BETA
from sandbox.world.model import Client

# X's page "Webhooks" of 2025: Pro has one, Enterprise five and more. Legacy Free has none.
MOST_WEBHOOKS = {"enterprise": 5, "pay-per-use": 1}


def new_blueprint(name: str) -> Blueprint:
    """Return a blueprint that answers and refuses as the rest of the API does."""
    blueprint = Blueprint(name, __name__)
    blueprint.after_request(dispatch.stamp)
    blueprint.register_error_handler(Problem, _refuse)
    return blueprint


def _refuse(problem: Problem) -> Response:
    problem.body = dispatch.said(problem.body)
    return problem.answer()


def asking_client() -> Client:
    """Return the client whose app-only bearer token the request has; raise Problem without."""
    world = current_world()
    if world.settings.dialect == BETA:
        raise problems.not_found()
    if dispatch.brought(world) is not None:
        raise problems.unsupported_authentication(problems.USER, problems.APP_ONLY)
    client = dispatch.app_of_bearer(world)
    if client is None:
        raise problems.unauthorized()
    if world.settings.enrollment != "complete":
        raise problems.not_enrolled(client.client_id, world.settings.enrollment)
    if world.settings.plan not in MOST_WEBHOOKS:
        raise problems.not_enrolled(client.client_id, "client-not-enrolled")
    return client


def own_webhook(client: Client, webhook_id: str) -> Webhook:
    """Return a webhook of this client; raise the 400 for any other id."""
    webhook = current_world().webhooks.webhooks.get(webhook_id)
    if webhook is None or webhook.client.client_id != client.client_id:
        said = "WebhookIdInvalid: The webhook was not found, or belongs to another app."
        raise wrong("webhook_id", webhook_id, said)
    return webhook


def sent_object(longest: dict[str, int], *, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON object of the request; each key is a text, or with 0 an object."""
    body = sent_json()
    given: dict[str, Any] = body if isinstance(body, dict) else {}
    found = Complaints()
    for name in sorted(given.keys() - longest.keys()):
        found.add(name, [], f"$.{name}: is not defined")
    for name in required:
        if name not in given:
            found.add(name, [], f"$.{name}: is missing but it is required")
    for name, most in longest.items():
        if name in given and not _fits(given[name], most):
            kind = f"a text of 1 to {most} characters" if most else "an object"
            found.add(name, [], f"$.{name}: is not {kind}")
    found.raise_if_any()
    return given


def _fits(value: object, most: int) -> bool:
    if most == 0:
        return isinstance(value, dict)
    return isinstance(value, str) and 1 <= len(value) <= most and is_sendable(value)


def wrong(name: str, value: str, message: str) -> Problem:
    """Return the 400 for one parameter."""
    found = Complaints()
    found.add(name, [value] if value else [], message)
    return found.problem()
