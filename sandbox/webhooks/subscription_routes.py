"""`/2/activity/subscriptions`: which events an app is told of."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from sandbox.api.query import NUMERIC_ID, Query
from sandbox.request_context import current_world
from sandbox.webhooks.app_only import asking_client, new_blueprint, own_webhook, sent_object, wrong
from sandbox.webhooks.registry import MOST_SUBSCRIPTIONS, REVOKE_EVENT, Subscription
from sandbox.world.clock import timestamp
from sandbox.world.model import Client

blueprint = new_blueprint("subscriptions")

_LONGEST_TAG = 200


@blueprint.post("/2/activity/subscriptions")
def create_subscription() -> Response:
    """Subscribe to `oauth.revoke`, the only event that the sandbox has."""
    client, world = asking_client(), current_world()
    sent = sent_object(
        {"event_type": 100, "filter": 0, "tag": _LONGEST_TAG, "webhook_id": 19},
        required=("event_type", "filter"),
    )
    if sent["event_type"] != REVOKE_EVENT:
        said = f"$.event_type: does not have a value in the enumeration [{REVOKE_EVENT}]"
        raise wrong("event_type", sent["event_type"], said)
    if sent["filter"]:
        raise wrong("filter", "", f"$.filter: {REVOKE_EVENT} has no filter.")
    webhook_id = sent.get("webhook_id", "")
    if "webhook_id" in sent:
        own_webhook(client, webhook_id)
    with world.lock:
        existing = world.webhooks.subscriptions_of(client)
        if any(one.webhook_id == webhook_id for one in existing):
            raise wrong("event_type", REVOKE_EVENT, "Subscription already exists.")
        if len(existing) >= MOST_SUBSCRIPTIONS:
            raise wrong("event_type", REVOKE_EVENT, "Maximum number of subscriptions exceeded.")
        subscription = world.webhooks.add_subscription(
            client, REVOKE_EVENT, tag=sent.get("tag", ""), webhook_id=webhook_id, now=world.now()
        )
    return jsonify(data={"subscription": _subscription(subscription)})


@blueprint.get("/2/activity/subscriptions")
def list_subscriptions() -> Response:
    """List the client's subscriptions: never more than a page."""
    client = asking_client()
    Query().done()
    found = current_world().webhooks.subscriptions_of(client)
    return jsonify(data=[_subscription(one) for one in found])


@blueprint.delete("/2/activity/subscriptions/<subscription_id>")
def delete_subscription(subscription_id: str) -> Response:
    """Remove a subscription."""
    if not _unsubscribe(asking_client(), subscription_id):
        said = "The subscription was not found, or belongs to another app."
        raise wrong("subscription_id", subscription_id, said)
    return jsonify(data={"deleted": True})


@blueprint.delete("/2/activity/subscriptions")
def delete_subscriptions() -> Response:
    """Remove up to 100 subscriptions; one that is not there does not keep the others."""
    client, query = asking_client(), Query()
    ids = query.many("ids", NUMERIC_ID)
    query.done()
    outcome = {one: _unsubscribe(client, one) for one in ids}
    left = len(current_world().webhooks.subscriptions_of(client))
    body: dict[str, Any] = {
        "data": [{"deleted": True, "subscription_id": one} for one, gone in outcome.items() if gone]
    }
    if missing := [one for one, gone in outcome.items() if not gone]:
        why = {"message": "The subscription was not found.", "reason": "not_found"}
        body["errors"] = [{**why, "subscription_id": one} for one in missing]
    return jsonify(body | {"meta": {"total_subscriptions": left}})


def _unsubscribe(client: Client, subscription_id: str) -> bool:
    registry = current_world().webhooks
    with registry.lock:
        known = registry.subscriptions.get(subscription_id)
        if known is None or known.client_id != client.client_id:
            return False
        del registry.subscriptions[subscription_id]
        return True


def _subscription(one: Subscription) -> dict[str, Any]:
    """Return a subscription; the sandbox changes none, so it was updated when it was created."""
    row = {
        "created_at": timestamp(one.created_at),
        "event_type": one.event_type,
        "filter": {},
        "subscription_id": one.id,
        "updated_at": timestamp(one.created_at),
    }
    more = {"tag": one.tag, "webhook_id": one.webhook_id}
    return row | {name: text for name, text in more.items() if text}
