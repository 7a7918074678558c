"""Who may call what, and how requests have to be spelled."""

import pytest

from sandbox.seed_birds import ROBIN, WREN, at
from tests.sandbox.steps import EVERYTHING, bearer

# Twitter: "v2 authentication mapping". All of these want tweet.read and users.read as well.
LIVE = [
    ("GET", "/2/users/me", ""),
    ("GET", f"/2/users?ids={WREN}", ""),
    ("GET", f"/2/users/{WREN}", ""),
    ("GET", "/2/users/by?usernames=wren", ""),
    ("GET", "/2/users/by/username/wren", ""),
    ("GET", f"/2/tweets?ids={at(12)}", ""),
    ("GET", f"/2/tweets/{at(12)}", ""),
    ("GET", f"/2/users/{WREN}/tweets", ""),
    ("GET", f"/2/users/{WREN}/following", "follows.read"),
    ("GET", f"/2/users/{WREN}/followers", "follows.read"),
    ("POST", f"/2/users/{WREN}/following", "follows.write"),
    ("DELETE", f"/2/users/{WREN}/following/{ROBIN}", "follows.write"),
    ("GET", "/2/spaces/1DawnChorus1a", "space.read"),
    ("GET", "/2/spaces?ids=1DawnChorus1a", "space.read"),
    ("GET", f"/2/spaces/by/creator_ids?user_ids={ROBIN}", "space.read"),
]
BETA = [
    ("GET", "/2/users/me", "tweet.read users.read"),
    ("GET", "/2/users/by?usernames=wren", "tweet.read users.read"),
    ("GET", f"/2/tweets/{at(12)}", "tweet.read users.read"),
    ("GET", f"/2/users/{WREN}/following", "account.follows.read"),
    ("POST", f"/2/users/{WREN}/following", "account.follows.write"),
    ("DELETE", f"/2/users/{WREN}/following/{ROBIN}", "account.follows.write"),
    ("GET", "/2/spaces/1DawnChorus1a", "tweet.read users.read spaces.read"),
    ("GET", f"/2/users/{WREN}/following/spaces", "tweet.read users.read spaces.read"),
]


def call(steps, method, path, token):
    body = {"json": {"target_user_id": ROBIN}} if method == "POST" else {}
    return steps.browser.open(path, method=method, headers=bearer(token), **body)


@pytest.mark.parametrize("method, path, scope", LIVE)
def test_the_scopes_of_the_table_are_enough(steps, method, path, scope):
    token = steps.sign_in(scope=f"tweet.read users.read {scope}".strip())["access_token"]

    assert call(steps, method, path, token).status_code == 200


@pytest.mark.parametrize("method, path, scope", LIVE)
def test_one_scope_less_is_403(steps, method, path, scope):
    """`users.read` alone is not even enough for users/me: a well-known stumbling block."""
    needed = ["tweet.read", "users.read", *scope.split()]
    for missing in needed:
        rest = " ".join(s for s in EVERYTHING.split() if s != missing)
        answer = call(steps, method, path, steps.sign_in(scope=rest)["access_token"])

        assert answer.status_code == 403
        assert answer.json == {
            "title": "Forbidden",
            "type": "about:blank",
            "status": 403,
            "detail": "Forbidden",
        }


@pytest.mark.parametrize("method, path, scopes", BETA)
def test_beta_has_its_own_scopes(steps, world, method, path, scopes):
    world.change({"dialect": "beta"})
    token = steps.sign_in(client_id="sandbox-public", scope=scopes)["access_token"]

    assert call(steps, method, path, token).status_code == 200


@pytest.mark.parametrize("path", [f"/2/users/{WREN}/tweets", f"/2/users/{WREN}/followers"])
def test_beta_refuses_what_its_document_does_not_list(steps, world, path):
    world.change({"dialect": "beta"})
    scope = "tweet.read users.read account.follows.read"
    token = steps.sign_in(client_id="sandbox-public", scope=scope)["access_token"]
    answer = steps.get(path, token)

    assert answer.status_code == 403
    assert answer.json["type"].endswith("/unsupported-authentication")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic nonsense"},
        {"Authorization": "nonsense"},
    ],
)
@pytest.mark.parametrize("path", ["/2/users/me", f"/2/users/{WREN}/tweets"])
def test_no_living_token_is_401(steps, path, headers):
    answer = steps.browser.get(path, headers=headers)

    assert answer.status_code == 401
    assert answer.json == {
        "title": "Unauthorized",
        "type": "about:blank",
        "status": 401,
        "detail": "Unauthorized",
    }


@pytest.mark.parametrize(
    "path, query, parameter, words",
    [
        ("/2/users/me", {"user.fields": "bad"}, "user.fields", "[bad] is not one of ["),
        ("/2/users/me", {"user.fields": ""}, "user.fields", "is not one of"),
        ("/2/users/me", {"expansions": "nope"}, "expansions", "is not one of"),
        ("/2/users/me", {"color": "blue"}, "color", "The query parameter [color] is not one of"),
        ("/2/users/me", {"media.fields": "url"}, "media.fields", "is not one of"),
        ("/2/users/me", {"user.fields": ["url", "name"]}, "user.fields", "more than once"),
        ("/2/users/abc", {}, "id", "does not match ^[0-9]{1,19}$"),
        ("/2/users/" + "1" * 20, {}, "id", "does not match"),
        ("/2/users/by/username/has-dash", {}, "username", "does not match"),
        ("/2/users", {}, "ids", "can not be empty"),
        ("/2/users", {"ids": "1,x"}, "ids", "[x] does not match"),
        ("/2/users", {"ids": ",".join(map(str, range(101)))}, "ids", "between 1 and 100"),
        ("/2/users", {"ids": ",".join([WREN] * 101)}, "ids", "between 1 and 100"),
        ("/2/users/by", {"usernames": "a" * 16}, "usernames", "does not match"),
        ("/2/tweets", {"ids": ""}, "ids", "can not be empty"),
        (f"/2/users/{WREN}/tweets", {"max_results": "4"}, "max_results", "[4] is not between 5 a"),
        (f"/2/users/{WREN}/tweets", {"max_results": "101"}, "max_results", "between 5 and 100"),
        (f"/2/users/{WREN}/tweets", {"max_results": "ten"}, "max_results", "between 5 and 100"),
        (f"/2/users/{WREN}/tweets", {"max_results": "0000000101"}, "max_results", "5 and 100"),
        (f"/2/users/{WREN}/tweets", {"max_results": "00000001099"}, "max_results", "5 and 100"),
        (f"/2/users/{WREN}/tweets", {"max_results": "1" * 5000}, "max_results", "5 and 100"),
        (f"/2/users/{WREN}/tweets", {"exclude": "likes"}, "exclude", "[likes] is not one of"),
        (f"/2/users/{WREN}/tweets", {"start_time": "now"}, "start_time", "RFC3339"),
        (f"/2/users/{WREN}/tweets", {"since_id": "x"}, "since_id", "does not match"),
        (f"/2/users/{WREN}/following", {"max_results": "0"}, "max_results", "between 1 and 1000"),
        (f"/2/users/{WREN}/following", {"max_results": "1001"}, "max_results", "1 and 1000"),
        ("/2/spaces/has-dash", {}, "id", "does not match"),
        ("/2/spaces/by/creator_ids", {}, "user_ids", "can not be empty"),
    ],
)
def test_a_misspelled_request_is_400_and_says_where(steps, path, query, parameter, words):
    answer = steps.get(path, **query)

    assert answer.status_code == 400
    assert answer.json["title"] == "Invalid Request"
    assert answer.json["type"].endswith("/invalid-request")
    assert parameter in answer.json["errors"][0]["parameters"]
    assert words in answer.json["errors"][0]["message"]


def test_all_mistakes_are_told_at_once(steps):
    answer = steps.get("/2/users/x", **{"user.fields": "bad", "color": "blue"})

    assert len(answer.json["errors"]) == 3


@pytest.mark.parametrize("path", ["/2/nothing", "/2/users/me/more", "/2/oauth2/more"])
def test_unknown_paths_are_404_in_json(steps, path):
    answer = steps.get(path)

    assert answer.status_code == 404
    assert answer.json["title"] == "Not Found"


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "PUT", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/2/users/me", "/2/oauth2/token", "/2/nothing", "/2", "/2/"])
def test_whatever_the_method_the_answer_is_json(steps, method, path):
    answer = steps.browser.open(path, method=method)

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json["title"] == "Not Found"
    assert answer.headers["api-version"]
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_body_that_is_too_large_is_refused_in_json(steps):
    form = {"token": "x" * 2_000_000, "client_id": "sandbox-public"}
    answer = steps.browser.post("/2/oauth2/revoke", data=form)

    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("path, method", [("/nothing", "GET"), ("/i/oauth2/authorize", "PUT")])
def test_pages_keep_the_errors_of_pages(steps, path, method):
    answer = steps.browser.open(path, method=method)

    assert answer.status_code in {404, 405}
    assert answer.mimetype == "text/html"


def test_every_answer_says_its_version_and_is_not_kept(steps):
    headers = steps.get("/2/users/me").headers

    assert headers["api-version"]
    assert headers["Cache-Control"] == "no-cache, no-store, max-age=0"


def test_names_of_the_renamed_specification_are_answered_in_kind(steps):
    """Clients generated from X's specification of August 2026 send `post.*`."""
    query = {"post.fields": "public_metrics", "expansions": "referenced_posts"}
    body = steps.get(f"/2/tweets/{at(1440)}", **query).json

    assert body["data"]["public_metrics"]["repost_count"] == 1
    assert body["data"]["public_metrics"]["retweet_count"] == 1
    assert body["data"]["edit_history_post_ids"] == [at(1440)]
    assert body["data"]["referenced_posts"][0]["type"] == "quoted"
    assert len(body["includes"]["posts"]) == 1


def test_classic_requests_get_classic_names(steps):
    body = steps.get(f"/2/tweets/{at(1440)}", expansions="referenced_tweets.id").json

    assert "referenced_tweets" in body["data"]
    assert "tweets" in body["includes"]


def test_counts_come_under_both_names(steps):
    """Published clients insist on one or the other, and cannot say which they are."""
    user = steps.get("/2/users/me", **{"user.fields": "public_metrics"}).json["data"]
    tweet = steps.get(f"/2/tweets/{at(12)}", **{"tweet.fields": "public_metrics"}).json["data"]

    assert user["public_metrics"]["post_count"] == user["public_metrics"]["tweet_count"]
    assert tweet["public_metrics"]["repost_count"] == tweet["public_metrics"]["retweet_count"]


@pytest.mark.parametrize(
    "path, query",
    [
        ("/2/users/me", {"expansions": "pinned_post_id"}),
        ("/2/users/me", {"user.fields": "pinned_post_id"}),
        (f"/2/tweets/{at(1440)}", {"expansions": "edit_history_post_ids"}),
        (f"/2/tweets/{at(1440)}", {"post.fields": "created_at"}),
    ],
)
def test_one_new_name_is_enough_to_be_answered_in_new_names(steps, path, query):
    body = steps.get(path, **query).json
    said = str(body)

    assert "data" in body
    assert "tweet_id" not in said
    assert "'tweets'" not in said
