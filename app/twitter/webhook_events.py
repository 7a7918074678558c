"""Events that X delivers by webhook: its challenge, its signatures, and `oauth.revoke`.

X docs, "V2 Webhooks API" and "X Activity API", 2026. An event is believed by its signature alone:
`app_id` is in no answer of X, so the site cannot know its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.twitter.errors import InvalidAnswer
from app.twitter.models.json_values import as_date, as_id, as_object

REVOKED = "oauth.revoke"

# X signs with the consumer secret; newer apps get a second header, signed with the client secret.
_BY_CONSUMER_SECRET = "X-Twitter-Webhooks-Signature"  # noqa: S105 - the name of a header
_BY_CLIENT_SECRET = "X-Twitter-Webhooks-Signature-OAuth2"  # noqa: S105
# Numbers of 64 bits in X's examples, negative ones too.
_EVENT_UUID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_CHALLENGE = 512


class _Headers(Protocol):
    """The headers of a request, whatever the case of their names."""

    def get(self, key: str, default: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """The secrets that sign what X sends."""

    consumer_secret: str = field(repr=False)
    client_secret: str | None = field(repr=False)

    def answer(self, challenge: str) -> str | None:
        """Return the `response_token` for a `crc_token`; None for one that gets no answer.

        The answer to an event's own text would be its signature: without this check, a stranger
        could have an event signed here. Every event has a brace, and no challenge in X's
        documents has one.
        """
        if not 0 < len(challenge) <= _LONGEST_CHALLENGE or "{" in challenge:
            return None
        return _signature(self.consumer_secret, challenge.encode())

    def fit(self, headers: _Headers, body: bytes) -> bool:
        """Tell whether X has signed the raw `body`, in constant time."""
        secrets = {_BY_CONSUMER_SECRET: self.consumer_secret, _BY_CLIENT_SECRET: self.client_secret}
        return any(
            hmac.compare_digest(_signature(secret, body).encode(), headers.get(name, "").encode())
            for name, secret in secrets.items()
            if secret
        )


def _signature(secret: str, message: bytes) -> str:
    digest = hmac.digest(secret.encode(), message, hashlib.sha256)
    return f"sha256={base64.b64encode(digest).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """X says that a person has revoked this site's access.

    `at` is by X's clock, in whole seconds; None if the event does not say it.
    """

    event_uuid: str
    twitter_id: str
    at: datetime | None


def revoked_in(body: bytes) -> Revoked | None:
    """Return the `oauth.revoke` event in a signed body; None if it is an event of another type.

    Raises `InvalidAnswer` if the body is no event.
    """
    try:
        document = as_object(json.loads(body.decode()))
    except (ValueError, RecursionError):
        raise InvalidAnswer("an event that is no JSON") from None
    data = as_object(document.get("data"))
    event_type, payload = data.get("event_type"), as_object(data.get("payload"))
    if isinstance(event_type, str) and event_type != REVOKED:
        return None
    event_uuid, twitter_id = data.get("event_uuid"), as_id(payload.get("user_id"))
    is_named = isinstance(event_uuid, str) and _EVENT_UUID.fullmatch(event_uuid)
    if event_type != REVOKED or not is_named or not twitter_id:
        raise InvalidAnswer("an event without a proper event_uuid, event_type or user_id")
    return Revoked(
        event_uuid=str(event_uuid), twitter_id=twitter_id, at=as_date(payload.get("date_time"))
    )
