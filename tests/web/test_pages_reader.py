"""Reading side by side and from memory, apart from any page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from types import SimpleNamespace

import pytest

from app.accounts.allowance import Allowance
from app.accounts.errors import GrantEnded
from app.accounts.people import Person
from app.cache import Cache
from app.metrics import Metrics
from app.pages import reader, reads, sources, view
from app.pages.reader import Reader
from app.pages.reads import Read
from app.twitter import turns
from app.twitter.breaker import Breaker
from app.twitter.budget import Budget
from app.twitter.client import Asked
from app.twitter.dialect import BY_NAME, Permission
from app.twitter.endpoints import FOLLOWING, TWEETS, USER_TWEETS, USERS_ME
from app.twitter.entities import User
from app.twitter.errors import (
    Busy,
    Limited,
    OutOfCredits,
    PermissionMissing,
    PlanLacksIt,
    TokenRefused,
    Unreachable,
    Unreadable,
)
from app.twitter.limits import Window
from app.twitter.turns import Turns
from tests.factories import Clock

# Whatever a dialect calls it.
EVERYTHING = frozenset(one.scope(need) for one in BY_NAME.values() for need in Permission)
TWEETS_AND_USERS = frozenset({"tweet.read", "users.read"})
WREN = {"id": "1001", "username": "wren", "name": "Wren"}


class Tokens:
    """Hands out tokens as told, and counts."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.refreshed = []

    def usable_token(self, grant_id, *, budget):
        return self.next()

    def token_after_refusal(self, grant_id, *, refused, budget):
        self.refreshed.append(refused)
        return self.next()

    def next(self):
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token


class Twitter:
    """Answers as told, one after the other and then the last for ever; notes who asks for what."""

    def __init__(self):
        self.asked = []
        self.answers = [{"data": [WREN]}]
        self.windows = ()

    def send(self, request, token, *, budget, heard):
        self.asked.append((request.path, token))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request, token)
        heard(Asked(endpoint=request.endpoint, items=1, windows=self.windows))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Usages:
    def __init__(self):
        self.counted = []

    def add(self, user_id, asked, *, now):
        self.counted += asked


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def here(clock, dialect):
    """The services that reading takes, with a Twitter that says what the test wants."""
    with ThreadPoolExecutor(60) as threads:
        cache = Cache(redis_url=None, clock=clock)
        yield SimpleNamespace(
            cache=cache,
            allowance=Allowance(cache, clock=clock),
            usages=Usages(),
            freshness=Tokens("t"),
            client=Twitter(),
            breaker=Breaker(slots=120),
            metrics=Metrics(),
            readers=threads,
            turns=Turns(120, for_one=60),
            dialect=BY_NAME[dialect.name],
            config=SimpleNamespace(cache_seconds=60),
            now=clock,
        )


def person(user_id=1, epoch=0, follows_epoch=0, *, scopes=None):
    return Person(
        user_id=user_id,
        grant_id="g",
        profile=User(id=str(1000 + user_id), username="wren", name="Wren"),
        scopes=EVERYTHING if scopes is None else scopes,
        signed_in_at=datetime.now(UTC),
        cache_epoch=epoch,
        follows_epoch=follows_epoch,
    )


def panels(here, *, who=None, anew=None, budget=None, **reads):
    reading = Reader(person=who or person(), here=here, anew=anew or {}, budget=budget or Budget())
    return reading.panels(**(reads or {"people": people()}))


def people(user_id="7"):
    return Read(asks=(FOLLOWING,), fetch=lambda api: api.following(user_id))


def spaces(here):
    return reads.spaces("7", here.dialect)


def names(panel):
    return [item.name for item in panel.page.items]


def spaces_for_everybody(request, token):
    """Answer every request of the Spaces panel: today there are two."""
    space = {"id": "1DXxyRYNejbKM", "state": "live", "title": "Dawn chorus"}
    return {"data": [space if "/spaces" in request.path else WREN]}


def named(name):
    return {"data": [{**WREN, "name": name}]}


# Side by side


def test_reads_run_at_the_same_time(here):
    both = Barrier(2)

    def together(request, token):
        both.wait(5)
        return {"data": [WREN]}

    here.client.answers = [together]

    found = panels(here, one=people("1"), two=people("2"))

    assert [names(panel) for panel in found.values()] == [["Wren"], ["Wren"]]


def test_panels_stand_in_the_order_asked_for(here):
    panels(here, second=people("2"))

    assert list(panels(here, first=people("1"), second=people("2"))) == ["first", "second"]


def test_a_failure_holds_nothing_of_the_answer(here):
    here.client.answers = [{"data": [{"id": "no"}] * 100}]

    outcome = Reader(person=person(), here=here)._attempt("people", people(), "t", [])

    assert isinstance(outcome.error, Unreadable)
    assert outcome.error.__traceback__ is None


def test_only_what_was_refused_is_read_again(here):
    here.freshness = Tokens("old", "new")
    here.client.answers = [
        lambda request, token: (
            TokenRefused("about:blank")
            if (request.path, token) == ("/users/1/following", "old")
            else named("fine")
        )
    ]

    found = panels(here, refused=people("1"), fine=people("2"))

    assert [names(panel) for panel in found.values()] == [["fine"], ["fine"]]
    assert sorted(here.client.asked) == [
        ("/users/1/following", "new"),
        ("/users/1/following", "old"),
        ("/users/2/following", "old"),
    ]


def test_one_refresh_serves_all_panels(here):
    here.freshness = Tokens("old", "new")
    here.client.answers = [
        lambda request, token: TokenRefused("about:blank") if token == "old" else named("fine")
    ]

    panels(here, one=people("1"), two=people("2"))

    assert here.freshness.refreshed == ["old"]


@pytest.mark.parametrize("tokens", [(GrantEnded(),), ("old", GrantEnded())])
def test_the_end_of_the_grant_gets_out(here, tokens):
    here.freshness = Tokens(*tokens)
    here.client.answers = [TokenRefused("about:blank")]

    with pytest.raises(GrantEnded):
        panels(here)


@pytest.mark.parametrize("tokens", [(Unreachable("x"),), ("old", Unreachable("x"))])
def test_trouble_with_the_token_stays_in_the_panel(here, tokens):
    here.freshness = Tokens(*tokens)
    here.client.answers = [TokenRefused("about:blank")]

    assert panels(here)["people"].trouble.text.startswith("Twitter is not answering.")


def test_a_mistake_of_ours_is_not_hidden_in_a_panel(here):
    with pytest.raises(ZeroDivisionError):
        panels(here, one=Read(asks=(USERS_ME,), fetch=lambda api: 1 / 0))


def test_nothing_to_read_takes_no_token(here):
    here.freshness = Tokens(AssertionError("nobody may ask"))
    lacking = person(scopes=TWEETS_AND_USERS)

    found = panels(here, who=lacking)

    assert found["people"].trouble.ask is Permission.READ_FOLLOWS


def test_no_free_thread_ends_with_the_budget(here, monkeypatch):
    monkeypatch.setattr(reader, "GRACE", 0.01)
    over = Event()
    for _ in range(60):
        here.readers.submit(over.wait, 5)

    found = panels(here, budget=Budget(0.01))
    over.set()

    assert found["people"].trouble.text.startswith("Many people are reading")


def test_what_was_asked_is_counted(here):
    panels(here, one=people("1"), two=people("2"))

    assert [one.endpoint for one in here.usages.counted] == [FOLLOWING, FOLLOWING]


# From memory


def test_what_was_read_a_moment_ago_costs_nothing(here, clock):
    panels(here)
    clock.advance(seconds=59)

    panel = panels(here)["people"]

    assert names(panel) == ["Wren"]
    assert panel.read_at == clock() - timedelta(seconds=59)
    assert len(here.client.asked) == 1
    assert len(here.usages.counted) == 1


def test_it_takes_no_token_either(here):
    panels(here)
    here.freshness = Tokens(AssertionError("nobody may ask"))

    assert names(panels(here)["people"]) == ["Wren"]


def test_after_its_time_it_is_read_anew(here, clock):
    here.client.answers = [named("before"), named("after")]
    panels(here)
    clock.advance(seconds=60)

    assert names(panels(here)["people"]) == ["after"]


def test_while_twitter_hangs_old_answers_are_shown_without_asking(here, clock):
    panels(here)
    clock.advance(seconds=60)
    here.client.answers = [Unreachable("no answer", silent=True)]
    for stranger in range(2, 22):
        panels(here, who=person(stranger))
    asked = len(here.client.asked)

    panel = panels(here)["people"]

    assert [names(panel), panel.is_old] == [["Wren"], True]
    assert len(here.client.asked) == asked


def test_the_refresh_button_reads_one_panel_anew(here, clock):
    here.client.answers = [named("before"), named("after")]
    panels(here)
    clock.advance(seconds=30)

    assert names(panels(here, anew={"people": view.NEW_ENOUGH})["people"]) == ["after"]


def test_pressing_refresh_twice_costs_once(here, clock):
    panels(here)
    clock.advance(seconds=4)

    panels(here, anew={"people": view.NEW_ENOUGH})

    assert len(here.client.asked) == 1


def test_fifty_who_wait_for_one_cold_key_cost_one_read(here):
    everybody = Barrier(50)

    def one_of_them():
        everybody.wait(10)
        return panels(here)["people"]

    with ThreadPoolExecutor(50) as threads:
        found = [future.result() for future in [threads.submit(one_of_them) for _ in range(50)]]

    assert [names(panel) for panel in found] == [["Wren"]] * 50
    assert len(here.client.asked) == 1


@pytest.mark.parametrize(
    "error",
    [Unreachable("HTTP 503"), Unreadable("x"), PermissionMissing("about:blank"), Busy("x")],
)
def test_fifty_who_wait_in_vain_cost_one_read(here, error):
    everybody = Barrier(50)
    here.client.answers = [error]

    def one_of_them():
        everybody.wait(10)
        return panels(here)["people"].trouble.text

    with ThreadPoolExecutor(50) as threads:
        found = [future.result() for future in [threads.submit(one_of_them) for _ in range(50)]]

    assert len(set(found)) == 1
    assert len(here.client.asked) == 1


def test_a_failure_is_not_remembered_for_long(here, clock):
    here.client.answers = [Unreachable("HTTP 503"), named("back")]
    panels(here)
    clock.advance(seconds=3)

    assert names(panels(here)["people"]) == ["back"]


def test_what_one_token_may_not_the_next_one_may(here):
    here.freshness = Tokens("old", "new")
    here.client.answers = [PermissionMissing("about:blank"), named("granted")]
    panels(here)

    assert names(panels(here)["people"]) == ["granted"]


def test_two_people_never_share(here):
    here.client.answers = [named("of the first"), named("of the second")]
    panels(here, who=person(1))

    assert names(panels(here, who=person(2))["people"]) == ["of the second"]


def test_the_next_epoch_reads_anew(here):
    here.client.answers = [named("before the follow"), named("after it")]
    panels(here, who=person(epoch=0))

    assert names(panels(here, who=person(epoch=1))["people"]) == ["after it"]


def test_the_next_epoch_of_follows_reads_anew_what_depends_on_them(here):
    here.client.answers = [named("before the follow"), named("after it")]
    panels(here, who=person(follows_epoch=0))

    assert names(panels(here, who=person(follows_epoch=1))["people"]) == ["after it"]


def test_the_next_epoch_of_follows_leaves_alone_what_does_not(here):
    tweets = Read(asks=(TWEETS,), fetch=lambda api: api.tweets(["7"]))
    here.client.answers = [{"data": [{"id": "7", "text": "dawn chorus"}]}]
    panels(here, who=person(follows_epoch=0), tweets=tweets)

    [tweet] = panels(here, who=person(follows_epoch=1), tweets=tweets)["tweets"].page.items

    assert tweet.id == "7"
    assert len(here.client.asked) == 1


def test_another_list_is_another_key(here):
    panels(here, people=people("1"))
    panels(here, people=people("2"))

    assert len(here.client.asked) == 2


def test_spaces_are_kept_five_minutes_with_the_list_they_take(here, clock):
    here.client.answers = [spaces_for_everybody]
    panels(here, spaces=spaces(here))
    asked = len(here.client.asked)
    clock.advance(seconds=299)

    assert panels(here, spaces=spaces(here))["spaces"].page.items[0].title == "Dawn chorus"
    assert len(here.client.asked) == asked
    clock.advance(seconds=1)
    panels(here, spaces=spaces(here))
    assert len(here.client.asked) == 2 * asked


def test_refreshing_spaces_does_not_read_the_follows_again(here, clock):
    here.client.answers = [spaces_for_everybody]
    panels(here, spaces=spaces(here))
    clock.advance(seconds=30)

    panels(here, spaces=spaces(here), anew={"spaces": view.NEW_ENOUGH})

    paths = [path for path, _ in here.client.asked]
    assert paths == ["/users/7/following", "/spaces/by/creator_ids", "/spaces/by/creator_ids"]


def test_who_has_too_many_windows_open_sees_what_there_is(here, clock, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    here.turns = Turns(1, for_one=1)
    panels(here)
    clock.advance(minutes=5)

    with here.turns.one("1001", Budget()):
        panel = panels(here)["people"]

    assert (names(panel), panel.is_old) == (["Wren"], True)
    assert len(here.client.asked) == 1


def test_old_data_is_not_shown_after_a_refused_token(here, clock):
    panels(here)
    clock.advance(minutes=5)
    here.freshness = Tokens("old", TokenRefused("just refreshed"))
    here.client.answers = [TokenRefused("about:blank")]

    assert names(panels(here)["people"]) == []


def test_without_a_cache_everything_is_read_and_nothing_is_remembered(here):
    here.cache = None
    here.allowance = Allowance(None, clock=here.now)
    here.client.answers = [Limited("429", until=here.now() + timedelta(minutes=9)), named("now")]

    first, second = panels(here)["people"], panels(here)["people"]

    assert first.trouble.until is not None
    assert (names(second), second.read_at) == (["now"], None)


# Trouble, and old data


@pytest.mark.parametrize(
    "error",
    [Unreachable("HTTP 503"), Unreadable("x"), Busy("x"), Limited("HTTP 429")],
)
def test_old_data_is_shown_with_its_age_while_twitter_is_in_trouble(here, clock, error):
    panels(here)
    read_at = clock()
    clock.advance(hours=2)
    here.client.answers = [error]

    panel = panels(here)["people"]

    assert (names(panel), panel.read_at, panel.is_old) == (["Wren"], read_at, True)
    assert panel.trouble is not None


@pytest.mark.parametrize("error", [PermissionMissing("about:blank"), PlanLacksIt("x")])
def test_old_data_is_not_shown_after_a_clear_no(here, clock, error):
    panels(here)
    clock.advance(hours=2)
    here.client.answers = [error]

    panel = panels(here)["people"]

    assert (names(panel), panel.is_old) == ([], False)


def test_old_data_is_shown_when_there_is_no_token_to_read_with(here, clock):
    panels(here)
    clock.advance(hours=2)
    here.freshness = Tokens(Unreachable("the refresh failed"))

    panel = panels(here)["people"]

    assert (names(panel), panel.is_old) == (["Wren"], True)


def test_a_hundred_views_before_a_known_reset_cost_nothing(here, clock):
    until = clock() + timedelta(minutes=10)
    here.client.answers = [Limited("HTTP 429", until=until)]
    panels(here)

    found = [panels(here)["people"] for _ in range(100)]

    assert {panel.trouble.until for panel in found} == {until}
    assert len(here.client.asked) == 1


def test_after_the_reset_it_is_asked_again(here, clock):
    here.client.answers = [Limited("HTTP 429", until=clock() + timedelta(minutes=10)), named("now")]
    panels(here)
    clock.advance(minutes=10, seconds=1)

    assert names(panels(here)["people"]) == ["now"]


@pytest.mark.parametrize(
    "name, ahead",
    [("x-rate-limit", timedelta(minutes=15)), ("x-user-limit-24hour", timedelta(hours=24))],
)
def test_the_last_permitted_call_is_not_followed_by_one_in_vain(here, clock, name, ahead):
    resets_at = clock() + ahead - timedelta(seconds=1)
    here.client.windows = (Window(name=name, limit=1, remaining=0, resets_at=resets_at),)
    panels(here, people=people("1"))

    panel = panels(here, people=people("2"))["people"]

    assert panel.trouble.until == resets_at
    assert len(here.client.asked) == 1


def test_a_limit_of_one_endpoint_is_none_of_another(here):
    here.client.answers = [Limited("HTTP 429"), named("fine")]
    panels(here)
    profile = Read(asks=(USER_TWEETS,), fetch=lambda api: api.users(["1"]))

    assert names(panels(here, other=profile)["other"]) == ["fine"]


def test_a_limit_of_one_person_is_none_of_another(here):
    here.client.answers = [Limited("HTTP 429"), named("fine")]
    panels(here, who=person(1))

    assert names(panels(here, who=person(2))["people"]) == ["fine"]


@pytest.mark.parametrize(
    "error, minutes, left_out",
    [
        (PlanLacksIt("client-forbidden"), 60, "plan"),
        (OutOfCredits("credits"), 5, "credits"),
    ],
)
def test_what_nobody_pays_for_is_not_asked_for_anybody(here, clock, error, minutes, left_out):
    here.client.answers = [error, named("paid")]
    panels(here, who=person(1))
    clock.advance(minutes=minutes, seconds=-1)

    panel = panels(here, who=person(2))["people"]

    assert panel.left_out == left_out
    assert len(here.client.asked) == 1
    clock.advance(seconds=1)
    assert names(panels(here, who=person(2))["people"]) == ["paid"]


def test_what_one_persons_own_plan_lacks_goes_for_nobody_else(here):
    here.client.answers = [PlanLacksIt("client-forbidden", for_everyone=False), named("fine")]
    panels(here, who=person(1))

    assert names(panels(here, who=person(2))["people"]) == ["fine"]
    assert panels(here, who=person(1), people=people("8"))["people"].left_out == "own plan"


def test_old_parts_make_an_old_panel(here, clock):
    here.client.answers = [spaces_for_everybody]
    panels(here, spaces=spaces(here))
    read_at = clock()
    clock.advance(minutes=6)
    here.client.answers = [{"data": [WREN]}, Unreachable("HTTP 503")]

    panel = panels(here, spaces=spaces(here))["spaces"]

    assert (panel.read_at, panel.is_old) == (read_at, True)


@pytest.mark.parametrize("for_everyone", [True, False])
def test_whose_plan_it_was_is_passed_on_to_those_who_wait(for_everyone):
    error = PlanLacksIt("client-forbidden", for_everyone=for_everyone)

    assert sources._failed(sources._noted(error)).for_everyone == for_everyone


def test_a_failure_that_nobody_knows_is_twitter_trouble():
    assert str(sources._failed({"kind": "Whatever", "until": None})) == "a moment ago"
