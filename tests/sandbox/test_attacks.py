"""Attacks, by eight threads at once where it matters."""

import contextlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest

from sandbox.oauth.token_store import Code, Token
from tests.sandbox.steps import CALLBACK, CHALLENGE, VERIFIER, basic, bearer

HANDS = 8


class Gap:
    """A gap between the check and the change, in which each thread waits for all the others.

    Eight threads rarely meet in a few lines of Python, so without a gap a missing lock shows one
    time in a thousand. With the lock the first one waits in vain, and the gap closes.
    """

    def __init__(self, patience):
        self._barrier = Barrier(HANDS)
        self._patience = patience
        self.is_open = False

    def meet(self):
        if self.is_open:
            with contextlib.suppress(BrokenBarrierError):
                self._barrier.wait(self._patience)

    def after(self, look):
        """Give a function that looks, and then waits at the gap."""

        def looked(*given):
            found = look(*given)
            self.meet()
            return found

        return looked


def widen(gap, monkeypatch, world):
    """Put the gap into the three places where something must happen once."""
    spent = Code.__dict__["spent"]
    monkeypatch.setattr(Code, "spent", property(gap.after(spent.__get__), spent.__set__))
    monkeypatch.setattr(Token, "state", gap.after(Token.state))

    class Waiting(OrderedDict):
        def pop(self, key, default):
            found = gap.after(self.get)(key, default)
            super().pop(key, None)
            return found

    world.consent_requests.waiting = Waiting()


@pytest.fixture
def gap(monkeypatch, world):
    """Yield a gap that is opened by `at_once`."""
    gap = Gap(patience=0.2)
    widen(gap, monkeypatch, world)
    return gap


@pytest.fixture
def unlocked_gap(monkeypatch, world):
    """Yield a gap in a world without locks."""
    gap = Gap(patience=20)
    widen(gap, monkeypatch, world)
    world.lock = world.token_store.lock = world.consent_requests.lock = contextlib.nullcontext()
    return gap


def at_once(app, forms, gap, path="/2/oauth2/token"):
    """Send the forms at the same moment, each from a thread of its own."""
    barrier = Barrier(len(forms))

    def send(form):
        barrier.wait()
        return app.test_client().post(path, data=form, headers=basic())

    gap.is_open = True
    with ThreadPoolExecutor(len(forms)) as hands:
        answers = list(hands.map(send, forms))
    gap.is_open = False
    return answers


def exchanging(code, **changes):
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    } | changes


def refreshing(token):
    return {"grant_type": "refresh_token", "refresh_token": token}


def answering(consent_request):
    return {"consent_request": consent_request, "account": "wren", "decision": "authorize"}


def winners(answers):
    return [answer for answer in answers if answer.status_code in {200, 302}]


def race(app, steps, gap, what):
    """Let eight at once do what works once."""
    if what == "answer":
        return at_once(
            app, [answering(steps.consent_request())] * HANDS, gap, "/i/oauth2/authorize"
        )
    spent = steps.code() if what == "exchange" else steps.sign_in()["refresh_token"]
    form = exchanging(spent) if what == "exchange" else refreshing(spent)
    return at_once(app, [form] * HANDS, gap)


RACES = pytest.mark.parametrize("what", ["exchange", "refresh", "answer"])


@RACES
def test_of_eight_at_once_one_wins(app, steps, gap, what):
    """RFC 6749 §4.1.2: what was used twice leaves even the winner nothing."""
    answers = race(app, steps, gap, what)

    assert sorted(a.status_code in {200, 302} for a in answers) == [False] * (HANDS - 1) + [True]
    if what != "answer":
        [won] = winners(answers)
        assert (
            what == "refresh"
            or steps.get("/2/users/me", won.json["access_token"]).status_code == 401
        )
        assert steps.refresh(won.json["refresh_token"]).status_code == 400


@RACES
def test_without_the_lock_all_would_win(app, steps, unlocked_gap, what):
    """The test above can fail: this is what it would see."""
    assert len(winners(race(app, steps, unlocked_gap, what))) == HANDS


def test_of_seven_guesses_and_the_right_verifier_at_once_at_most_one_wins(app, steps, gap):
    code = steps.code()
    guesses = [exchanging(code, code_verifier=f"{n}" * 43) for n in range(HANDS - 1)]
    *guessed, right = at_once(app, [*guesses, exchanging(code)], gap)

    assert winners(guessed) == []
    # Before it or after it, there were guesses: either way no token lives.
    token = right.json.get("access_token", "none")
    assert steps.get("/2/users/me", token).status_code == 401


def test_eight_different_codes_all_win(app, steps, gap):
    forms = [exchanging(steps.code()) for _ in range(HANDS)]

    assert [answer.status_code for answer in at_once(app, forms, gap)] == [200] * HANDS


def test_the_verifier_of_another_sign_in_does_not_fit(steps):
    mine = steps.code()
    theirs = steps.code(code_challenge="b" * 43)

    assert steps.exchange(theirs).status_code == 400
    assert steps.exchange(mine).status_code == 200


def test_a_refresh_cannot_ask_for_more(steps):
    token = steps.sign_in(scope="tweet.read users.read offline.access")["refresh_token"]
    answer = steps.refresh(token, scope="tweet.read users.read follows.write")

    assert "follows.write" not in answer.json["scope"]


def test_only_an_access_token_opens_the_api(steps):
    """Nor does one in the address (RFC 6750 §2.3): addresses end up in logs."""
    tokens = steps.sign_in()
    others = [steps.code(), tokens["refresh_token"]]
    answers = [steps.browser.get("/2/users/me", headers=bearer(value)) for value in others]
    answers += [
        steps.browser.get("/2/users/me", query_string={name: tokens["access_token"]})
        for name in ("access_token", "bearer_token", "token")
    ]

    assert [answer.status_code for answer in answers] == [401] * 5


NEARLY = [CALLBACK + end for end in ("/", "?next=1", "?", "#here", ".evil.example", "\n")]
NEARLY += [f" {CALLBACK}", "//127.0.0.1:8000/auth/callback", ""]
NEARLY += [CALLBACK.replace(":8000", port) for port in (":8001", "")]
NEARLY += [CALLBACK.replace("http:", scheme) for scheme in ("https:", "HTTP:")]
NEARLY += [CALLBACK.replace("callback", path) for path in ("Callback", "%63allback")]
NEARLY += [CALLBACK.replace("/auth/", path) for path in ("//auth/", "/x/../auth/")]
NEARLY += [
    CALLBACK.replace("127.0.0.1", host)
    for host in ("localhost", "me@127.0.0.1", "127.0.0.1.evil.example")
]


def test_only_the_exact_callback_is_asked_for(steps):
    """RFC 9700 §2.1: exact string matching; nothing is sent anywhere else."""
    answers = [steps.ask(redirect_uri=redirect_uri) for redirect_uri in NEARLY]

    assert [answer.status_code for answer in answers] == [400] * len(NEARLY)
    assert not any("Location" in answer.headers for answer in answers)


def test_only_the_exact_callback_buys_tokens(steps):
    """RFC 6749 §4.1.3: the two must be identical."""
    statuses = [
        steps.exchange(steps.code(), redirect_uri=redirect_uri).status_code
        for redirect_uri in NEARLY
    ]

    assert statuses == [400] * len(NEARLY)


@pytest.mark.parametrize(
    "verifier",
    [None, "", VERIFIER[:-1], VERIFIER + "A", VERIFIER.swapcase(), CHALLENGE],
    ids=["none", "empty", "shorter", "longer", "other case", "the challenge"],
)
def test_a_guessed_verifier_spends_the_code(steps, verifier):
    code = steps.code()

    assert steps.exchange(code, code_verifier=verifier).status_code == 400
    # Without a verifier nothing was tried; after a wrong one there is no second guess.
    assert steps.exchange(code).status_code == (400 if verifier else 200)


def test_a_removed_app_cannot_refresh_its_way_back(steps, world):
    tokens = steps.sign_in()
    code = steps.code()
    world.token_store.disconnect(world.named("wren").id, "sandbox-client")

    assert steps.refresh(tokens["refresh_token"]).status_code == 400
    assert steps.exchange(code).status_code == 400
