"""Sends events and challenges to webhooks from a thread of its own; no request waits for it."""

from __future__ import annotations

import json
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from sandbox.control.faults import CHALLENGE, EVENT, Faults
from sandbox.webhooks import loopback, signatures
from sandbox.webhooks.registry import REVOKE_EVENT, Registry, Subscription, Webhook
from sandbox.world.clock import Clock, timestamp

_CHALLENGE_SECONDS = 3600  # X's quickstart: "X automatically validates your webhook every hour"
_GRACE_SECONDS = 28 * 3600  # X's page "Webhooks": passing errors are forgiven for 28 hours
_RETRY_SECONDS = (10, 60)  # before the second and the third try; X says only that there are some
_MOST_WAITING = 500
_KEPT = 100
_WRONG_TOKEN = "Invalid `response_token`"  # noqa: S105 - seen at X, 2026
_WRONG_STATUS = "Non-200 response code during CRC GET request (i.e. 404, 500, etc)"  # and this
_INVALID = "not sent: the webhook is invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event or challenge, and what came of it. Holds neither signature nor answer."""

    at: str
    kind: str  # EVENT or CHALLENGE
    webhook_id: str
    url: str
    event_uuid: str
    status: int | None  # None: not sent, or not answered
    outcome: str
    milliseconds: float


@dataclass(slots=True, kw_only=True)
class _Job:
    """An event to deliver, or a webhook to challenge, at a time of the sandbox's clock."""

    due: float
    webhook: Webhook
    body: bytes = b""  # empty: a challenge
    event_uuid: str = ""
    tries: int = 0
    forged: bool = False


class Sender:
    """The queue of one world. Its thread runs while there is something to send or to challenge."""

    def __init__(
        self, registry: Registry, clock: Clock, faults: Faults, signed_with: Callable[[], str]
    ) -> None:
        """Begin with an empty queue. `signed_with` returns the setting `webhook_signatures`."""
        self._registry = registry
        self._clock = clock
        self._faults = faults
        self._signed_with = signed_with
        self._changed = clock.moved
        self._jobs: list[_Job] = []
        self._thread: threading.Thread | None = None
        self._busy = self._stopped = False
        self._log: deque[Delivery] = deque(maxlen=_KEPT)

    def revoked(self, subscription: Subscription, webhook: Webhook, account_id: str) -> None:
        """Queue an `oauth.revoke` for an account, or what a fault makes of it."""
        now = self._clock.now()
        uuid, body = _event(subscription, account_id, webhook.client.app_id, now)
        if not webhook.valid:
            self._note(webhook, uuid, _INVALID)
            return
        fault = self._faults.take_sent(EVENT, urlsplit(webhook.url).path)
        kind, late = (fault.webhook, fault.delay_seconds) if fault else (None, 0)
        if kind == "lost":
            self._note(webhook, uuid, "fault: lost")
        for _ in range({"lost": 0, "doubled": 2}.get(kind or "", 1)):
            self._push(
                _Job(
                    due=now + late,
                    webhook=webhook,
                    body=body,
                    event_uuid=uuid,
                    forged=kind == "forged",
                )
            )

    def watch(self, webhook: Webhook) -> None:
        """Challenge a new webhook every hour, until it is removed."""
        self._push(_Job(due=self._clock.now() + _CHALLENGE_SECONDS, webhook=webhook))

    def challenge(self, webhook: Webhook) -> str:
        """Challenge a webhook now, in this thread, and return why it failed; empty if it passed.

        A pass makes it valid. A wrong answer or a redirect makes it invalid; no answer, 4xx and
        5xx do so 28 hours after the last pass.
        """
        status, problem = self._ask(webhook)
        now = self._clock.now()
        if not problem:
            webhook.valid, webhook.passed_at = True, now
        elif (status is not None and status < 400) or now - webhook.passed_at > _GRACE_SECONDS:
            webhook.valid = False
        return problem

    def forget(self, webhook: Webhook) -> None:
        """Drop what waits for a webhook that was removed."""
        with self._changed:
            self._jobs = [job for job in self._jobs if job.webhook is not webhook]
            self._changed.notify_all()

    def deliveries(self) -> list[Delivery]:
        """Return the newest 100, the oldest first."""
        with self._changed:
            return list(self._log)

    def settle(self, timeout: float) -> bool:
        """Wait until nothing that is due is left, and return whether that came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and self._due() is None, timeout)

    def stop(self) -> None:
        """Forget all that waits, and let the thread end. Nothing can be queued any more."""
        with self._changed:
            self._stopped = True
            self._jobs.clear()
            self._changed.notify_all()

    def _push(self, job: _Job) -> None:
        with self._changed:
            if self._stopped:
                return
            if job.body and len(self._jobs) >= _MOST_WAITING:
                self._note(job.webhook, job.event_uuid, "not sent: the queue is full")
                return
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="webhooks")
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)

    def _next(self) -> _Job | None:
        """Wait for the next job that is due and take it; None ends the thread."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            while (job := self._due()) is None:
                if not self._jobs:
                    self._thread = None
                    return None
                soonest = min(waiting.due for waiting in self._jobs)
                self._changed.wait(max(0.0, soonest - self._clock.now()))
            self._jobs.remove(job)
            self._busy = True
            return job

    def _due(self) -> _Job | None:
        now = self._clock.now()
        return next((job for job in self._jobs if job.due <= now), None)

    def _do(self, job: _Job) -> None:
        if job.webhook.id not in self._registry.webhooks:
            return
        if job.body:
            self._deliver(job)
            return
        if job.webhook.valid:  # X: an invalid one is asked again by PUT
            self.challenge(job.webhook)
        self.watch(job.webhook)

    def _deliver(self, job: _Job) -> None:
        if not job.webhook.valid:
            self._note(job.webhook, job.event_uuid, _INVALID)
            return
        which = self._signed_with()
        headers = signatures.signed(job.webhook.client, job.body, which, forged=job.forged)
        headers["Content-Type"] = "application/json; charset=utf-8"
        answer = loopback.call("POST", job.webhook.url, job.body, headers)
        delivered = answer.status == 200
        outcome = "delivered" if delivered else answer.problem or "refused: only a 200 counts"
        if job.forged:
            outcome = "fault: forged; " + ("accepted" if delivered else outcome)
        elif not delivered and job.tries < len(_RETRY_SECONDS):
            wait = _RETRY_SECONDS[job.tries]
            outcome += f"; again in {wait} s"
            job.tries, job.due = job.tries + 1, self._clock.now() + wait
            self._push(job)
        self._note(job.webhook, job.event_uuid, outcome, answer)

    def _ask(self, webhook: Webhook) -> tuple[int | None, str]:
        """Send a challenge; return the status of the answer, and what is wrong with it."""
        token = secrets.token_urlsafe(32)
        joint = "&" if urlsplit(webhook.url).query else "?"
        answer = loopback.call("GET", f"{webhook.url}{joint}crc_token={quote(token)}")
        status, problem = answer.status, answer.problem
        if status is not None and status != 200:
            problem = _WRONG_STATUS
        elif status == 200:
            right = signatures.answers(webhook.client, token, answer.body, self._signed_with())
            problem = "" if right else _WRONG_TOKEN
        if self._faults.take_sent(CHALLENGE, urlsplit(webhook.url).path) is not None:
            status, problem = 200, _WRONG_TOKEN
        self._note(webhook, "", problem or "passed", answer)
        return status, problem

    def _note(
        self, webhook: Webhook, uuid: str, outcome: str, answer: loopback.Answer | None = None
    ) -> None:
        with self._changed:
            self._log.append(
                Delivery(
                    at=timestamp(self._clock.now()),
                    kind=EVENT if uuid else CHALLENGE,
                    webhook_id=webhook.id,
                    url=webhook.url,
                    event_uuid=uuid,
                    status=answer.status if answer else None,
                    outcome=outcome,
                    milliseconds=answer.milliseconds if answer else 0.0,
                )
            )


def _event(
    subscription: Subscription, account_id: str, app_id: str, now: float
) -> tuple[str, bytes]:
    """Return the id and the body of an `oauth.revoke`, as in X's page "Event payloads"."""
    uuid = str(secrets.randbelow(2**64) - 2**63)
    data: dict[str, object] = {"event_uuid": uuid, "filter": {}, "event_type": REVOKE_EVENT}
    if subscription.tag:
        data["tag"] = subscription.tag
    # Whole seconds: an event may seem to be older than the grant that it is about.
    moment = datetime.fromtimestamp(int(now), tz=UTC).isoformat()
    data["payload"] = {"date_time": moment, "user_id": account_id, "app_id": app_id}
    return uuid, json.dumps({"data": data}, separators=(",", ":")).encode()
