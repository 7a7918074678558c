"""The settings alone point the same app at another provider, as any kind of client."""

import base64

import pytest

from sandbox.testing import Sandbox
from tests.journey.sites import wait_until
from tests.journey.visitor import Visitor, query_of

pytestmark = pytest.mark.loopback

# Each row: what the operator sets, and what the provider speaks.
PROVIDERS = {
    "confidential": (
        {"TWITTER_CLIENT_ID": "rookery", "TWITTER_CLIENT_SECRET": "caw-caw-caw-from-the-elms"},
        {},
    ),
    "public": ({"TWITTER_CLIENT_ID": "rookery-public", "TWITTER_CLIENT_SECRET": ""}, {}),
    "beta": (
        {
            "TWITTER_CLIENT_ID": "rookery-beta",
            "TWITTER_CLIENT_SECRET": "",
            "TWITTER_DIALECT": "beta",
        },
        {"dialect": "beta"},
    ),
}


@pytest.fixture(scope="module")
def providers(sites):
    """Start a provider and a site for each row, all at once."""
    running = {name: Sandbox(**speaks) for name, (_, speaks) in PROVIDERS.items()}
    started = {
        name: sites.start(running[name], **settings) for name, (settings, _) in PROVIDERS.items()
    }
    yield {name: (running[name], started[name]) for name in PROVIDERS}
    sites.stop()
    for provider in running.values():
        provider.stop()


@pytest.fixture(params=PROVIDERS)
def pair(request, providers):
    return providers[request.param]


@pytest.fixture
def provider(pair):
    return pair[0]


@pytest.fixture
def visitor(pair):
    with Visitor(pair[1].url) as visitor:
        yield visitor


def test_signing_in_and_out_works_with_another_provider(provider, visitor, twitter_server):
    page = visitor.sign_in("heron")

    assert any_living(provider)
    assert page.status_code == 200
    assert "@heron" in page.text
    for path in ("/tweets", "/follows", "/spaces"):
        assert visitor.open(path).status_code == 200

    visitor.log_out()

    wait_until(lambda: not any_living(provider))
    assert twitter_server.journal() == []


def test_a_client_with_a_secret_proves_itself_each_time(providers):
    provider, site = providers["confidential"]
    credentials = base64.b64encode(b"rookery:caw-caw-caw-from-the-elms").decode()

    sent = sent_by_a_whole_visit(provider, site)

    assert {entry["headers"].get("Authorization") for entry in sent} == {f"Basic {credentials}"}
    assert not any("client_id" in entry["form"] for entry in sent)


@pytest.mark.parametrize("name", ["public", "beta"])
def test_a_client_without_a_secret_says_its_name_each_time(providers, name):
    provider, site = providers[name]

    sent = sent_by_a_whole_visit(provider, site)

    assert not any("Authorization" in entry["headers"] for entry in sent)
    assert {entry["form"]["client_id"][0] for entry in sent} == {site.environ["TWITTER_CLIENT_ID"]}


def test_the_beta_is_asked_for_its_own_scopes(providers):
    _, site = providers["beta"]

    with Visitor(site.url) as visitor:
        scopes = query_of(visitor.start())["scope"].split()

    assert {"account.follows.read", "spaces.read"} < set(scopes)


def any_living(provider):
    return any(token["state"] == "living" for token in provider.tokens())


def sent_by_a_whole_visit(provider, site):
    """Return what reached the token and revocation endpoints: an exchange, a refresh, the end."""
    before = len(provider.journal())
    with Visitor(site.url) as visitor:
        visitor.sign_in()
        provider.world.ledger.expire_access()
        visitor.open("/follows")
        visitor.log_out()
        wait_until(lambda: not any_living(provider))
    sent = [e for e in provider.journal()[before:] if e["path"].startswith("/2/oauth2/")]
    assert len(sent) == 4
    return sent
