"""Scopes, tokens and the spelling of requests."""

import pytest

from tests.sandbox.birds import ROBIN, WREN, at
from tests.sandbox.steps import EVERYTHING, bearer, without

# One of each kind: all scopes are held to the specification in test_contract.py. All of these want
# tweet.read and users.read as well.
LIVE = [
    ("GET", "/2/users/me", ""),
    ("GET", f"/2/users/{WREN}/following", "follows.read"),
    ("POST", f"/2/users/{WREN}/following", "follows.write"),
    ("DELETE", f"/2/users/{WREN}/following/{ROBIN}", "follows.write"),
    ("GET", "/2/spaces/1DawnChorus1a", "space.read"),
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


FORBIDDEN = {"title": "Forbidden", "type": "about:blank", "status": 403, "detail": "Forbidden"}


@pytest.mark.parametrize(
    "missing", ["tweet.read", "users.read", "follows.read", "follows.write", "space.read"]
)
def test_one_scope_less_is_403(steps, missing):
    """`users.read` alone is not even enough for users/me: a well-known stumbling block."""
    rest = " ".join(s for s in EVERYTHING.split() if not s.startswith(missing))
    token = steps.sign_in(scope=rest)["access_token"]
    answers = {(m, path): (scope, call(steps, m, path, token)) for m, path, scope in LIVE}
    needed = {key: f"tweet.read users.read {scope}" for key, (scope, _) in answers.items()}

    assert {key: answer.status_code for key, (_, answer) in answers.items()} == {
        key: 403 if missing in scopes else 200 for key, scopes in needed.items()
    }
    assert FORBIDDEN in [answer.json for _, answer in answers.values()]


def test_beta_has_its_own_scopes(steps, world):
    world.change({"dialect": "beta"})
    found = []
    for method, path, scopes in BETA:
        token = steps.sign_in(client_id="sandbox-public", scope=scopes)["access_token"]
        found.append(call(steps, method, path, token).status_code)

    assert found == [200] * len(BETA)


@pytest.mark.parametrize("path", [f"/2/users/{WREN}/tweets", f"/2/users/{WREN}/followers"])
def test_beta_refuses_what_its_document_does_not_list(steps, world, path):
    world.change({"dialect": "beta"})
    scope = "tweet.read users.read account.follows.read"
    token = steps.sign_in(client_id="sandbox-public", scope=scope)["access_token"]
    answer = steps.get(path, token)

    assert answer.status_code == 403
    assert answer.json["type"].endswith("/unsupported-authentication")


def test_no_living_token_is_401(steps):
    token = steps.sign_in()["access_token"]
    proofs = [None, "Bearer", "Bearer nonsense", "Basic nonsense", f"Basic {token}", token]
    answers = [
        steps.browser.get(path, headers=without({"Authorization": proof}))
        for path in ("/2/users/me", f"/2/users/{WREN}/tweets")
        for proof in proofs
    ]
    body = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}

    assert [(answer.status_code, answer.json) for answer in answers] == [(401, body)] * 12


MISSPELLED = [
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
    (f"/2/users/{WREN}/tweets", {"max_results": "ten"}, "max_results", "between 5 and 100"),
    (f"/2/users/{WREN}/tweets", {"max_results": "00000001099"}, "max_results", "5 and 100"),
    (f"/2/users/{WREN}/tweets", {"max_results": "1" * 5000}, "max_results", "5 and 100"),
    (f"/2/users/{WREN}/tweets", {"exclude": "likes"}, "exclude", "[likes] is not one of"),
    (f"/2/users/{WREN}/tweets", {"start_time": "now"}, "start_time", "RFC3339"),
    (f"/2/users/{WREN}/tweets", {"since_id": "x"}, "since_id", "does not match"),
    ("/2/spaces/has-dash", {}, "id", "does not match"),
]


def test_a_misspelled_request_is_400_and_says_where(steps):
    token, found = steps.sign_in()["access_token"], []
    for path, query, parameter, words in MISSPELLED:
        answer = steps.get(path, token, **query)
        assert (answer.status_code, answer.json["title"]) == (400, "Invalid Request")
        assert answer.json["type"].endswith("/invalid-request")
        error = answer.json["errors"][0]
        found.append(parameter in error["parameters"] and words in error["message"])

    assert [row for row, well in zip(MISSPELLED, found, strict=True) if not well] == []


def test_all_mistakes_are_told_at_once(steps):
    answer = steps.get("/2/users/x", **{"user.fields": "bad", "color": "blue"})

    assert len(answer.json["errors"]) == 3


def test_unknown_paths_and_methods_are_404_in_json(steps):
    paths = ["/2/users/me", "/2/oauth2/token", "/2/nothing", "/2", "/2/"]
    asked = [(m, path) for m in ("OPTIONS", "PROPFIND", "PUT", "TRACE", "BREW") for path in paths]
    asked += [("GET", path) for path in ("/2/nothing", "/2/users/me/more", "/2/oauth2/more")]
    answers = [steps.browser.open(path, method=method) for method, path in asked]

    assert {(a.status_code, a.mimetype, a.json["title"]) for a in answers} == {
        (404, "application/problem+json", "Not Found")
    }
    assert all(answer.headers["api-version"] for answer in answers)
    names = [name for answer in answers for name, _ in answer.headers]
    assert [name for name in names if name.startswith("Access-Control")] == []


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
