"""The control API at `/sandbox/...`: all that the console can do, as JSON, for tests and scripts.

Every POST must be `application/json`: a page of another origin cannot send that without a CORS
preflight, and no preflight is answered.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control import actions, snapshots
from sandbox.errors import InvalidInput
from sandbox.request_body import sent_json
from sandbox.request_context import current_world
from sandbox.seeds.birds import is_flock
from sandbox.world.clock import timestamp

blueprint = Blueprint("control_api", __name__, url_prefix="/sandbox")


@blueprint.errorhandler(InvalidInput)
def _explain(problem: InvalidInput) -> tuple[Response, int]:
    return jsonify(error=str(problem)), 400


@blueprint.before_request
def _only_json() -> tuple[Response, int] | None:
    if request.method == "POST" and not request.is_json:
        return jsonify(error="Send Content-Type: application/json."), 415
    return None


def _body() -> dict[str, Any]:
    body = sent_json() if request.get_data() else {}
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object.")
    return body


@blueprint.post("/reset")
def reset() -> Response:
    actions.reset(current_world(), {})
    return jsonify(reset=True)


@blueprint.post("/clock")
def clock() -> Response:
    """`{"advance_seconds": 31}`: move the clock. An empty object only asks for the time."""
    now = actions.advance_clock(current_world(), _body())
    return jsonify(now=timestamp(now), unix=now)


@blueprint.route("/settings", methods=["GET", "POST"])
def settings() -> Response:
    """Change some settings, and return all of them."""
    if request.method == "POST":
        actions.change_settings(current_world(), _body())
    return jsonify(asdict(current_world().settings))


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> Response:
    """Add a fault, or clear all, and return those that wait."""
    if request.method == "POST":
        actions.add_fault(current_world(), _body())
    if request.method == "DELETE":
        actions.clear_faults(current_world(), {})
    return jsonify(faults=[asdict(fault) for fault in current_world().faults.waiting()])


@blueprint.get("/journal")
def journal() -> Response:
    """Return requests and answers; `?after=12` leaves out the first twelve."""
    after = request.args.get("after", 0, type=int)
    return jsonify(entries=current_world().journal.entries(after))


@blueprint.get("/tokens")
def tokens() -> Response:
    return jsonify(tokens=snapshots.tokens(current_world()))


@blueprint.post("/tokens/expire")
def expire_tokens() -> Response:
    actions.expire_tokens(current_world(), {})
    return tokens()


@blueprint.post("/limits")
def limits() -> Response:
    """`{"account": "wren"}` or `{"client_id": "sandbox-client"}`: use the windows up.

    Of all endpoints, or of the one that `endpoint` names; `"window": "day"` for the 24 hours.
    """
    actions.exhaust_limits(current_world(), _body())
    return jsonify(exhausted=True)


@blueprint.post("/disconnect")
def disconnect() -> Response:
    """`{"account": "wren", "client_id": "sandbox-client"}`: the person removes the app."""
    actions.disconnect(current_world(), _body())
    return tokens()


@blueprint.route("/accounts", methods=["GET", "POST"])
def accounts() -> Response:
    """Return all accounts, or change one: `{"account": "jay", "username": "bluejay"}`."""
    world = current_world()
    if request.method == "POST":
        return jsonify(snapshots.account(actions.change_account(world, _body())))
    people = [one for one in list(world.accounts.values()) if not is_flock(one)]
    return jsonify(accounts=[snapshots.account(one) for one in people])


@blueprint.post("/follows")
def follows() -> Response:
    """`{"follower": "wren", "followed": "nightjar"}`: even a protected account is followed."""
    actions.follow(current_world(), _body())
    return jsonify(following=True)


@blueprint.route("/clients", methods=["GET", "POST"])
def clients() -> tuple[Response, int] | Response:
    """Return the clients, or register one: `{"callbacks": [...], "confidential": true, ...}`."""
    world = current_world()
    if request.method == "POST":
        return jsonify(snapshots.client(actions.register_client(world, _body()))), 201
    return jsonify(clients=[snapshots.client(one) for one in list(world.clients.values())])


@blueprint.get("/webhooks")
def webhooks() -> Response:
    """Return webhooks and subscriptions, and what was sent."""
    return jsonify(snapshots.webhooks(current_world()))
