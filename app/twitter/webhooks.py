"""The app's webhook at X, and its subscription to `oauth.revoke`: looked up, made and removed.

X docs, "V2 Webhooks API" and "X Activity API", with the app-only bearer token. Answers to a
creation have two shapes in X's documents, so what there is gets listed again instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.twitter.errors import InvalidAnswer, Refused
from app.twitter.models.json_values import as_id, as_list, as_object
from app.twitter.problems import refusal
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Response, Transport
from app.twitter.webhook_events import REVOKED

_WEBHOOKS = "/webhooks"
_SUBSCRIPTIONS = "/activity/subscriptions"
_REFUSALS_BEGIN = 400
# X calls the address before it answers, and gives it 10 seconds.
_SECONDS = 20.0
# The reasons in X's documents; it does not document where in the body they stand.
_REASONS = re.compile(
    "CrcValidationFailed|UrlValidationFailed|DuplicateUrlFailed|WebhookLimitExceeded"
    "|WebhookIdInvalid"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook of the app. X delivers nothing to one that is not `valid`."""

    id: str
    url: str
    valid: bool
    subscriptions: tuple[str, ...] = ()  # the ids of those to `oauth.revoke`

    @property
    def works(self) -> bool:
        """Whether X delivers revocations to it."""
        return self.valid and bool(self.subscriptions)


class Webhooks:
    """Manages the webhooks of the app. Every method raises the `TwitterError` of a call."""

    def __init__(self, transport: Transport, *, api_url: str, bearer_token: str) -> None:
        self._transport = transport
        self._api_url = api_url
        self._bearer_token = bearer_token

    def all(self) -> list[Webhook]:
        """Return all webhooks of the app, those of other sites included."""
        deadline = Deadline(_SECONDS)
        found = as_list(self._ask("GET", _WEBHOOKS, deadline).get("data"))
        listed = as_list(self._ask("GET", _SUBSCRIPTIONS, deadline).get("data"))
        subscriptions = [
            each for each in map(as_object, listed) if each.get("event_type") == REVOKED
        ]
        return [_webhook(as_object(each), subscriptions) for each in found]

    def at(self, url: str) -> Webhook | None:
        """Return the webhook whose address is `url`; None if the app has none there."""
        return next((each for each in self.all() if each.url == url), None)

    def register(self, url: str) -> Webhook:
        """Register `url`, and subscribe it to revocations; return it as X lists it afterwards.

        An existing registration stays. X calls the address before it answers. Raises `Refused`,
        whose `error` is X's reason (`CrcValidationFailed`) if X gave one.
        """
        webhook = self.at(url)
        if webhook is None:
            self._ask("POST", _WEBHOOKS, Deadline(_SECONDS), json={"url": url})
            webhook = self._expected(url)
        elif not webhook.valid:
            self._ask("PUT", _WEBHOOKS, Deadline(_SECONDS), which=webhook.id)
        if not webhook.subscriptions:
            wanted = {"event_type": REVOKED, "filter": {}, "webhook_id": webhook.id}
            self._ask("POST", _SUBSCRIPTIONS, Deadline(_SECONDS), json=wanted)
        return self._expected(url)

    def remove(self, url: str) -> bool:
        """Remove the webhook at `url` and its subscriptions; tell whether there was one."""
        webhook = self.at(url)
        if webhook is None:
            return False
        for subscription in webhook.subscriptions:
            self._ask("DELETE", _SUBSCRIPTIONS, Deadline(_SECONDS), which=subscription)
        self._ask("DELETE", _WEBHOOKS, Deadline(_SECONDS), which=webhook.id)
        return True

    def _expected(self, url: str) -> Webhook:
        webhook = self.at(url)
        if webhook is None:
            raise InvalidAnswer("a webhook that was registered is not listed")
        return webhook

    def _ask(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        deadline: Deadline,
        *,
        which: str = "",
        json: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        answer = self._transport.send(
            method,
            f"{self._api_url}{path}/{which}" if which else f"{self._api_url}{path}",
            deadline=deadline,
            headers={"Authorization": f"Bearer {self._bearer_token}"},
            json=json,
            route=f"{method} /2{path}/:id" if which else f"{method} /2{path}",
        )
        if answer.status >= _REFUSALS_BEGIN:
            raise _refused(answer)
        return answer.json_object()


def _webhook(data: Mapping[str, Any], subscriptions: list[Mapping[str, Any]]) -> Webhook:
    webhook_id, url = as_id(data.get("id")), data.get("url")
    if webhook_id is None or not isinstance(url, str):
        raise InvalidAnswer("a webhook without a proper id or url")
    theirs = (
        as_id(each.get("subscription_id"))
        for each in subscriptions
        if each.get("webhook_id") == webhook_id
    )
    return Webhook(
        id=webhook_id,
        url=url,
        valid=data.get("valid") is True,
        subscriptions=tuple(filter(None, theirs)),
    )


def _refused(answer: Response) -> Exception:
    """Return the error of a 4xx; X's reason comes first, if the body has one."""
    try:
        reason = _REASONS.search(json.dumps(answer.json_object()))
    except InvalidAnswer:
        reason = None
    return Refused(reason[0], f"HTTP {answer.status}") if reason else refusal(answer)
