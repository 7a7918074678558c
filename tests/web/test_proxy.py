"""A site whose only way out is a proxy: people sign in through it, or read that Twitter is away."""

import contextlib

import pytest

from app.twitter.transport.deadline_sockets import tls_context
from sandbox.testing import Sandbox
from tests.factories import PUBLIC_URL
from tests.journey.visitor import query_of
from tests.proxy import HttpProxy
from tests.unit.test_transport import self_signed, server
from tests.web.doctor_bench import Street

pytestmark = pytest.mark.loopback

PASSWORD = "worm-at-dawn"


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        running.register_client(
            f"{PUBLIC_URL}/auth/callback",
            client_id="birdhouse",
            client_secret="a-secret-nest-among-the-leaves",
        )
        yield running


@pytest.fixture
def behind(sandbox, tmp_path, monkeypatch, build_app):
    """Build a site that reaches a Twitter with TLS through this proxy."""
    file = str(self_signed(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", file)
    tls_context.cache_clear()
    with contextlib.ExitStack() as closing:
        street = Street(tls=(file, file))
        closing.callback(street.close)
        closing.callback(tls_context.cache_clear)
        street.app = sandbox.app

        def build(proxy):
            url, _ = closing.enter_context(server(proxy))
            host = url.removeprefix("http://").partition("/")[0]
            return build_app(
                TWITTER_AUTHORIZE_URL=f"{street.url}/i/oauth2/authorize",
                TWITTER_API_URL=f"{street.url}/2",
                TWITTER_PROXY=f"http://wren:{PASSWORD}@{host}",
            ).test_client()

        yield build


def back_from_twitter(client, sandbox):
    callback = query_of(sandbox.say_yes(client.press_sign_in().url))
    return client.come_back(state=callback["state"], code=callback["code"])


def test_a_person_signs_in_and_reads_through_the_proxy(behind, sandbox):
    proxy = HttpProxy()
    client = behind(proxy)

    answer = back_from_twitter(client, sandbox)

    assert answer.status_code == 303
    assert client.open("/tweets").status_code == 200
    assert proxy.heads


def test_a_proxy_that_does_not_let_us_out_is_said_as_twitter_not_answering(behind, sandbox, caplog):
    client = behind(HttpProxy(authorization="Basic another"))

    answer = back_from_twitter(client, sandbox)

    assert answer.status_code == 424
    assert "Twitter is not answering" in answer.text
    assert "the proxy fails: it asks for another user or password (HTTP 407)" in caplog.text
    assert PASSWORD not in answer.text + caplog.text
    assert sandbox.journal("/2/oauth2/token") == []
