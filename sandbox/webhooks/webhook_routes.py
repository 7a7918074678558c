"""`/2/webhooks`: registers, lists, challenges and removes webhooks.

A challenge is sent while its request waits, and without the world's lock: the app that is asked
may itself be calling the sandbox.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from sandbox.api.problems import Problem
from sandbox.api.query import Query
from sandbox.request_context import current_world
from sandbox.webhooks.app_only import (
    MOST_WEBHOOKS,
    asking_client,
    new_blueprint,
    own_webhook,
    sent_object,
    wrong,
)
from sandbox.webhooks.loopback import LONGEST_URL, objection_to
from sandbox.webhooks.registry import Webhook
from sandbox.world.clock import timestamp
from sandbox.world.model import Client

blueprint = new_blueprint("webhooks")

_FIELDS = ("created_at", "id", "url", "valid")


@blueprint.post("/2/webhooks")
def create_webhook() -> Response:
    """Register a webhook, once its answer to a challenge is right."""
    client, world = asking_client(), current_world()
    url = sent_object({"url": LONGEST_URL}, required=("url",))["url"]
    if objection := objection_to(url):
        raise wrong("url", url, f"UrlValidationFailed: {objection}")
    _check_room(client, url)
    registry, sender = world.webhooks, world.sender
    fresh = Webhook(
        id="", client=client, url=url, created_at=world.now(), passed_at=world.now(), valid=False
    )
    if failure := sender.challenge(fresh):
        raise _crc_failed(url, failure)
    with world.lock:
        _check_room(client, url)  # another request may have been faster
        webhook = registry.add_webhook(client, url, world.now())
    sender.watch(webhook)
    return jsonify(data=_webhook(webhook))


@blueprint.get("/2/webhooks")
def list_webhooks() -> Response:
    """List the client's webhooks; `webhook_config.fields` chooses among four fields."""
    client, query = asking_client(), Query()
    chosen = query.words("webhook_config.fields", _FIELDS) or _FIELDS
    query.done()
    rows = [_webhook(webhook) for webhook in current_world().webhooks.webhooks_of(client)]
    found = [{name: value for name, value in row.items() if name in chosen} for row in rows]
    return jsonify(data=found, meta={"result_count": len(found)})


@blueprint.put("/2/webhooks/<webhook_id>")
def validate_webhook(webhook_id: str) -> Response:
    """Challenge a webhook again; a right answer makes it valid."""
    webhook = own_webhook(asking_client(), webhook_id)
    if failure := current_world().sender.challenge(webhook):
        raise _crc_failed(webhook.url, failure)
    return jsonify(data={"valid": webhook.valid})


@blueprint.delete("/2/webhooks/<webhook_id>")
def delete_webhook(webhook_id: str) -> Response:
    """Remove a webhook. Its subscriptions stay, and lead nowhere."""
    webhook, world = own_webhook(asking_client(), webhook_id), current_world()
    with world.lock:
        world.webhooks.webhooks.pop(webhook.id, None)
    world.sender.forget(webhook)
    return jsonify(data={"deleted": True})


def _check_room(client: Client, url: str) -> None:
    world = current_world()
    existing = world.webhooks.webhooks_of(client)
    if any(webhook.url == url for webhook in existing):
        raise wrong("url", url, "DuplicateUrlFailed: This URL is registered already.")
    if len(existing) >= MOST_WEBHOOKS[world.settings.plan]:
        raise wrong("url", url, "WebhookLimitExceeded: No further webhook is allowed.")


def _crc_failed(url: str, reason: str) -> Problem:
    said = f"CrcValidationFailed: URL returned bad response during CRC with error: {reason}"
    return wrong("url", url, said)


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "created_at": timestamp(webhook.created_at),
        "id": webhook.id,
        "url": webhook.url,
        "valid": webhook.valid,
    }
