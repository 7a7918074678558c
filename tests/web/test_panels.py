"""Panels and `PageReads`: parallel calls, the cache, and errors, without any page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from types import SimpleNamespace

import pytest

from app.accounts.errors import GrantEnded
from app.accounts.people import Person
from app.gateway import cached_source, page_reads
from app.gateway.calls import Calls, Upstream
from app.gateway.page_reads import PageReads, ReadRequest
from app.gateway.quota import Quota
from app.gateway.token_refresh import LivingToken
from app.observability.metrics import Metrics
from app.pages.panels import REFRESH_MAX_AGE, PanelLoader, trouble
from app.pages.queries import Query
from app.storage.cache import Cache
from app.twitter.api_client import ApiCall
from app.twitter.circuit_breaker import CircuitBreaker
from app.twitter.dialect import BY_NAME, LIVE, Permission
from app.twitter.endpoints import FOLLOWING, SPACES_BY_CREATORS, TWEETS, USER_TWEETS, USERS_ME
from app.twitter.errors import (
    Busy,
    InvalidAnswer,
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    Refused,
    TokenRefused,
    Unreachable,
    WrongTokenType,
)
from app.twitter.models import Profile
from app.twitter.rate_limit_headers import Window
from app.twitter.transport import bulkhead
from app.twitter.transport.bulkhead import PerPersonBulkhead
from app.twitter.transport.deadline import Deadline
from app.web.messages import lower_first
from tests.factories import Clock

EVERYTHING = frozenset(LIVE.scope(need) for need in Permission)
WREN = {"id": "1001", "username": "wren", "name": "Wren"}
READ_TWEETS = "Read the Tweets you can see, protected ones too"
SPACE = {"id": "1DXxyRYNejbKM", "state": "live", "title": "Dawn chorus"}


class Tokens:
    """Returns the given tokens in turn, and counts the refreshes."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.refreshed = []

    def living_token(self, grant_id, *, deadline):
        return LivingToken(self.next(), is_due=False)

    def token_after_401(self, grant_id, *, refused, deadline):
        self.refreshed.append(refused)
        return self.next()

    def next(self):
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token


class Twitter:
    """Returns the given answers in turn, the last one repeatedly; records path and token."""

    def __init__(self):
        self.asked = []
        self.answers = [{"data": [WREN]}]
        self.windows = ()

    def send(self, request, token, deadline, *, on_answer):
        self.asked.append((request.path, token))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request, token)
        on_answer(ApiCall(endpoint=request.endpoint, items=1, windows=self.windows))
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


class Here:
    """The services that panels use, with a scripted Twitter."""

    def __init__(self, threads, clock):
        self.threads = threads
        self.now = clock
        self.cache = Cache(redis_url=None, clock=clock)
        self.quota = Quota(self.cache, clock=clock)
        self.usages = Usages()
        self.tokens = Tokens("t")
        self.client = Twitter()
        self.metrics = Metrics()
        self.breaker = CircuitBreaker(
            slots=120,
            on_change=self.metrics.on_circuit_change,
            on_short_circuit=self.metrics.on_short_circuit,
        )
        self.bulkhead = PerPersonBulkhead(120, max_calls_per_person=60)
        self.dialect = BY_NAME["live"]
        self.config = SimpleNamespace(cache_seconds=60)

    @property
    def page_reads(self):
        shared = SimpleNamespace(database=None, clock=self.now)
        upstream = Upstream(
            client=self.client, dialect=self.dialect, breaker=self.breaker, bulkhead=self.bulkhead
        )
        calls = Calls(shared, upstream, self.tokens, self.quota, self.usages)
        reading = PageReads(calls, self.cache, self.metrics, threads=1)
        reading._pool = self.threads
        return reading


@pytest.fixture
def here(clock):
    with ThreadPoolExecutor(60) as threads:
        yield Here(threads, clock)


def person(user_id=1, epoch=0, follows=0, *, scopes=EVERYTHING):
    return Person(
        user_id=user_id,
        session_id="s",
        grant_id="g",
        profile=Profile(id=str(1000 + user_id), username="wren", name="Wren"),
        scopes=scopes,
        signed_in_at=datetime.now(UTC),
        cache_epoch=epoch,
        epochs={"follows": follows},
    )


def panels(here, *, who=None, max_age=None, deadline=None, **reads):
    loader = PanelLoader(
        person=who or person(), app=here, max_age=max_age or {}, deadline=deadline or Deadline()
    )
    return loader.load(**(reads or {"people": people()}))


def people(user_id="7"):
    return Query(endpoints=(FOLLOWING,), fetch=lambda api: api.following(user_id))


def spaces():
    """Return a query of two calls, kept for five minutes."""
    return Query(
        endpoints=(SPACES_BY_CREATORS, FOLLOWING),
        fetch=lambda api: api.spaces_of_followed("7"),
        cached_for=timedelta(minutes=5),
    )


def names(panel):
    return [item.name for item in panel.page.items]


def spaces_or_people(request, token):
    """Answer both requests of the Spaces panel."""
    return {"data": [SPACE if "/spaces" in request.path else WREN]}


def named(name):
    return {"data": [{**WREN, "name": name}]}


def fifty_at_once(do):
    all_readers = Barrier(50)

    def one_of_them():
        all_readers.wait(10)
        return do()

    with ThreadPoolExecutor(50) as threads:
        return [future.result() for future in [threads.submit(one_of_them) for _ in range(50)]]


# Parallel calls


def test_reads_run_at_the_same_time_and_stand_in_the_order_asked(here):
    both = Barrier(2)

    def together(request, token):
        both.wait(5)
        return {"data": [WREN]}

    here.client.answers = [together]

    found = panels(here, second=people("2"), first=people("1"))

    assert {name: names(panel) for name, panel in found.items()} == {
        "second": ["Wren"],
        "first": ["Wren"],
    }
    assert list(found) == ["second", "first"]
    assert [one.endpoint for one in here.usages.counted] == [FOLLOWING, FOLLOWING]


def test_a_failure_holds_nothing_of_the_answer(here):
    here.client.answers = [{"data": [{"id": "no"}] * 100}]

    wanted = ReadRequest(fetch=people().fetch, max_age=lambda _: timedelta(0))
    outcome = here.page_reads.all(person(), {"people": wanted}, deadline=Deadline())["people"]

    assert isinstance(outcome.error, InvalidAnswer)
    assert outcome.error.__traceback__ is None


def test_only_refused_reads_are_tried_with_another_token(here):
    here.tokens = Tokens("old", "new")
    here.client.answers = [
        lambda request, token: (
            named("fine")
            if token == "new" or request.path == "/users/3/following"
            else TokenRefused("about:blank")
        )
    ]

    found = panels(here, one=people("1"), two=people("2"), fine=people("3"))

    assert [names(panel) for panel in found.values()] == [["fine"]] * 3
    assert sorted(here.client.asked) == [
        ("/users/1/following", "new"),
        ("/users/1/following", "old"),
        ("/users/2/following", "new"),
        ("/users/2/following", "old"),
        ("/users/3/following", "old"),
    ]
    assert here.tokens.refreshed == ["old"]


@pytest.mark.parametrize("tokens", [(GrantEnded(),), ("old", GrantEnded())])
def test_the_end_of_the_grant_gets_out(here, tokens):
    here.tokens = Tokens(*tokens)
    here.client.answers = [TokenRefused("about:blank")]

    with pytest.raises(GrantEnded):
        panels(here)


@pytest.mark.parametrize("tokens", [(Unreachable("x"),), ("old", Unreachable("x"))])
def test_trouble_with_the_token_stays_in_the_panel(here, tokens):
    here.tokens = Tokens(*tokens)
    here.client.answers = [TokenRefused("about:blank")]

    assert panels(here)["people"].trouble.text.startswith("Twitter is not answering.")


def test_a_mistake_of_ours_is_not_hidden_in_a_panel(here):
    with pytest.raises(ZeroDivisionError):
        panels(here, one=Query(endpoints=(USERS_ME,), fetch=lambda api: 1 / 0))


def test_a_read_without_its_permission_takes_no_token(here):
    here.tokens = Tokens(AssertionError("must not be asked"))
    lacking = person(scopes=frozenset({"tweet.read", "users.read"}))

    found = panels(here, who=lacking)

    assert found["people"].trouble.ask is Permission.READ_FOLLOWS


def test_a_read_without_a_free_thread_ends_with_the_budget(here, monkeypatch):
    monkeypatch.setattr(page_reads, "GRACE", 0.01)
    over = Event()
    for _ in range(60):
        here.threads.submit(over.wait, 5)

    found = panels(here, deadline=Deadline(0.01))
    over.set()

    assert found["people"].trouble.text.startswith("Too many people at once.")


# The cache


def test_an_answer_costs_nothing_while_it_is_fresh(here, clock):
    here.client.answers = [named("before"), named("after")]
    panels(here)
    token, here.tokens = here.tokens, Tokens(AssertionError("must not be asked"))
    clock.advance(seconds=59)

    fresh = panels(here)["people"]

    assert (names(fresh), fresh.read_at) == (["before"], clock() - timedelta(seconds=59))
    assert len(here.usages.counted) == 1
    here.tokens = token
    clock.advance(seconds=1)
    assert names(panels(here)["people"]) == ["after"]


def test_old_answers_are_shown_without_asking_while_twitter_hangs(here, clock):
    panels(here)
    clock.advance(seconds=60)
    here.client.answers = [Unreachable("no answer", silent=True)]
    for stranger in range(2, 22):
        panels(here, who=person(stranger))
    asked = len(here.client.asked)

    panel = panels(here)["people"]

    assert [names(panel), panel.is_old] == [["Wren"], True]
    assert len(here.client.asked) == asked


@pytest.mark.parametrize("seconds, expected", [(4, ["before"]), (5, ["after"])])
def test_a_refresh_takes_nothing_older_than_five_seconds(here, clock, seconds, expected):
    here.client.answers = [named("before"), named("after")]
    panels(here)
    clock.advance(seconds=seconds)

    panel = panels(here, max_age={"people": REFRESH_MAX_AGE})["people"]

    assert names(panel) == expected


@pytest.mark.parametrize(
    "answer",
    [
        named("Wren"),
        Unreachable("x"),
        InvalidAnswer("x"),
        PermissionMissing("about:blank"),
        Busy("x"),
    ],
)
def test_fifty_windows_that_wait_for_one_answer_cost_one_read(here, answer):
    here.client.answers = [answer]

    found = fifty_at_once(lambda: panels(here)["people"])

    assert len({(panel.trouble, *names(panel)) for panel in found}) == 1
    assert len(here.client.asked) == 1


@pytest.mark.parametrize("seconds, expected", [(2.9, []), (3, ["back"])])
def test_a_failure_is_remembered_for_three_seconds(here, clock, seconds, expected):
    here.client.answers = [Unreachable("HTTP 503"), named("back")]
    panels(here)
    clock.advance(seconds=seconds)

    assert names(panels(here)["people"]) == expected


def test_a_failure_of_one_token_is_none_of_the_next(here):
    here.tokens = Tokens("old", "new")
    here.client.answers = [PermissionMissing("about:blank"), named("granted")]
    panels(here)

    assert names(panels(here)["people"]) == ["granted"]


@pytest.mark.parametrize(
    "first, second",
    [
        (person(1), person(2)),
        (person(epoch=0), person(epoch=1)),
        (person(follows=0), person(follows=1)),
    ],
    ids=["another person", "the next epoch", "the next epoch of follows"],
)
def test_answers_are_kept_for_one_person_and_epoch(here, first, second):
    here.client.answers = [named("of the first"), named("of the second")]
    panels(here, who=first)

    assert names(panels(here, who=second)["people"]) == ["of the second"]
    assert names(panels(here, who=first)["people"]) == ["of the first"]


def test_a_failure_of_one_person_is_none_of_another(here):
    here.client.answers = [Unreachable("HTTP 503"), named("fine")]
    panels(here, who=person(1))

    assert names(panels(here, who=person(2))["people"]) == ["fine"]


def test_the_next_epoch_of_follows_leaves_tweets_alone(here):
    tweets = Query(endpoints=(TWEETS,), fetch=lambda api: api.tweets(["7"]))
    here.client.answers = [{"data": [{"id": "7", "text": "dawn chorus"}]}]
    panels(here, who=person(follows=0), tweets=tweets)

    [tweet] = panels(here, who=person(follows=1), tweets=tweets)["tweets"].page.items

    assert tweet.id == "7"
    assert len(here.client.asked) == 1


def test_another_list_is_another_key(here):
    panels(here, people=people("1"))
    panels(here, people=people("2"))

    assert len(here.client.asked) == 2


def test_spaces_are_kept_five_minutes_with_the_list_they_take(here, clock):
    here.client.answers = [spaces_or_people]
    panels(here, spaces=spaces())
    clock.advance(seconds=299)

    assert panels(here, spaces=spaces())["spaces"].page.items[0].title == "Dawn chorus"
    assert len(here.client.asked) == 2
    clock.advance(seconds=1)
    panels(here, spaces=spaces())
    assert len(here.client.asked) == 4


def test_refreshing_spaces_does_not_read_the_follows_again(here, clock):
    here.client.answers = [spaces_or_people]
    panels(here, spaces=spaces())
    clock.advance(seconds=30)

    panels(here, spaces=spaces(), max_age={"spaces": REFRESH_MAX_AGE})

    paths = [path for path, _ in here.client.asked]
    assert paths == ["/users/7/following", "/spaces/by/creator_ids", "/spaces/by/creator_ids"]


def test_old_parts_make_an_old_panel(here, clock):
    here.client.answers = [spaces_or_people]
    panels(here, spaces=spaces())
    read_at = clock()
    clock.advance(minutes=6)
    here.client.answers = [{"data": [WREN]}, Unreachable("HTTP 503")]

    panel = panels(here, spaces=spaces())["spaces"]

    assert (panel.read_at, panel.is_old) == (read_at, True)


def test_a_person_with_too_many_windows_sees_what_there_is(here, clock, monkeypatch):
    monkeypatch.setattr(bulkhead, "MAX_WAIT_SECONDS", 0.01)
    here.bulkhead = PerPersonBulkhead(1, max_calls_per_person=1)
    panels(here)
    clock.advance(minutes=5)

    with here.bulkhead.slot("1001", Deadline()):
        panel = panels(here)["people"]

    assert (names(panel), panel.is_old) == (["Wren"], True)
    assert len(here.client.asked) == 1


def test_without_a_cache_everything_is_read_and_nothing_is_remembered(here):
    here.cache = None
    here.quota = Quota(None, clock=here.now)
    here.client.answers = [
        RateLimited("429", until=here.now() + timedelta(minutes=9)),
        named("now"),
    ]

    first, second = panels(here)["people"], panels(here)["people"]

    assert first.trouble.until is not None
    assert (names(second), second.read_at) == (["now"], None)


# Errors, and old data


@pytest.mark.parametrize(
    "error, shown",
    [
        (Unreachable("HTTP 503"), ["Wren"]),
        (InvalidAnswer("x"), ["Wren"]),
        (Busy("x"), ["Wren"]),
        (RateLimited("HTTP 429"), ["Wren"]),
        (PermissionMissing("about:blank"), []),
        (NotInPlan("x"), []),
    ],
)
def test_old_data_is_shown_in_passing_trouble_only(here, clock, error, shown):
    panels(here)
    read_at = clock() if shown else None
    clock.advance(hours=2)
    here.client.answers = [error]

    panel = panels(here)["people"]

    assert (names(panel), panel.read_at, panel.is_old) == (shown, read_at, bool(shown))
    assert panel.trouble is not None


@pytest.mark.parametrize(
    "tokens, shown",
    [
        ((Unreachable("the refresh failed"),), ["Wren"]),
        (("old", TokenRefused("just refreshed")), []),
    ],
)
def test_old_data_is_shown_without_a_token_unless_it_is_refused(here, clock, tokens, shown):
    panels(here)
    clock.advance(hours=2)
    here.tokens = Tokens(*tokens)
    here.client.answers = [TokenRefused("about:blank")]

    panel = panels(here)["people"]

    assert (names(panel), panel.is_old) == (shown, bool(shown))


def test_old_data_is_shown_for_a_day(here, clock):
    panels(here)
    here.client.answers = [Unreachable("HTTP 503")]
    clock.advance(hours=24)

    assert names(panels(here)["people"]) == []


def test_views_before_a_known_reset_cost_nothing(here, clock):
    until = clock() + timedelta(minutes=10)
    here.client.answers = [RateLimited("HTTP 429", until=until), named("now")]
    panels(here)

    found = [panels(here)["people"] for _ in range(10)]

    assert {panel.trouble.until for panel in found} == {until}
    assert len(here.client.asked) == 1
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


def test_a_limit_holds_for_one_endpoint_and_one_person(here):
    here.client.answers = [RateLimited("HTTP 429"), named("fine")]
    panels(here, who=person(1))
    profile = Query(endpoints=(USER_TWEETS,), fetch=lambda api: api.users(["1"]))

    assert names(panels(here, who=person(1), other=profile)["other"]) == ["fine"]
    assert names(panels(here, who=person(2))["people"]) == ["fine"]


@pytest.mark.parametrize(
    "error, minutes, unavailable",
    [
        (NotInPlan("client-forbidden"), 60, "plan"),
        (OutOfCredits("credits"), 5, "credits"),
    ],
)
def test_a_read_outside_the_plan_is_tried_for_no_other(here, clock, error, minutes, unavailable):
    here.client.answers = [error, named("paid")]
    panels(here, who=person(1))
    clock.advance(minutes=minutes, seconds=-1)

    panel = panels(here, who=person(2))["people"]

    assert panel.unavailable == unavailable
    assert len(here.client.asked) == 1
    clock.advance(seconds=1)
    assert names(panels(here, who=person(2))["people"]) == ["paid"]


def test_a_refusal_by_a_persons_own_plan_affects_no_other_person(here):
    here.client.answers = [NotInOwnPlan("client-forbidden"), named("fine")]
    panels(here, who=person(1))

    assert names(panels(here, who=person(2))["people"]) == ["fine"]
    assert panels(here, who=person(1), people=people("8"))["people"].unavailable == "own plan"


# Sentences


def test_each_error_has_its_own_sentence(clock):
    needs, later = (Permission.READ_TWEETS, Permission.READ_USERS), clock() + timedelta(minutes=9)

    def told(error):
        found = trouble(error, needs=needs, now=clock())
        flags = {"until": found.until, "ask": found.ask, "sign_in": found.sign_in}
        flags |= {"again": found.again}
        return found.text.split(".")[0], {name: value for name, value in flags.items() if value}

    again, ask = {"again": True}, {"ask": Permission.READ_TWEETS}
    assert list(
        map(
            told,
            [
                Busy("x"),
                Unreachable("x"),
                InvalidAnswer("x"),
                RateLimited("x"),
                RateLimited("x", until=later),
                RateLimited("x", until=clock()),
                TokenRefused("x"),
                NotInPlan("x"),
                NotInOwnPlan("x"),
                WrongTokenType("x"),
                OutOfCredits("x"),
                PermissionMissing("x"),
                Refused("x"),
            ],
        )
    ) == [
        ("Too many people at once", again),
        ("Twitter is not answering", again),
        ("Twitter said something odd", again),
        ("Twitter asks for a pause", again),
        ("Twitter asks for a pause", {"until": later}),
        ("Twitter asks for a pause", again),
        ("Please sign in again", {"sign_in": True}),
        ("Not part of this site's plan", {}),
        ("Not part of your own plan", {}),
        ("This is a mistake of this site, not yours", {}),
        ("Out of credits", {}),
        (f"Twitter says that a permission is missing here: {lower_first(READ_TWEETS)}", ask),
        ("Twitter does not show this to us", again),
    ]


def test_a_shared_failure_keeps_its_error_class(clock):
    later = clock() + timedelta(minutes=9)
    errors = [
        RateLimited("x", until=later),
        *(kind("x") for kind in cached_source._KINDS.values()),
    ]

    def told(error):
        return type(error), getattr(error, "until", None)

    passed_on = [cached_source._from_json(cached_source._to_json(error)) for error in errors]

    assert [told(error) for error in passed_on] == [told(error) for error in errors]
    assert str(cached_source._from_json({"kind": "Unknown", "until": None})) == "a moment ago"
