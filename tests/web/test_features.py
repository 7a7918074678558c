"""Unavailable features disappear: buttons, tabs, forms. The account page says why."""

import contextlib
from dataclasses import dataclass

import pytest
import redis

from app.pages import FEATURES
from tests.dialects import LIVE
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.sections import table_of
from tests.web.answers import (
    FOLLOWERS,
    FOLLOWING,
    NOT_IN_OWN_PLAN,
    NOT_IN_PLAN,
    ROBIN,
    TWEET,
    problem,
)


@dataclass(frozen=True)
class Feature:
    """A feature on a page, and the request by which the site learns that it is unavailable."""

    page: str
    looks: str
    asks: tuple[str, str]
    tried: str
    account: str


SEEN = {
    "follow": Feature(
        page="/follows/followers",
        looks='aria-label="Follow @robin"',
        asks=("POST", FOLLOWING),
        tried="/follows",
        account="Following",
    ),
    "unfollow": Feature(
        page="/follows",
        looks='aria-label="Unfollow @robin"',
        asks=("DELETE", f"{FOLLOWING}/1002"),
        tried="/follows/1002/delete",
        account="Unfollowing",
    ),
    "followers": Feature(
        page="/follows",
        looks='href="/follows/followers"',
        asks=("GET", FOLLOWERS),
        tried="/follows/followers",
        account="Followers of someone",
    ),
    "find_people": Feature(
        page="/follows",
        looks='<form class="find" method="post" action="/people"',
        asks=("GET", "/users/by"),
        tried="/people?who=@robin",
        account="People by name",
    ),
    "look_up_tweets": Feature(
        page="/tweets",
        looks='<form class="look-up" method="post" action="/tweets/lookup">',
        asks=("GET", "/tweets"),
        tried="/tweets/lookup?ids=1",
        account="Tweets by id",
    ),
    **{name: Feature(**row) for name, row in table_of("FEATURES").items()},
}
READS = {
    LIVE.tweets: [TWEET],
    FOLLOWING: [ROBIN],
    FOLLOWERS: [ROBIN],
    "/users/by": [ROBIN],
    LIVE.by_name("robin"): ROBIN,
    "/tweets": [TWEET],
    **table_of("READS"),
}


def stand(twitter, feature=None, refusal=NOT_IN_PLAN):
    """Let Twitter answer all requests but that of `feature`, for Wren and for Jay."""
    forbidden = SEEN[feature].asks if feature else None
    if forbidden:
        twitter.add(*forbidden, **refusal)
    for path, data in READS.items():
        for place in {path, path.replace("1001", "2002")}:
            if forbidden != ("GET", place):
                twitter.get(place, json={"data": data})


def sign_in(app):
    browser = app.test_client()
    browser.sign_in()
    return browser


@pytest.fixture
def birds(app, twitter):
    """Wren, who tries things, and Jay, who tries nothing. Both have granted everything."""
    scope = LIVE.granted(LIVE.follow)
    twitter.post(TOKEN_PATH, json=twitter.token(scope=scope, expires_in=10**7))
    twitter.get(ME_PATH, json=user_answer())
    twitter.get(ME_PATH, json=user_answer(id="2002", username="jay"))
    twitter.post(REVOKE_PATH, json={"revoked": True})
    return sign_in(app), sign_in(app)


def attempt(browser, feature):
    """Use a feature."""
    if SEEN[feature].asks[0] == "GET":
        browser.get(SEEN[feature].tried)
    else:
        browser.press(SEEN[feature].tried, user_id="1002", next="/account")


def shown(browser):
    """Return the features that a person is offered."""
    pages = {page: browser.get(page).text for page in {one.page for one in SEEN.values()}}
    return {name for name, one in SEEN.items() if one.looks in pages[one.page]}


def test_every_feature_is_tried_here():
    assert SEEN.keys() == FEATURES.keys()


@pytest.mark.parametrize("feature", SEEN)
def test_a_feature_that_the_plan_lacks_disappears_for_everyone(birds, twitter, clock, feature):
    wren, jay = birds
    stand(twitter, feature)

    attempt(wren, feature)

    together = {name for name, one in SEEN.items() if one.asks == SEEN[feature].asks}
    gone_with_their_page = {"followers": {"follow"}}.get(feature, set())
    assert shown(jay) == SEEN.keys() - together - gone_with_their_page
    reason = f"{SEEN[feature].account}: not in this site&#39;s plan at Twitter."
    assert reason in jay.get("/account").text
    clock.advance(minutes=61)
    assert SEEN[feature].looks in jay.get(SEEN[feature].page).text


@pytest.mark.parametrize("feature", ["unfollow", "look_up_tweets"])
def test_a_feature_outside_a_persons_own_plan_disappears_for_that_person(birds, twitter, feature):
    wren, jay = birds
    stand(twitter, feature, NOT_IN_OWN_PLAN)

    attempt(wren, feature)

    assert (feature in shown(wren), feature in shown(jay)) == (False, True)
    reason = f"{SEEN[feature].account}: not in your own account&#39;s plan at Twitter."
    assert reason in wren.get("/account").text


@pytest.mark.parametrize(
    "feature, page, sentence",
    [
        ("find_people", "/people", "Finding people does not work here at the moment."),
        ("look_up_tweets", "/tweets/lookup", "Looking up Tweets does not work here at the moment."),
    ],
)
def test_a_page_without_its_form_says_so(birds, twitter, feature, page, sentence):
    wren, jay = birds
    stand(twitter, feature)
    attempt(wren, feature)

    text = jay.get(page).text

    assert f'{sentence} <a href="/account">Your account page says why</a>' in text
    assert "<textarea" not in text


@pytest.mark.parametrize(
    "feature, page, link",
    [
        ("find_people", "/people/dodo", ">Find people</a>"),
    ],
)
def test_links_to_what_is_not_offered_are_left_out(birds, twitter, feature, page, link):
    wren, jay = birds
    stand(twitter, feature)
    twitter.get(LIVE.by_name("dodo"), json={"errors": [problem("x")]})
    before = link in jay.get(page).text

    attempt(wren, feature)

    assert (before, link in jay.get(page).text) == (True, False)


def test_a_list_that_is_not_to_be_had_leads_to_the_other_one(birds, twitter):
    wren, _ = birds
    stand(twitter, "followers")

    page = wren.get("/follows/followers").text

    assert '<a href="/follows">Following' in page


# Cache look-ups


@contextlib.contextmanager
def looks_into(redis_url):
    """Count how often values were asked of a Redis meanwhile."""
    counted = {}

    def looks(there):
        stats = there.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("get", "mget"))

    with redis.Redis.from_url(redis_url) as there:
        before = looks(there)
        yield counted
        counted["looks"] = looks(there) - before


@pytest.mark.parametrize(
    "path, looks",
    [
        ("/tweets", 2),
        ("/follows", 2),
    ],
)
def test_all_features_of_a_page_take_one_look_into_redis(
    build_app, redis_url, kind_twitter, path, looks
):
    client = sign_in(build_app(REDIS_URL=redis_url))
    stand(kind_twitter)
    client.get(path)

    with looks_into(redis_url) as counted:
        client.get(path)

    assert counted["looks"] == looks


def test_signed_out_pages_take_no_look_into_redis(build_app, redis_url):
    client = build_app(REDIS_URL=redis_url).test_client()

    with looks_into(redis_url) as counted:
        client.get("/")

    assert counted["looks"] == 0
