"""The webhooks and the activity subscriptions of all clients."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sandbox.world.model import Client

REVOKE_EVENT = "oauth.revoke"
MOST_SUBSCRIPTIONS = 50  # of a client; X's page "X Activity API" on the plan Basic
_BEFORE_WEBHOOKS = 1_800_000_000_000_000_000
_BEFORE_SUBSCRIPTIONS = 1_900_000_000_000_000_000


@dataclass(slots=True, kw_only=True)
class Webhook:
    """An address that a client has registered. An invalid one gets no events."""

    id: str
    client: Client
    url: str
    created_at: float
    passed_at: float  # its last passed challenge
    valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A client's wish to be told of events."""

    id: str
    client_id: str
    event_type: str
    created_at: float
    tag: str = ""
    webhook_id: str = ""  # empty: for the stream only, which the sandbox does not have


@dataclass(slots=True)
class Registry:
    """All of one world. Ids count up, so two worlds of one seed give the same ones."""

    lock: threading.RLock
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _issued: int = 0

    def add_webhook(self, client: Client, url: str, now: float) -> Webhook:
        """Add a webhook that has just passed its challenge."""
        with self.lock:
            webhook = Webhook(
                id=self._next_id(_BEFORE_WEBHOOKS),
                client=client,
                url=url,
                created_at=now,
                passed_at=now,
            )
            self.webhooks[webhook.id] = webhook
            return webhook

    def add_subscription(
        self, client: Client, event_type: str, *, tag: str, webhook_id: str, now: float
    ) -> Subscription:
        """Add a subscription."""
        with self.lock:
            subscription = Subscription(
                id=self._next_id(_BEFORE_SUBSCRIPTIONS),
                client_id=client.client_id,
                event_type=event_type,
                created_at=now,
                tag=tag,
                webhook_id=webhook_id,
            )
            self.subscriptions[subscription.id] = subscription
            return subscription

    def webhooks_of(self, client: Client) -> list[Webhook]:
        """Return the webhooks of a client, the oldest first."""
        with self.lock:
            return [w for w in self.webhooks.values() if w.client.client_id == client.client_id]

    def subscriptions_of(self, client: Client) -> list[Subscription]:
        """Return the subscriptions of a client, the oldest first."""
        with self.lock:
            return [s for s in self.subscriptions.values() if s.client_id == client.client_id]

    def revoke_targets(self, client: Client) -> list[tuple[Subscription, Webhook]]:
        """Return the subscriptions that an `oauth.revoke` of this client goes to."""
        with self.lock:
            return [
                (subscription, self.webhooks[subscription.webhook_id])
                for subscription in self.subscriptions_of(client)
                if subscription.event_type == REVOKE_EVENT
                and subscription.webhook_id in self.webhooks
            ]

    def _next_id(self, before: int) -> str:
        self._issued += 1
        return str(before + self._issued)
