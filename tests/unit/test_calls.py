"""Calls for a person: quota, valid token, call, one retry after a 401, and what is written down."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from app.accounts.errors import GrantEnded
from app.accounts.models import Session
from app.gateway.calls import Calls, Upstream
from app.gateway.quota import Quota
from app.storage.cache import Cache
from app.twitter.api_client import ApiCall
from app.twitter.dialect import LIVE
from app.twitter.endpoints import FOLLOW, USERS_ME
from app.twitter.errors import NotInPlan, PermissionMissing, RateLimited, TokenRefused
from app.twitter.rate_limit_headers import Window

WREN = {"data": {"id": "1001", "username": "wren", "name": "Wren"}}


class Twitter:
    """Answers as told, and notes the tokens that were sent."""

    def __init__(self):
        self.tokens = []
        self.answers = [WREN]
        self.windows = ()

    def send(self, request, token, deadline, *, on_answer):
        self.tokens.append(token)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        on_answer(ApiCall(endpoint=request.endpoint, items=1, windows=self.windows))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Usages:
    def __init__(self):
        self.counted = []

    def add(self, user_id, asked, *, now):
        self.counted.append((user_id, len(asked)))


@pytest.fixture
def twitter():
    return Twitter()


@pytest.fixture
def usages():
    return Usages()


@pytest.fixture
def calls(shared, refresher, twitter, usages, clock):
    quota = Quota(Cache(redis_url=None, clock=clock), clock=clock)
    upstream = Upstream(client=twitter, dialect=LIVE, breaker=None, bulkhead=SimpleNamespace())
    return Calls(shared, upstream, refresher, quota, usages)


def read(calls, caller, endpoint=USERS_ME):
    return calls.call(caller, endpoint, lambda api: api.me())


def test_a_call_sends_the_persons_token_and_counts_for_them(calls, sign_in, twitter, usages):
    person = sign_in()

    assert read(calls, person).username == "wren"
    assert twitter.tokens == ["access-0"]
    assert usages.counted == [(person.user_id, 1)]


def test_a_refused_token_is_refreshed_and_the_call_tried_once_more(calls, sign_in, twitter, usages):
    twitter.answers = [TokenRefused("unauthorized"), WREN]
    person = sign_in()

    assert read(calls, person).username == "wren"
    assert twitter.tokens == ["access-0", "access-1"]
    assert usages.counted == [(person.user_id, 2)]


def test_a_second_refusal_is_raised(calls, sign_in, twitter):
    twitter.answers = [TokenRefused("unauthorized")]

    with pytest.raises(TokenRefused):
        read(calls, sign_in())

    assert twitter.tokens == ["access-0", "access-1"]


def test_nothing_is_asked_without_the_permission(calls, sign_in, twitter):
    with pytest.raises(PermissionMissing):
        calls.call(sign_in(), FOLLOW, lambda api: api.follow("1001", "1002"))

    assert twitter.tokens == []


def test_what_a_limit_forbids_takes_neither_token_nor_call(calls, sign_in, twitter, server, clock):
    until = clock() + timedelta(minutes=5)
    twitter.windows = (Window(name="x-rate-limit", limit=75, remaining=0, resets_at=until),)
    person = sign_in()
    read(calls, person)
    clock.advance(minutes=4)

    with pytest.raises(RateLimited):
        read(calls, person)

    assert len(twitter.tokens) == 1
    assert server.spent == []


def test_what_the_plan_lacks_is_asked_once(calls, sign_in, twitter):
    twitter.answers = [NotInPlan("client-forbidden")]
    person = sign_in()

    for _ in range(2):
        with pytest.raises(NotInPlan):
            read(calls, person)

    assert len(twitter.tokens) == 1


# A person who is not there


def test_a_job_calls_with_the_persons_grant(calls, sign_in, twitter, clock):
    person = sign_in()
    clock.advance(hours=3)

    absent = calls.for_user(person.user_id)

    assert read(calls, absent).username == "wren"
    assert twitter.tokens == ["access-1"]


def test_a_job_does_not_count_as_being_seen(calls, sign_in, row, clock):
    person = sign_in()
    seen_at = row(person.session_id, Session)["seen_at"]
    clock.advance(hours=3)

    read(calls, calls.for_user(person.user_id))

    assert row(person.session_id, Session)["seen_at"] == seen_at


def test_a_job_finds_no_person_who_has_logged_out(calls, sign_in, sessions):
    person = sign_in()
    sessions.log_out(person.session_id)

    with pytest.raises(GrantEnded):
        calls.for_user(person.user_id)


def test_a_job_finds_a_person_whose_logout_left_the_grant(calls, sign_in, sessions):
    person = sign_in()
    sessions._endings._logout_revokes = False
    sessions.log_out(person.session_id)

    assert calls.for_user(person.user_id).twitter_id == "1001"


# The doctor's question


def test_the_probe_refreshes_no_token(calls, sign_in, twitter, server, clock):
    sign_in()
    clock.advance(minutes=119)

    assert calls.probe().username == "wren"
    assert twitter.tokens == ["access-0"]
    assert server.spent == []


def test_the_probe_needs_a_token_that_lives(calls, sign_in, clock, twitter):
    sign_in()
    clock.advance(hours=3)

    assert calls.probe() is None
    assert twitter.tokens == []
