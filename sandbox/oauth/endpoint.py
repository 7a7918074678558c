"""Parameters, client authentication and errors of the token and the revoke endpoint."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import unquote_plus

from flask import Response, jsonify, request

from sandbox.request_body import sent_json
from sandbox.request_context import current_world
from sandbox.world.dialects import BETA
from sandbox.world.model import Client

_FORM = "application/x-www-form-urlencoded"  # RFC 6749 §3.2


class OAuthError(Exception):
    """An error body of RFC 6749 §5.2, in Twitter's words."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def answer(self) -> Response:
        """Return the response. A 401 names the scheme that was missing (RFC 6749 §5.2)."""
        response = private({"error": self.error, "error_description": self.description})
        response.status_code = self.status
        if self.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Twitter sandbox"'
        return response


def private(body: dict[str, Any]) -> Response:
    """Return a JSON response that must not be stored (RFC 6749 §5.1)."""
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def invalid_request(description: str) -> OAuthError:
    """Return the error that Twitter gives for nearly everything."""
    return OAuthError("invalid_request", description)


class Parameters:
    """The parameters of a POST: form or JSON body, and the query string for what is not in there.

    The OAuth specification has the form only. Clients send the other two to Twitter as well,
    and are understood.
    """

    def __init__(self) -> None:
        """Read the current request; a parameter given twice is refused (RFC 6749 §3.2)."""
        self._values: dict[str, str] = {}
        self._read(request.args.to_dict(flat=False))
        if request.is_json:
            self._read(_json_body())
        elif request.mimetype == _FORM:  # not `multipart/form-data`
            self._read(request.form.to_dict(flat=False))

    def _read(self, given: dict[str, list[Any]]) -> None:
        for name, values in given.items():
            if len(values) != 1 or name in self._values:
                raise invalid_request(f"Parameter [{name}] was passed more than once.")
            if not isinstance(values[0], str):
                raise invalid_request(f"Value passed for the parameter [{name}] was not a text.")
            self._values[name] = values[0]

    def get(self, name: str) -> str:
        """Return a parameter; an empty one counts as missing (RFC 6749 §3.2)."""
        return self._values.get(name, "")

    def require(self, name: str) -> str:
        """Return a parameter that must be there."""
        if not (value := self.get(name)):
            raise invalid_request(f"Missing required parameter [{name}].")
        return value


def _json_body() -> dict[str, list[Any]]:
    body = sent_json()
    if not isinstance(body, dict):
        raise invalid_request("The body was not a JSON object.")
    return {str(name): [value] for name, value in body.items()}


def _no_valid_header() -> OAuthError:
    """Return Twitter's error for a confidential client without a valid Basic header."""
    return OAuthError("unauthorized_client", "Missing valid authorization header", 401)


def authenticated_client(parameters: Parameters) -> Client:
    """Return the client that asks. A confidential one must prove its identity.

    HTTP Basic is the only proof (RFC 6749 §2.3.1). A secret in the body besides it does no harm,
    a secret in the body instead of it is worth nothing.
    """
    named = parameters.get("client_id")
    if request.headers.get("Authorization"):
        client = _by_basic()
        if named and named != client.client_id:
            raise invalid_request(
                "Value passed for the client id did not match the authorization header."
            )
        return client
    known = current_world().clients.get(named or parameters.require("client_id"))
    if known is None:
        raise OAuthError("invalid_client", "Value passed for the client id was invalid.", 401)
    if known.confidential:
        raise _no_valid_header()
    return known


def _by_basic() -> Client:
    """Check the Basic header: id and secret as they are, or form-encoded first.

    RFC 6749 §2.3.1 demands the encoding, and X's own clients leave it out. Nothing is decoded
    twice, so a secret that looks encoded is still one secret.
    """
    pair = _basic_pair()
    for client_id, secret in (pair, (unquote_plus(pair[0]), unquote_plus(pair[1]))):
        known = current_world().clients.get(client_id)
        if known is None or not known.confidential or current_world().settings.dialect == BETA:
            continue
        if hmac.compare_digest(known.client_secret.encode(), secret.encode()):
            return known
    raise _no_valid_header()


def _basic_pair() -> tuple[str, str]:
    scheme, _, encoded = request.headers["Authorization"].partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _no_valid_header() from None
    client_id, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _no_valid_header()
    return client_id, secret
