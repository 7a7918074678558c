"""Revocation, and what of an authorization server's answer reaches the caller."""

import pytest
import responses

from app.twitter.budget import Budget
from app.twitter.errors import ClientRefused, Limited, Refused, Unreachable, Unreadable
from app.twitter.oauth import AuthorizationServer, Client
from app.twitter.transport import Transport
from tests.factories import API_URL, AUTHORIZE_URL, REVOKE_URL


@pytest.fixture
def server():
    client = Client(client_id="birdhouse", client_secret="nest", redirect_uri="http://127.0.0.1/cb")
    transport = Transport(slots=2, user_agent="test")
    return AuthorizationServer(transport, client, authorize_url=AUTHORIZE_URL, api_url=API_URL)


@pytest.mark.parametrize("body", ['{"revoked":true}', "", "anything", "[]"])
@responses.activate
def test_any_2xx_is_a_revoked_token(server, body):
    responses.post(REVOKE_URL, body=body)

    assert server.revoke("t", "access_token", budget=Budget()) is None


@pytest.mark.parametrize(
    "status, body, error",
    [
        (400, {"error": "invalid_request"}, Refused),
        (400, {"error": "unsupported_token_type"}, Refused),
        (401, {"error": "unauthorized_client"}, ClientRefused),
        (429, {}, Limited),
        (503, {"error": "temporarily_unavailable"}, Unreachable),
        (400, {"error": "server_error"}, Unreachable),
        (404, {}, Unreadable),
    ],
)
@responses.activate
def test_a_no_is_sorted_by_what_can_be_done(server, status, body, error):
    responses.post(REVOKE_URL, json=body, status=status)

    with pytest.raises(error):
        server.revoke("t", "access_token", budget=Budget())


def test_the_secret_does_not_show(server):
    assert "nest" not in repr(server._client)
