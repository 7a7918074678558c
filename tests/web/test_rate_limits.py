"""Sign-ins are counted by address: in each process, or in Redis for all of them."""

import socket
import time

import pytest


def press(client, times):
    token = client.csrf_token()
    return [
        client.post("/auth/login", data={"csrf_token": token}).status_code for _ in range(times)
    ]


def test_workers_count_together_in_redis(build_app, redis_url):
    settings = {"RATELIMIT_ENABLED": "on", "REDIS_URL": redis_url}
    one, other = (build_app(**settings).test_client() for _ in range(2))

    answers = press(one, 20), press(other, 20)

    assert answers == ([303] * 20, [303] * 10 + [429] * 10)


def test_a_redis_that_is_away_locks_nobody_out(build_app, tmp_path):
    nowhere = f"unix://{tmp_path}/nobody.sock"
    client = build_app(RATELIMIT_ENABLED="on", REDIS_URL=nowhere).test_client()

    assert press(client, 3) == [303] * 3


def test_who_pressed_too_often_keeps_where_they_wanted_to_go(build_app):
    client = build_app(RATELIMIT_ENABLED="on").test_client()
    press(client, 30)

    page = client.post("/auth/login", data={"csrf_token": client.csrf_token(), "next": "/spaces"})

    assert page.status_code == 429
    assert 'href="/?next=/spaces"' in page.text


@pytest.mark.loopback
def test_a_redis_that_accepts_and_never_answers_holds_nobody(build_app):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        client = build_app(RATELIMIT_ENABLED="on", REDIS_URL=url).test_client()
        began = time.monotonic()

        answers = press(client, 3)

    assert answers == [303] * 3
    assert time.monotonic() - began < 10


def test_ready_asks_redis_too(build_app, redis_url, tmp_path):
    there = build_app(REDIS_URL=redis_url).test_client()
    away = build_app(REDIS_URL=f"unix://{tmp_path}/nobody.sock").test_client()

    assert [client.get("/readyz").status_code for client in (there, away)] == [200, 503]


def test_one_apps_lost_redis_is_no_other_apps_matter(build_app, tmp_path):
    nowhere = f"unix://{tmp_path}/nobody.sock"
    lost = build_app(RATELIMIT_ENABLED="on", REDIS_URL=nowhere).test_client()
    press(lost, 3)
    client = build_app(RATELIMIT_ENABLED="on").test_client()
    first = press(client, 20)
    press(lost, 3)

    assert (first, press(client, 20)) == ([303] * 20, [303] * 10 + [429] * 10)


def test_callbacks_are_counted_too(build_app):
    client = build_app(RATELIMIT_ENABLED="on").test_client()

    answers = [client.come_back(state="guess").status_code for _ in range(61)]

    assert answers == [400] * 60 + [429]
