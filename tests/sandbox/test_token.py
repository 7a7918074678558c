"""Codes and refresh tokens become token sets. Twitter's own words for everything that is wrong."""

import base64
import hashlib
import re
from dataclasses import replace
from urllib.parse import quote_plus

import pytest

from tests.sandbox.steps import basic

SIX_MONTHS = 180 * 24 * 60 * 60
BAD_CODE = "Value passed for the authorization code was invalid."
BAD_TOKEN = "Value passed for the token was invalid."


def refusal(answer):
    return answer.status_code, answer.json["error"], answer.json["error_description"]


def test_token_answers_are_not_kept(steps):
    """RFC 6749 §5.1."""
    headers = steps.exchange(steps.code()).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Pragma"] == "no-cache"


def test_scopes_come_as_a_set(steps):
    asked = "tweet.read users.read follows.read space.read offline.access"
    orders = {steps.sign_in(scope=asked)["scope"] for _ in range(20)}

    assert {frozenset(order.split()) for order in orders} == {frozenset(asked.split())}
    assert len(orders) > 1


def opened(value):
    """Decode base64url without its padding."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()


def test_codes_and_tokens_have_the_anatomy_of_twitters(steps, world):
    """Decoded from the samples in Twitter's documentation: 91 characters of base64url."""
    tokens = steps.sign_in()
    made = {"ac": steps.code(), "at": tokens["access_token"], "rt": tokens["refresh_token"]}

    for kind, value in made.items():
        inside = opened(value)
        assert len(value) == 91
        assert re.fullmatch(rf"[\w-]{{45}}:\d{{13}}:1:[01]:{kind}:1", inside)
        assert abs(int(inside.split(":")[1]) / 1000 - world.now()) < 60


def test_client_ids_have_the_anatomy_of_twitters(browser):
    wish = {"callbacks": ["https://me.example/"]}
    client = browser.post("/sandbox/clients", json=wish).json

    assert re.fullmatch(r"[\w-]{20}:1:ci", opened(client["client_id"]))


@pytest.mark.parametrize("call", ["exchange", "refresh", "revoke"])
def test_a_public_client_names_itself_and_a_confidential_one_may(steps, call):
    """X's TypeScript SDK sends id and secret in header and body."""
    public = {"headers": {}, "client_id": "sandbox-public"}
    both = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    for client_id, proof in (("sandbox-public", public), ("sandbox-client", both)):
        given = steps.code(client_id=client_id)
        if call != "exchange":
            given = steps.exchange(given, **proof).json["refresh_token"]

        assert getattr(steps, call)(given, **proof).status_code == 200


NO_PROOF = [
    {},
    basic(secret="wrong"),
    basic(secret=""),
    basic(client_id="nobody"),
    basic(client_id="sandbox-public", secret=""),
    {"Authorization": "Bearer x"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
    {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
    {"Authorization": "Basic"},
    {"Authorization": basic()["Authorization"].replace("Basic", "Bearer")},
]


@pytest.mark.parametrize("call", ["exchange", "refresh", "revoke"])
def test_a_confidential_client_proves_itself_by_header(steps, call):
    """RFC 6749 §2.3.1; the words are Twitter's. A secret in the body is no proof."""
    given = steps.code() if call == "exchange" else steps.sign_in()["refresh_token"]
    body = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    ask = getattr(steps, call)
    answers = [ask(given, headers=headers, **body) for headers in NO_PROOF]

    assert {refusal(answer) for answer in answers} == {
        (401, "unauthorized_client", "Missing valid authorization header")
    }
    assert all(answer.headers["WWW-Authenticate"].startswith("Basic") for answer in answers)
    # Nothing was spent: the client itself still succeeds.
    assert ask(given).status_code == 200


ODD = "a+b/c%2B:d é"


@pytest.mark.parametrize("call", ["exchange", "refresh", "revoke"])
def test_the_header_may_be_form_encoded_first(steps, world, call):
    """RFC 6749 §2.3.1 demands it; X's own clients send id and secret as they are."""
    world.register(replace(world.clients["sandbox-client"], client_secret=ODD))
    encoded = basic(*map(quote_plus, ("sandbox-client", ODD)))
    proofs = {"as it is": basic(secret=ODD), "encoded": encoded}
    wrong = [basic(secret=quote_plus(quote_plus(ODD))), basic(secret=ODD.replace("+", " "))]
    right = steps.exchange(steps.code(), headers=encoded).json["refresh_token"]

    for headers in proofs.values():
        given = steps.code() if call == "exchange" else right
        refused = [getattr(steps, call)(given, headers=one).status_code for one in wrong]
        answer = getattr(steps, call)(given, headers=headers)
        right = answer.json.get("refresh_token", right)
        assert (refused, answer.status_code) == ([401, 401], 200)


def test_an_encoded_client_id_may_have_a_colon(steps, world):
    world.register(replace(world.clients["sandbox-client"], client_id="a:b", client_secret="c:d"))
    code = steps.code(client_id="a:b")

    assert steps.exchange(code, headers=basic("a%3Ab", "c%3Ad")).status_code == 200


def test_a_code_lives_29_seconds_and_not_30(steps, world):
    first, second = steps.code(), steps.code()
    world.clock.advance(29)
    in_time = steps.exchange(first)
    world.clock.advance(1)

    assert in_time.status_code == 200
    assert refusal(steps.exchange(second)) == (400, "invalid_request", BAD_CODE)


def test_a_second_use_of_a_code_ends_what_the_first_one_got(steps):
    """RFC 6749 §4.1.2."""
    code = steps.code()
    tokens = steps.exchange(code).json

    assert refusal(steps.exchange(code)) == (400, "invalid_request", BAD_CODE)
    assert steps.get("/2/users/me", tokens["access_token"]).status_code == 401
    assert refusal(steps.refresh(tokens["refresh_token"]))[2] == BAD_TOKEN


def test_a_code_is_bound_to_its_client(steps):
    code = steps.code()
    stolen = steps.exchange(code, headers={}, client_id="sandbox-public")

    assert refusal(stolen)[2] == BAD_CODE
    assert steps.exchange(code).status_code == 200


@pytest.mark.parametrize("seconds", [7200, 5])
def test_an_access_token_lives_as_long_as_it_says(steps, world, seconds):
    world.change({"access_token_seconds": seconds})
    tokens = steps.sign_in()
    world.clock.advance(seconds - 1)
    before = steps.get("/2/users/me", tokens["access_token"]).status_code
    world.clock.advance(1)

    assert (tokens["expires_in"], before) == (seconds, 200)
    assert steps.get("/2/users/me", tokens["access_token"]).status_code == 401


def test_a_refresh_gives_a_whole_new_set(steps):
    old = steps.sign_in()
    new = steps.refresh(old["refresh_token"])

    assert new.status_code == 200
    assert new.json["access_token"] != old["access_token"]
    assert new.json["refresh_token"] != old["refresh_token"]
    assert set(new.json["scope"].split()) == set(old["scope"].split())
    # Otherwise every request in flight would fail.
    assert steps.get("/2/users/me", old["access_token"]).status_code == 200


def test_a_second_use_of_a_refresh_token_ends_the_family(steps):
    """RFC 9700 §4.14.2."""
    old = steps.sign_in()
    new = steps.refresh(old["refresh_token"]).json

    assert refusal(steps.refresh(old["refresh_token"])) == (400, "invalid_request", BAD_TOKEN)
    assert refusal(steps.refresh(new["refresh_token"]))[2] == BAD_TOKEN
    assert steps.get("/2/users/me", new["access_token"]).status_code == 401


def test_a_refresh_token_is_bound_to_its_client(steps):
    token = steps.sign_in()["refresh_token"]
    stolen = steps.refresh(token, headers={}, client_id="sandbox-public")

    assert refusal(stolen)[2] == BAD_TOKEN
    assert steps.refresh(token).status_code == 200


def test_only_a_refresh_token_refreshes(steps):
    answers = [steps.refresh(steps.sign_in()["access_token"]), steps.refresh("nonsense")]

    assert [refusal(answer)[2] for answer in answers] == [BAD_TOKEN] * 2


def test_a_suspension_ends_all_of_a_person_for_good(steps, world):
    """Whether lifting it revives anything at Twitter is not known; here it does not."""
    code, tokens, robins = steps.code(), steps.sign_in(), steps.sign_in("robin")
    for suspended in (True, False):
        world.change_account("wren", {"suspended": suspended})

        assert steps.get("/2/users/me", tokens["access_token"]).status_code == 401
        assert refusal(steps.refresh(tokens["refresh_token"])) == (
            400,
            "invalid_request",
            BAD_TOKEN,
        )
        assert refusal(steps.exchange(code)) == (400, "invalid_request", BAD_CODE)
    assert steps.get("/2/users/me", steps.sign_in()["access_token"]).status_code == 200
    assert steps.get("/2/users/me", robins["access_token"]).status_code == 200


@pytest.mark.parametrize("way", ["json", "query_string"])
@pytest.mark.parametrize("call", ["refresh", "revoke"])
def test_parameters_may_come_as_json_or_in_the_query_of_a_post(steps, way, call):
    """Published clients do this, and Twitter answers them."""
    token = steps.sign_in()["refresh_token"]
    path = {"refresh": "/2/oauth2/token", "revoke": "/2/oauth2/revoke"}[call]
    form = {"token": token, "token_type_hint": "refresh_token"}
    if call == "refresh":
        form = {"grant_type": "refresh_token", "refresh_token": token}

    assert steps.browser.post(path, headers=basic(), **{way: form}).status_code == 200


@pytest.mark.parametrize("way", ["data", "json"])
def test_a_parameter_in_query_and_body_is_there_twice(steps, way):
    """RFC 6749 §3.2: "parameters MUST NOT be included more than once"."""
    token = steps.sign_in()["refresh_token"]
    form = {way: {"grant_type": "refresh_token", "refresh_token": token}}
    for value in (token, "another"):
        query = {"refresh_token": value}
        answer = steps.browser.post("/2/oauth2/token", query_string=query, headers=basic(), **form)

        assert refusal(answer)[:2] == (400, "invalid_request")
        assert "[refresh_token] was passed more than once" in answer.json["error_description"]
    assert steps.refresh(token).status_code == 200


def test_a_multipart_form_is_not_read(steps):
    """RFC 6749 §3.2 has one kind of form."""
    form = {"grant_type": "refresh_token", "refresh_token": steps.sign_in()["refresh_token"]}
    answer = steps.browser.post(
        "/2/oauth2/token", data=form, headers=basic(), content_type="multipart/form-data"
    )

    assert refusal(answer) == (
        400,
        "invalid_request",
        "Missing required parameter [grant_type].",
    )


@pytest.mark.parametrize("verifier", ["a", "v" * 42, "v" * 129, "v" * 42 + "é", "v" * 42 + "+"])
def test_a_verifier_has_43_to_128_of_the_listed_characters(steps, verifier):
    """RFC 7636 §4.1."""
    digest = hashlib.sha256(verifier.encode()).digest()
    code = steps.code(code_challenge=base64.urlsafe_b64encode(digest).decode().rstrip("="))

    answer = steps.exchange(code, code_verifier=verifier)

    assert refusal(answer)[:2] == (400, "invalid_request")
    assert "did not match the code challenge" in answer.json["error_description"]


def test_odd_json_is_refused(steps):
    headers = basic() | {"Content-Type": "application/json"}
    bodies = ["[]", "{", '{"grant_type": 1}', '{"code": ["a"]}', "null"]
    answers = [steps.browser.post("/2/oauth2/token", data=b, headers=headers) for b in bodies]

    assert [refusal(answer)[:2] for answer in answers] == [(400, "invalid_request")] * 5


def test_a_request_without_a_grant_type_is_told_so(steps):
    """Seen on X in April 2026 (Steward-Fi/steward, PR #31)."""
    answers = [steps.exchange(steps.code(), grant_type=kind) for kind in (None, "")]

    said = (400, "invalid_request", "Missing required parameter [grant_type].")
    assert [refusal(answer) for answer in answers] == [said] * 2


def test_a_refresh_token_lives_six_months(steps, world):
    """Said by X's staff in 2022. A refresh brings a new one, with six months of its own."""
    first = steps.sign_in()["refresh_token"]
    world.clock.advance(SIX_MONTHS - 1)
    second = steps.refresh(first).json["refresh_token"]
    world.clock.advance(SIX_MONTHS - 1)
    third = steps.refresh(second).json["refresh_token"]
    world.clock.advance(SIX_MONTHS)

    too_late = steps.refresh(third)

    assert refusal(too_late) == (400, "invalid_request", BAD_TOKEN)
