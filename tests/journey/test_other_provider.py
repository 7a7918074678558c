"""The settings alone point the same app at another provider, with a secret and without.

A public client in the beta: `test_first_visit.py` and `test_reading.py`.
"""

import base64

import pytest

from sandbox.testing import Sandbox
from tests.journey.sites import wait_until
from tests.journey.visitor import Visitor

pytestmark = pytest.mark.loopback

SECRET = "caw-caw-caw-from-the-elms"
CREDENTIALS = base64.b64encode(f"rookery:{SECRET}".encode()).decode()


@pytest.fixture(scope="module")
def provider():
    with Sandbox() as sandbox:
        yield sandbox


def sent(provider):
    """List what the endpoints for tokens were asked."""
    return [entry for entry in provider.journal() if entry["path"].startswith("/2/oauth2/")]


@pytest.mark.parametrize("secret", [SECRET, ""], ids=["confidential", "public"])
def test_a_client_proves_itself_in_each_request(sites, provider, twitter_server, secret):
    provider.reset()
    client = {"TWITTER_CLIENT_ID": "rookery", "TWITTER_CLIENT_SECRET": secret}
    site = sites.start(provider, **client)

    with Visitor(site.url) as visitor:
        page = visitor.sign_in("heron")
        assert page.status_code == 200
        assert "@heron" in page.text
        provider.world.token_store.expire_access()
        assert visitor.open("/follows").status_code == 200
        visitor.log_out()
    # An exchange, a refresh, and two revocations, although the first of them ends everything.
    wait_until(lambda: len(sent(provider)) == 4)

    assert {token["state"] for token in provider.tokens()} == {"expired", "spent", "revoked"}
    proofs = {
        (entry["headers"].get("Authorization"), *entry["form"].get("client_id", []))
        for entry in sent(provider)
    }
    assert proofs == {(f"Basic {CREDENTIALS}",) if secret else (None, "rookery")}
    assert twitter_server.journal() == []
