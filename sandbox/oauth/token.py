"""`POST /2/oauth2/token`: exchanges a code or a refresh token for a token set."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response

from sandbox.oauth.endpoint import (
    OAuthError,
    Parameters,
    authenticated_client,
    invalid_request,
    private,
)
from sandbox.oauth.token_store import SIGNED_IN_AGAIN, Refused, TokenSet
from sandbox.request_context import current_world, note
from sandbox.world.model import Client

blueprint = Blueprint("token", __name__)


@blueprint.post("/2/oauth2/token")
def token() -> Response:
    """Answer RFC 6749 §4.1.3 and §6, the only two grants that Twitter has for people."""
    try:
        parameters = Parameters()
        client = authenticated_client(parameters)
        return _handed_over(_token_set(client, parameters))
    except OAuthError as problem:
        return problem.answer()
    except Refused as refusal:
        return invalid_request(str(refusal)).answer()


def _token_set(client: Client, parameters: Parameters) -> TokenSet:
    grant_type = parameters.require("grant_type")
    if grant_type == "authorization_code":
        return _exchange(client, parameters)
    if grant_type == "refresh_token":
        return _refresh(client, parameters)
    raise OAuthError("unsupported_grant_type", "Value passed for the grant type was invalid.")


def _exchange(client: Client, parameters: Parameters) -> TokenSet:
    world = current_world()
    tokens = world.token_store.exchange(
        client_id=client.client_id,
        code=parameters.require("code"),
        redirect_uri=parameters.require("redirect_uri"),
        verifier=parameters.require("code_verifier"),
        now=world.now(),
        lifetime=world.settings.access_token_seconds,
        grants=world.settings.grants,
    )
    if tokens.ended:
        note(SIGNED_IN_AGAIN)
    return tokens


def _refresh(client: Client, parameters: Parameters) -> TokenSet:
    world = current_world()
    return world.token_store.refresh(
        client_id=client.client_id,
        token=parameters.require("refresh_token"),
        now=world.now(),
        lifetime=world.settings.access_token_seconds,
    )


def _handed_over(tokens: TokenSet) -> Response:
    access = tokens.access
    body = {
        "token_type": "bearer",
        "expires_in": int(access.expires_at - access.issued_at + 0.5),
        "access_token": access.value,
        "scope": " ".join(_shuffled(access.grant.scopes)),
    }
    if tokens.refresh is not None:
        body["refresh_token"] = tokens.refresh.value
    return private(body)


def _shuffled(scopes: frozenset[str]) -> list[str]:
    """Return the scopes in a random order: a client that compares them as text must notice."""
    return sorted(scopes, key=lambda _: secrets.randbits(16))
