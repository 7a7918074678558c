"""What may be asked at the moment, apart from any page."""

from datetime import timedelta

import pytest

from app.gateway.quota import Quota
from app.storage.cache import Cache, Stored
from app.twitter.api_client import ApiCall
from app.twitter.endpoints import ENDPOINTS, FOLLOW, TWEETS, USER_TWEETS
from app.twitter.errors import (
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    RateLimited,
    Unreachable,
    WrongTokenType,
)
from app.twitter.rate_limit_headers import Window
from tests.factories import Clock

WREN, ROBIN = "1001", "1002"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def allowance(clock):
    return Quota(Cache(redis_url=None, clock=clock), clock=clock)


def window(clock, *, remaining, name="x-rate-limit", minutes=10):
    resets_at = clock() + timedelta(minutes=minutes)
    return Window(name=name, limit=75, remaining=remaining, resets_at=resets_at)


def test_at_first_everything_may_be_asked(allowance):
    for endpoint in ENDPOINTS:
        allowance.check(WREN, endpoint)

    assert allowance.unavailable() == []


def test_remaining_calls_are_known_until_the_reset(allowance, clock):
    known = window(clock, remaining=7)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(known,)))

    assert allowance.windows(WREN, TWEETS) == (known,)
    clock.advance(minutes=10)
    assert allowance.windows(WREN, TWEETS) == ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "plan of mice",
        {"name": "x"},
        [7, {"name": "x"}],
        [{"name": "x", "limit": "1", "remaining": 0, "resets_at": 4e9}],
        [{"name": "x", "limit": 1, "remaining": 0, "resets_at": 1e300}],
        [{"name": "x", "limit": 1, "remaining": 0, "resets_at": float("nan")}],
    ],
    ids=repr,
)
def test_what_others_wrote_into_our_redis_is_no_limit(allowance, clock, monkeypatch, value):
    spoilt = Stored(value, clock())
    monkeypatch.setattr(Cache, "get_all", lambda _, keys: [spoilt] * len(keys))

    allowance.check(WREN, TWEETS)

    assert allowance.unavailable(WREN) == []
    assert allowance.all_windows(WREN) == []


def test_an_answer_without_headers_takes_back_nothing(allowance, clock):
    known = window(clock, remaining=7)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(known,)))
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS))

    assert allowance.windows(WREN, TWEETS) == (known,)


def test_the_later_of_two_used_up_windows_counts(allowance, clock):
    quarter = window(clock, remaining=0)
    day = window(clock, remaining=0, name="x-user-limit-24hour", minutes=600)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(quarter, day)))

    with pytest.raises(RateLimited) as caught:
        allowance.check(WREN, TWEETS)

    assert caught.value.until == day.resets_at


def test_a_healthy_quarter_of_an_hour_does_not_hide_a_used_up_day(allowance, clock):
    quarter = window(clock, remaining=70)
    day = window(clock, remaining=0, name="x-app-limit-24hour", minutes=600)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(quarter, day)))

    with pytest.raises(RateLimited):
        allowance.check(WREN, TWEETS)


def test_a_limit_is_of_one_person_and_one_endpoint(allowance, clock):
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(window(clock, remaining=0),)))

    allowance.check(ROBIN, TWEETS)
    allowance.check(WREN, USER_TWEETS)


@pytest.mark.parametrize(
    "minutes_ahead, believed",
    [(None, timedelta(minutes=1)), (5, timedelta(minutes=5)), (60 * 24, timedelta(minutes=15))],
)
def test_a_limit_without_headers_is_believed_for_a_while(allowance, clock, minutes_ahead, believed):
    until = minutes_ahead and clock() + timedelta(minutes=minutes_ahead)
    allowance.record_refusal(WREN, TWEETS, RateLimited("HTTP 429", until=until))

    with pytest.raises(RateLimited) as caught:
        allowance.check(WREN, TWEETS)

    assert caught.value.until == clock() + believed


def test_the_headers_of_a_429_are_believed_before_its_error(allowance, clock):
    day = window(clock, remaining=0, name="x-user-limit-24hour", minutes=600)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(day,)))
    allowance.record_refusal(WREN, TWEETS, RateLimited("HTTP 429", until=None))

    assert allowance.windows(WREN, TWEETS) == (day,)


def test_an_endpoint_outside_the_plan_is_refused_to_all_for_an_hour(allowance, clock):
    allowance.record_refusal(WREN, FOLLOW, NotInPlan("client-forbidden"))

    with pytest.raises(NotInPlan) as caught:
        allowance.check(ROBIN, FOLLOW)
    assert type(caught.value) is NotInPlan
    verdict = allowance.why_unavailable(FOLLOW)
    assert (verdict.reason, verdict.until) == ("plan", clock() + timedelta(hours=1))
    assert allowance.unavailable() == [verdict]
    clock.advance(hours=1)
    allowance.check(ROBIN, FOLLOW)


def test_credits_may_come_back_any_moment(allowance, clock):
    allowance.record_refusal(WREN, TWEETS, OutOfCredits("credits"))

    with pytest.raises(OutOfCredits):
        allowance.check(ROBIN, TWEETS)
    clock.advance(minutes=5)
    allowance.check(ROBIN, TWEETS)


def test_the_plan_of_one_person_is_no_verdict(allowance):
    allowance.record_refusal(WREN, TWEETS, NotInOwnPlan("client-forbidden"))

    with pytest.raises(NotInPlan) as caught:
        allowance.check(WREN, TWEETS)
    allowance.check(ROBIN, TWEETS)
    assert type(caught.value) is NotInOwnPlan
    assert allowance.why_unavailable(TWEETS) is None


@pytest.mark.parametrize(
    "error, words",
    [
        (NotInPlan("x"), "not in the plan: GET /2/tweets"),
        (OutOfCredits("x"), "the credits for Twitter's API are used up"),
        (WrongTokenType("x"), "another kind of token: GET /2/tweets"),
    ],
)
def test_the_operator_reads_of_plan_credits_and_kind_of_token(allowance, caplog, error, words):
    allowance.record_refusal(WREN, TWEETS, error)

    assert words in caplog.text


def test_the_own_plan_of_a_person_is_no_matter_for_the_operator(allowance, caplog):
    caplog.set_level("INFO")

    allowance.record_refusal(WREN, TWEETS, NotInOwnPlan("x"))

    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_trouble_that_passes_is_not_remembered(allowance):
    allowance.record_refusal(WREN, TWEETS, Unreachable("HTTP 503"))

    allowance.check(WREN, TWEETS)


def test_without_a_cache_nothing_is_remembered(clock):
    allowance = Quota(None, clock=clock)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(window(clock, remaining=0),)))
    allowance.record_refusal(WREN, TWEETS, NotInPlan("x"))

    allowance.check(WREN, TWEETS)
    assert allowance.unavailable() == []


def test_an_answer_that_was_overtaken_opens_no_window(allowance, clock):
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(window(clock, remaining=0),)))
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(window(clock, remaining=1),)))

    with pytest.raises(RateLimited):
        allowance.check(WREN, TWEETS)


def test_the_daily_limit_of_the_site_holds_for_everyone(allowance, clock):
    day = window(clock, remaining=0, name="x-app-limit-24hour", minutes=600)
    allowance.record_limits(WREN, ApiCall(endpoint=TWEETS, windows=(day,)))

    with pytest.raises(RateLimited):
        allowance.check(ROBIN, TWEETS)


def test_people_are_told_of_their_own_plan_as_well(allowance):
    allowance.record_refusal(WREN, TWEETS, NotInOwnPlan("client-forbidden"))

    [verdict] = allowance.unavailable(WREN)
    assert (verdict.endpoint, verdict.for_everyone) == (TWEETS, False)
    assert allowance.why_unavailable(TWEETS, WREN) == verdict
    assert allowance.unavailable(ROBIN) == allowance.unavailable() == []


def test_the_sites_verdict_is_told_before_a_persons_own(allowance):
    allowance.record_refusal(WREN, TWEETS, NotInOwnPlan("client-forbidden"))
    allowance.record_refusal(ROBIN, TWEETS, NotInPlan("client-forbidden"))

    assert [verdict.for_everyone for verdict in allowance.unavailable(WREN)] == [True]
