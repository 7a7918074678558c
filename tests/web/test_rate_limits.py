"""Sign-ins are counted by address: in each process, or in Redis for all of them."""

import socket
import time

import pytest


@pytest.fixture
def limited(build_app):
    """A browser at an app of its own that limits."""
    return lambda **settings: build_app(RATELIMIT_ENABLED="on", **settings).test_client()


@pytest.fixture
def no_redis(tmp_path):
    return f"unix://{tmp_path}/none.sock"


def start(client, times):
    token = client.csrf_token()
    return [
        client.post("/auth/login", data={"csrf_token": token}).status_code for _ in range(times)
    ]


def test_workers_count_together_in_redis(limited, redis_url):
    one, other = limited(REDIS_URL=redis_url), limited(REDIS_URL=redis_url)

    answers = start(one, 20), start(other, 20)

    assert answers == ([303] * 20, [303] * 10 + [429] * 10)


def test_a_lost_redis_stops_no_sign_in_and_no_other_app(limited, no_redis):
    lost, client = limited(REDIS_URL=no_redis), limited()
    first = start(lost, 3)
    before = start(client, 20)
    start(lost, 3)

    assert first == [303] * 3
    assert (before, start(client, 20)) == ([303] * 20, [303] * 10 + [429] * 10)


@pytest.mark.loopback
def test_a_redis_that_never_answers_holds_no_sign_in(limited):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = limited(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()

        answers = start(client, 3)

    assert answers == [303] * 3
    assert time.monotonic() - began < 10


def test_ready_asks_redis_too(build_app, redis_url, no_redis):
    clients = [build_app(REDIS_URL=url).test_client() for url in (redis_url, no_redis)]

    assert [client.get("/readyz").status_code for client in clients] == [200, 503]


@pytest.mark.core
def test_too_many_sign_ins_are_asked_to_wait(limited):
    client = limited()
    token = client.csrf_token()
    answers = start(client, 30)

    page = client.post("/auth/login", data={"csrf_token": token, "next": "/people"})

    assert (answers, page.status_code) == ([303] * 30, 429)
    assert 1 <= int(page.headers["Retry-After"]) <= 61
    assert "Too many tries" in page.text
    assert 'href="/?next=/people"' in page.text


@pytest.mark.core
def test_callbacks_and_log_outs_are_limited_too(limited):
    client = limited()

    callbacks = [client.come_back(state="guess").status_code for _ in range(61)]
    client.application.config["WTF_CSRF_ENABLED"] = False  # each log-out would need a new token
    logouts = [client.post("/auth/logout").status_code for _ in range(61)]

    assert callbacks == [400] * 60 + [429]
    assert logouts == [303] * 60 + [429]


@pytest.mark.core
def test_each_address_has_a_limit_of_its_own(limited):
    client = limited()
    [client.come_back(state="guess") for _ in range(61)]

    elsewhere = client.get(
        "/auth/callback?state=guess", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
    )

    assert elsewhere.status_code == 400


@pytest.mark.core
def test_rate_limits_can_be_switched_off(build_app):
    client = build_app(RATELIMIT_ENABLED="0").test_client()

    assert start(client, 40) == [303] * 40
