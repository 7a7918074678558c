"""What Twitter does not allow disappears: buttons, tabs, forms. The account page says why."""

import contextlib
from dataclasses import dataclass

import pytest
import redis

from app.pages.controls import CONTROLS
from tests.dialects import in_the_beta
from tests.factories import API_URL, ME_URL, REVOKE_URL, TOKEN_URL, token_answer, user_answer
from tests.web.test_pages import LIVE_SPACE, ROBIN, TWEET

ME_AT = f"{API_URL}/users/1001"
BY_CREATORS = f"{API_URL}/spaces/by/creator_ids"
FORBIDDEN = {
    "status": 403,
    "json": {
        "type": "https://api.x.com/2/problems/client-forbidden",
        "reason": "client-not-enrolled",
    },
}
SCOPE = "tweet.read users.read follows.read follows.write space.read offline.access"


@dataclass(frozen=True)
class Control:
    """A control on a page, and how somebody finds out that it is not to be had."""

    page: str
    looks: str
    asks: tuple[str, str]
    tried: str
    account: str


SEEN = {
    "follow": Control(
        page="/follows/followers",
        looks='aria-label="Follow @robin"',
        asks=("POST", f"{ME_AT}/following"),
        tried="/follows",
        account="Following",
    ),
    "unfollow": Control(
        page="/follows",
        looks='aria-label="Unfollow @robin"',
        asks=("DELETE", f"{ME_AT}/following/1002"),
        tried="/follows/1002/delete",
        account="Unfollowing",
    ),
    "followers": Control(
        page="/follows",
        looks='href="/follows/followers"',
        asks=("GET", f"{ME_AT}/followers"),
        tried="/follows/followers",
        account="Who follows someone",
    ),
    "find_people": Control(
        page="/follows",
        looks='<form class="find" action="/people"',
        asks=("GET", f"{API_URL}/users/by"),
        tried="/people?who=@robin",
        account="People by name",
    ),
    "look_up_tweets": Control(
        page="/tweets",
        looks='<form class="look-up" method="post" action="/tweets/lookup">',
        asks=("GET", f"{API_URL}/tweets"),
        tried="/tweets/lookup?ids=1",
        account="Tweets by id",
    ),
    "look_up_spaces": Control(
        page="/spaces/lookup",
        looks='name="ids"',
        asks=("GET", f"{API_URL}/spaces"),
        tried="/spaces/lookup?ids=1DXxyRYNejbKM",
        account="Spaces by id",
    ),
    "look_up_spaces_of_people": Control(
        page="/spaces/lookup",
        looks='name="creators"',
        asks=("GET", BY_CREATORS),
        tried="/spaces/lookup?creators=1002",
        account="Spaces by host",
    ),
    "spaces": Control(
        page="/account",
        looks='href="/spaces"',
        asks=("GET", BY_CREATORS),
        tried="/spaces",
        account="Spaces by host",
    ),
}
READS = {
    f"{ME_AT}/tweets": [TWEET],
    f"{ME_AT}/following": [ROBIN],
    f"{ME_AT}/followers": [ROBIN],
    f"{API_URL}/users/by": [ROBIN],
    f"{API_URL}/users/by/username/robin": ROBIN,
    f"{API_URL}/tweets": [TWEET],
    f"{API_URL}/spaces": [LIVE_SPACE],
    f"{API_URL}/spaces/{LIVE_SPACE['id']}": LIVE_SPACE,
    BY_CREATORS: [LIVE_SPACE],
}


def stand(twitter, control=None, reason="client-not-enrolled"):
    """Let Twitter answer everything but what `control` asks."""
    forbidden = SEEN[control].asks if control else None
    if forbidden:
        problem = FORBIDDEN["json"] | {"reason": reason}
        twitter.add(*forbidden, status=403, json=problem)
    for url, data in READS.items():
        if forbidden != ("GET", url):
            twitter.get(url, json={"data": data})


def sign_in(app):
    browser = app.test_client()
    browser.sign_in()
    return browser


@pytest.fixture
def birds(app, twitter):
    """Two people who may do everything; the second one never finds out anything herself."""
    twitter.post(TOKEN_URL, json=token_answer(scope=SCOPE, expires_in=10**7))
    twitter.get(ME_URL, json=user_answer())
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, json={"revoked": True})
    return sign_in(app), sign_in(app)


def attempt(browser, control):
    """Use a control."""
    method, _ = SEEN[control].asks
    if method == "GET":
        browser.get(SEEN[control].tried)
    else:
        data = {"csrf_token": browser.csrf_token("/account"), "user_id": "1002", "next": "/account"}
        browser.post(SEEN[control].tried, data=data)


def shows(browser, control):
    return SEEN[control].looks in browser.get(SEEN[control].page).text


def test_every_control_is_tried_here():
    assert SEEN.keys() == CONTROLS.keys()


@pytest.mark.parametrize("control", SEEN)
def test_a_control_that_the_plan_lacks_disappears_for_everyone(birds, twitter, clock, control):
    wren, other = birds
    stand(twitter, control)
    before = shows(other, control)

    attempt(wren, control)

    assert before
    assert not shows(other, control)
    reason = f"{SEEN[control].account}: not in this site&#39;s plan at Twitter."
    assert reason in other.get("/account").text
    clock.advance(minutes=61)
    assert shows(other, control)


@pytest.mark.parametrize("control", SEEN)
def test_a_control_that_ones_own_plan_lacks_disappears_for_oneself(app, birds, twitter, control):
    wren, _ = birds
    twitter.replace("GET", ME_URL, json=user_answer(id="2002", username="jay"))
    jay = sign_in(app)
    stand(twitter, control, reason="user-not-enrolled")
    for url in [url for url in READS if ME_AT in url]:
        twitter.get(url.replace("1001", "2002"), json={"data": READS[url]})

    attempt(wren, control)

    assert not shows(wren, control)
    reason = f"{SEEN[control].account}: not in your own account&#39;s plan at Twitter."
    assert reason in wren.get("/account").text
    if SEEN[control].asks != ("GET", BY_CREATORS):  # which jay would find out by looking
        assert shows(jay, control)


@pytest.mark.parametrize("control", SEEN)
def test_what_one_control_lacks_takes_no_other_along(birds, twitter, control):
    wren, other = birds
    stand(twitter, control)
    attempt(wren, control)

    shown = {name for name in SEEN if shows(other, name)}

    together = {name for name, one in SEEN.items() if one.asks == SEEN[control].asks}
    gone_with_their_page = {"followers": {"follow"}}.get(control, set())
    assert shown == SEEN.keys() - together - gone_with_their_page


@pytest.mark.parametrize(
    "control, page, sentence",
    [
        ("find_people", "/people", "Finding people does not work here at the moment."),
        ("look_up_tweets", "/tweets/lookup", "Looking up Tweets does not work here at the moment."),
    ],
)
def test_a_page_without_its_form_says_so(birds, twitter, control, page, sentence):
    wren, other = birds
    stand(twitter, control)
    attempt(wren, control)

    shown = other.get(page).text

    assert f'{sentence} <a href="/account">Your account says why</a>' in shown
    assert "<textarea" not in shown


def test_looking_up_spaces_is_gone_when_both_ways_are(birds, twitter):
    wren, other = birds
    twitter.get(f"{API_URL}/spaces", **FORBIDDEN)
    twitter.get(BY_CREATORS, **FORBIDDEN)
    twitter.get(f"{ME_AT}/following", json={"data": [ROBIN]})
    attempt(wren, "look_up_spaces")
    attempt(wren, "look_up_spaces_of_people")

    assert "Looking up Spaces does not work here" in other.get("/spaces/lookup").text
    assert "Look up Spaces by" not in other.get("/spaces").text


@pytest.mark.parametrize(
    "control, page, link",
    [
        ("spaces", f"/spaces/{LIVE_SPACE['id']}", ">All Spaces</a>"),
        ("find_people", "/people/nobodyhere", ">Find people</a>"),
    ],
)
def test_links_to_what_is_not_offered_are_left_out(birds, twitter, control, page, link):
    wren, other = birds
    stand(twitter, control)
    twitter.get(f"{API_URL}/users/by/username/nobodyhere", json={"errors": [{"type": "x"}]})
    twitter.get(f"{API_URL}/users/by/username/nobodyhere", json={"errors": [{"type": "x"}]})
    before = link in other.get(page).text

    attempt(wren, control)

    assert (before, link in other.get(page).text) == (True, False)


def test_a_list_that_is_not_to_be_had_still_leads_to_the_other_one(birds, twitter):
    wren, _ = birds
    stand(twitter, "followers")

    page = wren.get("/follows/followers").text

    assert '<a href="/follows">Following' in page


@in_the_beta
def test_in_the_beta_spaces_hang_on_its_own_endpoint(signed_in, twitter, dialect):
    twitter.get(dialect.spaces, **FORBIDDEN)
    before = 'href="/spaces"' in signed_in.get("/account").text

    signed_in.get("/spaces")

    assert (before, 'href="/spaces"' in signed_in.get("/account").text) == (True, False)


# What that costs


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
    "path, answers", [("/", 4), ("/tweets", 1), ("/follows", 1), ("/follows/followers", 1)]
)
def test_all_controls_of_a_page_take_one_look_into_redis(
    build_app, redis_url, twitter, path, answers
):
    twitter.post(TOKEN_URL, json=token_answer(scope=SCOPE))
    twitter.get(ME_URL, json=user_answer())
    client = sign_in(build_app(REDIS_URL=redis_url))
    stand(twitter)
    client.get(path)

    with looks_into(redis_url) as counted:
        client.get(path)

    whether_home_reads_spaces = 1 if path == "/" else 0
    assert counted["looks"] == answers + whether_home_reads_spaces + 1


def test_the_account_page_takes_three_looks_into_redis(build_app, redis_url, kind_twitter):
    client = sign_in(build_app(REDIS_URL=redis_url))

    with looks_into(redis_url) as counted:
        client.get("/account")

    assert counted["looks"] <= 3


def test_who_is_signed_out_takes_none(build_app, redis_url):
    client = build_app(REDIS_URL=redis_url).test_client()

    with looks_into(redis_url) as counted:
        client.get("/")

    assert counted["looks"] == 0
