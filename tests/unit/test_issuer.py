"""Which `iss` of a callback names the authorization server (RFC 9207 §2.4)."""

from app.twitter.oauth import AuthorizationServer, Client


def test_only_the_two_origins_of_the_server_are_its_issuers():
    client = Client(client_id="birdhouse", client_secret=None, redirect_uri="http://127.0.0.1/cb")
    server = AuthorizationServer(
        None,
        client,
        authorize_url="https://x.com/i/oauth2/authorize",
        api_url="https://api.x.com/2",
    )
    others = [
        "",
        "https://x.co",
        "https://x.com.evil.example",
        "https://x.com@evil.example",
        "https://x.com/i",
        "http://x.com",
        "https://evil.example/https://x.com",
        "x.com",
    ]

    assert [iss for iss in others if server.is_issuer(iss)] == []
    assert all(map(server.is_issuer, ["https://x.com", "https://x.com/", "https://api.x.com"]))
