"""Reading side by side, apart from any page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import pytest

from app.accounts.errors import GrantEnded
from app.pages import reader
from app.pages.reader import Reader
from app.pages.reads import Read
from app.twitter.api import Page
from app.twitter.budget import Budget
from app.twitter.dialect import LIVE, Permission
from app.twitter.errors import TokenRefused, Unreachable


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
        token = self.tokens.pop(0)
        if isinstance(token, Exception):
            raise token
        return token


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def build(threads):
    def make(tokens, budget=None):
        return Reader(
            api=None,
            tokens=tokens,
            threads=threads,
            dialect=LIVE,
            grant_id="g",
            now=datetime.now(UTC),
            scopes=LIVE.scopes(Permission.READ_TWEETS),
            budget=budget or Budget(),
        )

    return make


def read(fetch):
    return Read(name="tweets", needs=(Permission.READ_TWEETS,), fetch=fetch)


def only_new(api, token, budget):
    if token == "old":
        raise TokenRefused("about:blank")
    return Page(items=(token,))


def test_reads_run_at_the_same_time(build):
    first, second = Event(), Event()

    def one(api, token, budget):
        first.set()
        return Page(items=(second.wait(5),))

    def two(api, token, budget):
        second.set()
        return Page(items=(first.wait(5),))

    panels = build(Tokens("t")).panels(one=read(one), two=read(two))

    assert [panel.page.items for panel in panels.values()] == [(True,), (True,)]


def test_all_reads_share_one_budget(build):
    budget, seen = Budget(), []
    note = read(lambda api, token, budget: seen.append(budget) or Page())

    build(Tokens("t"), budget).panels(one=note, two=note)

    assert seen == [budget, budget]


def test_only_what_was_refused_is_read_again(build):
    calls = []

    def fine(api, token, budget):
        calls.append(token)
        return Page()

    panels = build(Tokens("old", "new")).panels(refused=read(only_new), fine=read(fine))

    assert panels["refused"].page.items == ("new",)
    assert calls == ["old"]


def test_one_refresh_serves_all_panels(build):
    tokens = Tokens("old", "new")

    panels = build(tokens).panels(one=read(only_new), two=read(only_new))

    assert tokens.refreshed == ["old"]
    assert [panel.page.items for panel in panels.values()] == [("new",), ("new",)]


@pytest.mark.parametrize("tokens", [(GrantEnded(),), ("old", GrantEnded())])
def test_the_end_of_the_grant_gets_out(build, tokens):
    with pytest.raises(GrantEnded):
        build(Tokens(*tokens)).panels(one=read(only_new))


@pytest.mark.parametrize("tokens", [(Unreachable("x"),), ("old", Unreachable("x"))])
def test_trouble_with_the_token_stays_in_the_panel(build, tokens):
    panels = build(Tokens(*tokens)).panels(one=read(only_new))

    assert panels["one"].trouble.text.startswith("Twitter is not answering.")


def test_a_mistake_of_ours_is_not_hidden_in_a_panel(build):
    with pytest.raises(ZeroDivisionError):
        build(Tokens("t")).panels(one=read(lambda api, token, budget: 1 / 0))


def test_nothing_to_read_takes_no_token(build):
    nothing = Read(name="spaces", needs=(Permission.READ_SPACES,), fetch=only_new)

    panels = build(Tokens()).panels(spaces=nothing)

    assert panels["spaces"].trouble.ask is Permission.READ_SPACES


def test_no_free_thread_ends_with_the_budget(build, threads, monkeypatch):
    monkeypatch.setattr(reader, "GRACE", 0.01)
    over = Event()
    for _ in range(4):
        threads.submit(over.wait, 5)

    panels = build(Tokens("t"), Budget(0.01)).panels(one=read(only_new))
    over.set()

    assert panels["one"].trouble.text.startswith("Many people are reading")
