"""X's webhook: its challenge, and its word that a person has revoked this site's access.

X reads the status only: no page, no session, no form. An event is committed before X is answered,
and its grant is tried afterwards (`app.gateway.revocation_checks`).
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, abort, jsonify, request

from app.accounts.revocation_events import Received
from app.observability.audit_log import Event
from app.services import services
from app.twitter.errors import InvalidAnswer
from app.twitter.webhook_events import Signatures, revoked_in

log = logging.getLogger(__name__)

webhook = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@webhook.get("/x")
def challenge() -> Response:
    """Prove to X that this site knows the consumer secret (X docs, "The CRC check")."""
    signatures = _signatures()
    challenges = request.args.getlist("crc_token")
    answer = signatures.answer(challenges[0]) if len(challenges) == 1 else None
    if answer is None:
        abort(400)
    return jsonify(response_token=answer)


@webhook.post("/x")
def event() -> Response:
    """Store a revocation, and try its grant in the background; answer 200 once it is committed.

    The signature is checked before anything is parsed. Events that need nothing are answered 200
    as well: X would send them again.
    """
    body = _signed_body()
    try:
        revoked = revoked_in(body)
    except InvalidAnswer as error:
        log.warning("X's webhook sent what cannot be read: %s", error)
        _record("unreadable")
        abort(400)
    if revoked is None:
        _record("other_event")
        return Response(status=200)
    received = services().revocation_events.store(revoked)
    _record(received.value)
    if received is not Received.NO_GRANT:  # a repeated one may still be due
        services().revocation_checks.check_soon(revoked.event_uuid)
    return Response(status=200)


def _signed_body() -> bytes:
    """Return the raw body, once X's signature fits it."""
    signatures = _signatures()
    body = request.get_data(cache=False)
    if not signatures.fit(request.headers, body):
        _record("forged")
        abort(403)
    return body


def _signatures() -> Signatures:
    """Return the secrets that X signs with; 404 if there is no webhook."""
    found = services().signatures
    if found is None:
        abort(404)
    return found


def _record(result: str) -> None:
    services().audit_log.record(Event.REVOCATION_REPORTED, result=result)
