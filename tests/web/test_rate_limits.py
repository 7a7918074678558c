"""Sign-ins are counted by address: in each process, or in Redis for all of them."""

import socket
import time

import pytest

from app.web import rate_limits
from tests.factories import PUBLIC_URL


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

    answers = [client.get("/readyz").text for client in clients]
    assert answers == ["ready\n", "ready, but the cache is away: Redis does not answer\n"]


@pytest.mark.core
def test_too_many_sign_ins_are_asked_to_wait(limited):
    client = limited()
    token = client.csrf_token()
    answers = start(client, 30)

    form = {"csrf_token": token, "next": "/people"}
    page = client.post("/auth/login", data=form, headers={"Origin": PUBLIC_URL})

    assert (answers, page.status_code) == ([303] * 30, 429)
    assert 1 <= int(page.headers["Retry-After"]) <= 61
    assert "Too many tries" in page.text
    assert 'href="/?next=/people"' in page.text


@pytest.mark.core
def test_callbacks_and_log_outs_are_limited_too(limited):
    client = limited()

    callbacks = [client.come_back(state="guess").status_code for _ in range(61)]
    logouts = [client.post("/auth/logout").status_code for _ in range(61)]

    assert callbacks == [400] * 60 + [429]
    assert logouts == [400] * 60 + [429]  # forms without a token


@pytest.mark.core
@pytest.mark.parametrize(
    "address, counts_for",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:50001", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:50001", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::7", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::8]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::8]:50001", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", rate_limits.UNREADABLE),
        ("unknown", rate_limits.UNREADABLE),
        ("_hidden:7", rate_limits.UNREADABLE),
        ("203.0.113.009", rate_limits.UNREADABLE),
        ("203.0.113.9:50001:1", rate_limits.UNREADABLE),
    ],
)
def test_an_address_counts_without_what_its_owner_can_change(address, counts_for):
    assert rate_limits.client_of(address) == counts_for


@pytest.mark.core
@pytest.mark.parametrize(
    "proxies, forwarded",
    [
        ("1", "203.0.113.9:{n}"),
        ("1", "[2001:db8::{n}]:{n}"),
        ("1", '198.51.100.{n}, "{n}, 203.0.113.9'),
        ("2", '198.51.100.{n}, "{n}, 203.0.113.9, 192.0.2.1'),
    ],
)
def test_a_visitor_behind_proxies_is_one_whatever_they_send(limited, proxies, forwarded):
    client = limited(TRUSTED_PROXIES=proxies)

    answers = [
        client.get(
            "/auth/callback?state=guess",
            headers={
                "X-Forwarded-For": forwarded.format(n=n),
                "X-Forwarded-Host": PUBLIC_URL.removeprefix("http://"),
            },
        ).status_code
        for n in range(1, 62)
    ]

    assert answers == [400] * 60 + [429]


def test_two_sites_on_one_redis_count_each_for_itself(limited, redis_url):
    one, other = (
        limited(REDIS_URL=redis_url, PUBLIC_URL=url)
        for url in ("http://127.0.0.1:8000", "http://127.0.0.1:8001")
    )
    answers = [
        [client.get("/auth/callback?state=x", base_url=url).status_code for _ in range(61)]
        for client, url in ((one, "http://127.0.0.1:8000"), (other, "http://127.0.0.1:8001"))
    ]

    assert answers == [[400] * 60 + [429]] * 2


@pytest.mark.parametrize("spoil", ["lpush", "set"])
def test_a_counter_in_redis_that_is_none_stops_no_sign_in(limited, redis_url, redis_server, spoil):
    client = limited(REDIS_URL=redis_url)
    start(client, 1)
    with redis_server.connect() as connection:
        [key] = connection.keys("LIMITS*")
        connection.delete(key)
        getattr(connection, spoil)(key, "no number")

        assert start(client, 2) == [303] * 2


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
