"""`POST /2/oauth2/revoke`: ends a token, and all that ends with it (RFC 7009)."""

from __future__ import annotations

from flask import Blueprint, Response

from sandbox.oauth.endpoint import (
    OAuthError,
    Parameters,
    authenticated_client,
    invalid_request,
    private,
)
from sandbox.oauth.token_store import Refused
from sandbox.request_context import current_world, note

blueprint = Blueprint("revoke", __name__)

_HINTS = ("access_token", "refresh_token")
_ENDS = {"app": "all that the person allowed this app", "grant": "the grant of this token"}


@blueprint.post("/2/oauth2/revoke")
def revoke() -> Response:
    """End a token. The hint is required, as at Twitter, though RFC 7009 §2.1 says optional."""
    try:
        parameters = Parameters()
        client = authenticated_client(parameters)
        value = parameters.require("token")
        if parameters.require("token_type_hint") not in _HINTS:
            raise invalid_request("Value passed for the token type hint was invalid.")
        world = current_world()
        reach = world.settings.revoke
        if world.token_store.revoke(client_id=client.client_id, token=value, reach=reach):
            note(f"ended: {_ENDS[reach]}")
    except OAuthError as problem:
        return problem.answer()
    except Refused as refusal:
        return invalid_request(str(refusal)).answer()
    return private({"revoked": True})
