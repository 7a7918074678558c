"""Things that go wrong on purpose."""

import gzip
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import urllib3

from sandbox.control.faults import fault_from
from sandbox.errors import InvalidInput
from tests.sandbox.steps import bearer

ME = "/2/users/me"


def fault(world, **wish):
    world.faults.add(fault_from({"path": ME} | wish))


def statuses(steps, token, times):
    return [steps.get(ME, token).status_code for _ in range(times)]


def test_a_fault_happens_once_several_times_or_until_cleared(steps, world):
    token = steps.sign_in()["access_token"]
    fault(world, status=502, for_seconds=60)
    fault(world, status=503, times=2)
    fault(world, status=500, times=None)
    seen = statuses(steps, token, 5)
    world.faults.clear()

    assert seen == [502, 503, 503, 500, 500]
    assert statuses(steps, token, 1) == [200]


def test_a_fault_is_meant_for_some_paths(steps, world):
    token, hit = steps.sign_in()["access_token"], []
    for path in (ME, "/2/users/*", "/2/*", "*", "/2/users", "/2/oauth2/*"):
        world.faults.clear()
        world.faults.add(fault_from({"path": path, "status": 503}))
        hit.append(steps.get(ME, token).status_code == 503)

    assert hit == [True] * 4 + [False] * 2


def test_a_fault_may_be_meant_for_one_method(steps, world):
    world.faults.add(fault_from({"path": "/i/oauth2/authorize", "method": "post", "status": 500}))
    asked = steps.consent_request()

    assert steps.answer(asked=asked).status_code == 500
    assert steps.answer(asked=asked).status_code == 302


def test_an_answer_can_be_anything(steps, world):
    huge = "[" * 50_000
    wishes = [
        ({"body": {"access_token": None}}, "application/json", '{"access_token": null}'),
        ({"body": "<html>busy</html>", "headers": {"X-Odd": "yes"}}, "text/html", None),
        ({"body": "nope", "content_type": "text/plain"}, "text/plain", None),
        ({"body": huge, "content_type": "application/json"}, "application/json", None),
        ({"body": ""}, "text/html", None),
        ({"body_bytes": 3_000_000}, "text/html", '"' + "a" * 2_999_999),
    ]
    for wish, _, _ in wishes:
        fault(world, status=200, **wish)
    answers = [steps.get(ME, "any") for _ in wishes]

    assert [answer.mimetype for answer in answers] == [mimetype for _, mimetype, _ in wishes]
    assert [a.text for a in answers] == [
        wish["body"] if text is None else text for wish, _, text in wishes
    ]
    assert answers[1].headers["X-Odd"] == "yes"
    assert answers[-1].content_length == 3_000_000


RATES = ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"]


def rates(answer):
    return [int(answer.headers[name]) for name in RATES]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_429_says_when_it_lifts(steps, world, when):
    """It is told of the window that is really open, and nothing is left of it."""
    world.change({"plan": "pay-per-use"})
    token = steps.sign_in()["access_token"]
    real = rates(steps.get(ME, token))
    fault(world, status=429, when=when)

    assert rates(steps.get(ME, token)) == [real[0], 0, real[2]]


def test_made_up_answers_tell_of_the_limits_too(steps, world):
    world.change({"plan": "pay-per-use"})
    token = steps.sign_in()["access_token"]
    real = rates(steps.get(ME, token))
    for status in (503, 404, 200, 429):
        fault(world, status=status, body={})
    made_up = [rates(steps.get(ME, token)) for _ in range(3)]
    limit, left, reset = rates(steps.get(ME, "any"))

    assert made_up == [real] * 3
    assert (limit, left) == (75, 0)
    assert 890 < reset - world.now() <= 900


def test_what_a_fault_says_of_the_limits_wins(steps, world):
    headers = {"x-rate-limit-remaining": "3", "X-Rate-Limit-Reset": None}
    fault(world, status=429, headers=headers)
    answer = steps.get(ME)

    assert answer.headers["x-rate-limit-remaining"] == "3"
    assert "x-rate-limit-reset" not in answer.headers


@pytest.mark.parametrize(
    "path, wish",
    [
        (ME, {"status": 401}),
        (ME, {"redirect": "https://evil.example/"}),
        ("/2/oauth2/revoke", {"status": 429}),
        ("/settings/connected_apps", {"status": 503}),
    ],
)
def test_what_is_not_the_apis_answer_tells_of_no_limits(steps, world, path, wish):
    world.faults.add(fault_from({"path": path} | wish))
    method = "POST" if "revoke" in path else "GET"
    answer = steps.browser.open(path, method=method, headers=bearer("any"))

    assert answer.status_code == wish.get("status", 302)
    assert answer.location == wish.get("redirect")
    assert not [name for name, _ in answer.headers if "limit" in name.lower()]


@pytest.mark.parametrize(
    "wish, done",
    [
        ({"status": 502}, False),
        ({"status": 502, "when": "after"}, True),
        ({"drop": "before"}, False),
        ({"drop": "after"}, True),
    ],
)
def test_the_work_is_done_before_the_answer_is_spoilt_or_not_at_all(steps, world, wish, done):
    """This is how a client loses a refresh token that the server has already rotated."""
    token = steps.sign_in()["refresh_token"]
    world.faults.add(fault_from({"path": "/2/oauth2/token"} | wish))

    assert steps.refresh(token).status_code == 502
    assert steps.refresh(token).status_code == (400 if done else 200)


def test_our_own_pages_never_fail(steps, world):
    world.faults.add(fault_from({"path": "*", "status": 500, "times": None}))

    assert steps.browser.get("/").status_code == 200
    assert steps.browser.get("/sandbox/journal").status_code == 200


def test_faults_can_happen_to_a_share_of_the_requests(steps, world):
    token = steps.sign_in()["access_token"]
    fault(world, status=503, times=None, probability=0.3)
    fault(world, status=429, times=None, probability=0.1)
    tally = Counter(statuses(steps, token, 500))

    assert 120 <= tally[503] <= 180
    assert 35 <= tally[429] <= 65
    assert tally[200] == 500 - tally[503] - tally[429]


def test_the_dice_fall_alike_every_time(steps, world):
    token = steps.sign_in()["access_token"]
    seen = []
    for _ in range(2):
        world.faults.clear()
        fault(world, status=503, times=None, probability=0.5)
        seen.append(statuses(steps, token, 50))

    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 503}


def test_only_what_happened_is_counted_down(steps, world):
    token = steps.sign_in()["access_token"]
    fault(world, status=500, probability=0)
    fault(world, status=503, times=3, probability=0.5)

    assert Counter(statuses(steps, token, 50)) == {503: 3, 200: 47}


@pytest.mark.parametrize(
    "wish, body",
    [
        ({"body": {"a": 1}}, b'{"a": 1}'),
        ({"status": 200, "body_bytes": 3_000_000}, b'"' + b"a" * 2_999_999),
        ({"when": "after"}, None),
    ],
    ids=["its own body", "a huge body", "the real answer"],
)
def test_a_body_can_travel_packed(steps, world, wish, body):
    token = steps.sign_in()["access_token"]
    real = steps.get(ME, token).data
    fault(world, gzip=True, **wish)
    answer = steps.get(ME, token)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content_length == len(answer.data) < 50_000
    assert gzip.decompress(answer.data) == (real if body is None else body)


HEADERS = "headers must be an object of texts"
BAD_FAULTS = [
    ({"path": None}, "path is missing"),
    ({"path": 1}, "path must be the path of a URL"),
    ({"path": "2/users/me"}, "path must be the path of a URL, which begins with / or"),
    ({"stauts": 500}, "There is no 'stauts'"),
    ({"status": "500"}, "status must be a number"),
    ({"status": 99}, "status must be a number from 200"),
    ({"times": 0}, "times must be a number from 1"),
    ({"times": True}, "times must be a number"),
    ({"hang": 1}, "hang must be true or false"),
    ({"drop": "now"}, "drop must be before or after"),
    ({"drip": "slow"}, "drip must be body or headers"),
    ({"gzip": "yes"}, "gzip must be true or false"),
    ({"content_type": "text/html\n"}, "content_type must be text that fits"),
    ({"delay_seconds": -1}, "delay_seconds must be a number"),
    ({"headers": {"A": 1}}, HEADERS),
    ({"headers": {"A": "b\r\nC: d"}}, HEADERS),
    ({"headers": {"A\n": "b"}}, HEADERS),
    ({"headers": {"": "b"}}, HEADERS),
    ({"headers": {"A": "\N{SNOWMAN}"}}, HEADERS),
    ({"redirect": "/a\r\nSet-Cookie: b"}, "redirect must be text that fits"),
    ({"redirect": 7}, "redirect must be text that fits"),
    ({"body": "\ud800"}, "body must be text"),
    ({"probability": 1.1}, "probability must be a number from 0 to 1"),
]


def test_a_bad_fault_is_explained():
    for wish, words in BAD_FAULTS:
        with pytest.raises(InvalidInput, match=words):
            fault_from({"path": "/"} | wish)


@pytest.mark.loopback
def test_a_delayed_answer_is_the_real_one(running):
    running.fault(path=ME, delay_seconds=0.1)
    began = time.monotonic()
    answer = requests.get(running.url + ME, timeout=5)

    assert answer.status_code == 401
    assert time.monotonic() - began >= 0.1


def test_a_reset_ends_the_latency_of_calls_under_way(steps, world, monkeypatch):
    """Latency is a wait for what a reset sets."""
    waited = []
    monkeypatch.setattr(world.faults.cleared, "wait", waited.append)
    world.change({"latency_ms": 1000})
    steps.browser.get(ME)

    assert waited == [1.0]


@pytest.mark.loopback
def test_a_hanging_request_shows_in_the_journal_and_can_be_released(running):
    running.fault(path=ME, hang=True, times=8)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(requests.get, running.url + ME, timeout=10) for _ in range(8)]
        seen = [running.take_request()["status"] for _ in waiting]
        others = requests.get(running.url + "/", timeout=5).status_code
        running.clear_faults()
        answers = {call.result().status_code for call in waiting}

    assert seen == [None] * 8
    assert others == 200
    assert answers == {401}


@pytest.mark.loopback
def test_who_hangs_up_on_a_hanging_server_has_done_nothing(running):
    running.fault(path=ME, hang=True)
    with pytest.raises(requests.ReadTimeout):
        requests.get(running.url + ME, timeout=0.1)
    eventually(lambda: not running._server.lines)

    assert running.journal(ME)[0]["fault"] == "hang"
    assert running.journal(ME)[0]["status"] is None


@pytest.mark.loopback
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_dropped_connection_is_closed_without_a_byte(running, moment):
    running.fault(path=ME, drop=moment)

    with pytest.raises(requests.ConnectionError):
        requests.get(running.url + ME, timeout=5)
    assert running.journal(ME)[0]["status"] is None


@pytest.mark.loopback
def test_a_dripping_body_comes_byte_by_byte(running):
    running.fault(path=ME, status=200, body="slowly", drip="body", drip_seconds=0.02)
    answer = requests.get(running.url + ME, timeout=5, stream=True)
    pieces = [piece for piece in iter(lambda: answer.raw.read1(100), b"") if piece]

    assert b"".join(pieces) == b"slowly"
    assert len(pieces) > 1


HUGE = {"body_bytes": 2**33}  # it is made while it is sent


@pytest.mark.loopback
@pytest.mark.parametrize(
    "wish, promised, cut",
    [
        ({"body": "0123456789"}, 10, 4),
        ({"body": "0123456789", "drip": "body", "drip_seconds": 0.002}, 10, 4),
        ({"body": "0123456789", "drip": "headers", "drip_seconds": 0}, 10, 4),
        (HUGE, 2**33, 0),
        (HUGE, 2**33, 100_000),
        (HUGE, 2**33, 200_000),
    ],
    ids=["at once", "dripping", "after dripping headers", "nothing", "a piece", "several pieces"],
)
def test_a_cut_body_is_shorter_than_promised(running, wish, promised, cut):
    running.fault(path=ME, status=200, cut_bytes=cut, **wish)

    with requests.get(running.url + ME, timeout=5, stream=True) as answer:
        assert answer.headers["Content-Length"] == str(promised)
        assert len(answer.raw.read(cut)) == cut
        with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
            answer.raw.read()


@pytest.mark.loopback
def test_dripping_headers_outwit_a_timeout_for_each_read(running):
    """Each read brings a byte in time, so a read timeout of 0.3 s never fires."""
    running.fault(path=ME, status=200, body="at last", drip="headers", drip_seconds=0.002)
    began = time.monotonic()
    answer = requests.get(running.url + ME, timeout=(1, 0.3))

    assert answer.text == "at last"
    assert time.monotonic() - began > 0.3


@pytest.mark.loopback
def test_a_reset_lets_a_dripping_answer_finish(running):
    running.fault(path=ME, status=200, body="x" * 40, drip="body", drip_seconds=60)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(requests.get, running.url + ME, timeout=10)
        running.take_request()
        running.reset()

        assert call.result().text == "x" * 40


def eventually(condition, seconds=5):
    """Wait for something that another thread is about to do."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def test_a_fault_can_be_over_after_a_while(steps, world):
    """Twitter is down for a minute, by the sandbox's clock."""
    token = steps.sign_in()["access_token"]
    fault(world, status=503, times=None, for_seconds=60)
    down = [steps.get(ME, token).status_code for _ in range(3)]
    world.clock.advance(60)

    assert down == [503] * 3
    assert world.faults.waiting() == []
    assert steps.get(ME, token).status_code == 200
