"""What Twitter answers when pages read, and how it refuses."""

import re

from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.sections import all_of

ME = "1001"
FOLLOWING, FOLLOWERS = f"/users/{ME}/following", f"/users/{ME}/followers"
PROBLEMS = "https://api.x.com/2/problems"

ROBIN = {"id": "1002", "username": "robin", "name": "Robin Redbreast", "description": "Sings."}
JAY = {"id": "1003", "username": "jay", "name": "Jay"}
TWEET = {
    "id": "10",
    "text": "Good morning from the ivy",
    "author_id": ME,
    "created_at": "2020-05-01T04:35:55.000Z",
    "public_metrics": {"like_count": 12345, "reply_count": 1, "retweet_count": 0},
}

NOTHING = {"json": {"meta": {"result_count": 0}}}
LIMITED = {"status": 429, "json": {}}
FORBIDDEN = {"type": f"{PROBLEMS}/client-forbidden"}
NOT_IN_PLAN = {"status": 403, "json": FORBIDDEN | {"reason": "client-not-enrolled"}}
NOT_IN_OWN_PLAN = {"status": 403, "json": FORBIDDEN | {"reason": "user-not-enrolled"}}
OUT_OF_CREDITS = {"status": 402, "json": {"type": f"{PROBLEMS}/credits"}}
NOT_GRANTED = {"status": 403, "json": {"type": "about:blank", "detail": "Raw words of Twitter"}}
SPENT = {
    "error": "invalid_request",
    "error_description": "Value passed for the token was invalid.",
}


def problem(kind, value="10", detail="", **changes):
    """Return what Twitter says of a single thing that it does not show."""
    return {"type": f"{PROBLEMS}/{kind}", "value": value, "detail": detail, **changes}


def gone(value, **changes):
    return problem("resource-not-found", value, **changes)


def suspended(value, **changes):
    return gone(value, detail=f"User has been suspended: [{value}].", **changes)


def hidden(value, **changes):
    return problem("not-authorized-for-resource", value, **changes)


def stand(twitter, **answers):
    """Let Twitter answer every read of ours; `answers` replaces some, by name."""
    dialect = twitter.dialect
    usual = {
        "tweets": (dialect.tweets, dialect.their_tweets(TWEET)),
        "following": (FOLLOWING, {"data": [ROBIN]}),
        "followers": (FOLLOWERS, {"data": [JAY]}),
    }
    for further in all_of("answers"):
        usual |= further(dialect)
    for name, (path, body) in usual.items():
        twitter.get(path, **answers.get(name, {"json": body}))


def tell(twitter, tweet=TWEET, **answer):
    """Let Twitter answer once more who asks for Wren's Tweets; nothing is pinned by others."""
    dialect = twitter.dialect
    twitter.get(dialect.tweets, **answer or {"json": dialect.their_tweets(tweet)})
    twitter.get(FOLLOWING, **NOTHING)


def reads(twitter):
    """Return the requests of pages: every GET but that of the sign-in."""
    requests = [call.request for call in twitter.calls if call.request.method == "GET"]
    return [one for one in requests if not one.url.split("?")[0].endswith(ME_PATH)]


def sign_in_without(client, twitter, *scopes):
    """Sign in, and be granted less than was asked for."""
    twitter.post(TOKEN_PATH, json=twitter.token(scope=twitter.dialect.granted(without=scopes)))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()


def sign_in_to_refresh(client, twitter, **refresh):
    """Sign in with a token that will be refreshed once, answered like this."""
    newer = {"json": twitter.token(access_token="a-newer-token")}
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, **refresh or newer)
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()


def retries(page):
    """Return the panels of a page that have a button to try again."""
    forms = re.findall(r'<form class="freshness".*?</form>', page, re.DOTALL)
    return [re.findall(r'value="(\w+)"', form)[-1] for form in forms if ">Try again<" in form]


def places(page, *texts):
    """Return where texts stand on a page: sorted, if they stand in this order."""
    return [page.index(text) for text in texts]


def missing_people(page):
    """Return the people of a page that are not shown, each with the reason."""
    return re.findall(
        r'<bdi class="username" translate="no">([^<]+)</bdi>\s*<p class="quiet">([^<]+)<', page
    )
