"""`/sandbox/...`: what the console's buttons do, as JSON, for tests and scripts.

Every POST must be `application/json`: a foreign web page cannot send that without asking first
(CORS preflight), and nobody here says yes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control import snapshots
from sandbox.control.faults import BadFaultError, fault_from
from sandbox.oauth.registration import BadClientError, client_from
from sandbox.request_body import sent_json
from sandbox.request_context import world
from sandbox.seeds.birds import is_flock
from sandbox.world.clock import timestamp
from sandbox.world.settings import BadSettingError

blueprint = Blueprint("twins", __name__, url_prefix="/sandbox")


class BadRequestError(ValueError):
    """A body that does not say what it should. The text tells the person."""


@blueprint.errorhandler(BadRequestError)
@blueprint.errorhandler(BadClientError)
@blueprint.errorhandler(BadFaultError)
@blueprint.errorhandler(BadSettingError)
def _explain(problem: ValueError) -> tuple[Response, int]:
    return jsonify(error=str(problem)), 400


@blueprint.before_request
def _only_json() -> tuple[Response, int] | None:
    if request.method == "POST" and not request.is_json:
        return jsonify(error="Send Content-Type: application/json."), 415
    return None


def _body() -> dict[str, Any]:
    body = sent_json() if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    return body


@blueprint.post("/reset")
def reset() -> Response:
    """Bring the beginning back."""
    world().reset()
    return jsonify(reset=True)


@blueprint.post("/clock")
def clock() -> Response:
    """`{"advance_seconds": 31}`: let time pass. An empty object just asks what time it is."""
    now = world().clock.advance(_body().get("advance_seconds", 0))
    return jsonify(now=timestamp(now), unix=now)


@blueprint.route("/settings", methods=["GET", "POST"])
def settings() -> Response:
    """Change some settings, or just read all of them."""
    changes = _body() if request.method == "POST" else {}
    return jsonify(asdict(world().change(changes)))


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> Response:
    """Add a fault, list those that wait, or clear them all."""
    here = world().faults
    if request.method == "POST":
        here.add(fault_from(_body()))
    if request.method == "DELETE":
        here.clear()
    return jsonify(faults=[asdict(fault) for fault in here.waiting()])


@blueprint.get("/journal")
def journal() -> Response:
    """List what was asked and answered; `?after=12` leaves out the first twelve."""
    after = request.args.get("after", 0, type=int)
    return jsonify(entries=world().journal.entries(after))


@blueprint.get("/tokens")
def tokens() -> Response:
    """List all tokens with their state and what is left of them."""
    return jsonify(tokens=snapshots.tokens(world()))


@blueprint.post("/tokens/expire")
def expire_tokens() -> Response:
    """Let every access token be over, as if two hours had passed."""
    world().ledger.expire_access()
    return tokens()


@blueprint.post("/limits")
def limits() -> Response:
    """`{"account": "wren"}` or `{"client_id": "sandbox-client"}`: use the windows up.

    Of all endpoints, or of the one that `endpoint` names; `"window": "day"` for the 24 hours.
    """
    body = _body()
    endpoint, window = body.get("endpoint"), str(body.get("window", "quarter"))
    if "client_id" in body:
        world().exhaust_client(str(body["client_id"]), endpoint, window)
    else:
        world().exhaust(str(body.get("account", "")), endpoint, window)
    return jsonify(exhausted=True)


@blueprint.post("/disconnect")
def disconnect() -> Response:
    """`{"account": "wren", "client_id": "sandbox-client"}`: the person removes the app."""
    body, here = _body(), world()
    account = here.named(str(body.get("account", "")))
    client = here.client(str(body.get("client_id", "")))
    here.ledger.disconnect(account.id, client.client_id)
    return tokens()


@blueprint.route("/accounts", methods=["GET", "POST"])
def accounts() -> Response:
    """List who lives here, or change one: `{"account": "jay", "username": "bluejay"}`."""
    here = world()
    if request.method == "POST":
        changes = _body()
        account = here.change_account(str(changes.pop("account", "")), changes)
        return jsonify(snapshots.account(account))
    people = [one for one in list(here.accounts.values()) if not is_flock(one)]
    return jsonify(accounts=[snapshots.account(one) for one in people])


@blueprint.post("/follows")
def follows() -> Response:
    """`{"follower": "wren", "followed": "nightjar"}`: let one follow another, asked or not."""
    body, here = _body(), world()
    follower, followed = (here.named(str(body.get(n, ""))) for n in ("follower", "followed"))
    if follower.id == followed.id:
        raise BadRequestError("An account cannot follow itself.")
    with here.lock:
        here.follows.add(follower.id, followed.id)
    return jsonify(following=True)


@blueprint.route("/clients", methods=["GET", "POST"])
def clients() -> tuple[Response, int] | Response:
    """List the clients, or register one: `{"callbacks": [...], "confidential": true, ...}`."""
    here = world()
    if request.method == "POST":
        client = client_from(_body())
        here.register(client)
        return jsonify(snapshots.client(client)), 201
    return jsonify(clients=[snapshots.client(one) for one in list(here.clients.values())])
