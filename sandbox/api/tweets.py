"""Looks Tweets up, and reads timelines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.api import problems
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.query import NUMERIC_ID
from sandbox.api.render import Renderer
from sandbox.world.model import Tweet

KINDS = {"replies": "replied_to", "retweets": "retweeted"}

# How far back Twitter reads. Beyond it, lists are simply over.
_REACH = 3200
_REACH_WITHOUT_REPLIES = 800
_REACH_OF_MENTIONS = 800
_REACH_OF_HOME_SECONDS = 7 * 86400


def tweet(call: Call, tweet_id: str) -> Answer:
    """`GET /2/tweets/:id`."""
    show = call.renderer("tweet")
    call.query.path("id", tweet_id)
    call.query.done()
    return show.body(_seen(call, show, "id", tweet_id))


def tweets(call: Call) -> Answer:
    """`GET /2/tweets?ids=`."""
    show = call.renderer("tweet")
    ids = call.query.many("ids", NUMERIC_ID)
    call.query.done()
    seen = [_seen(call, show, "ids", i) for i in ids]
    return show.body([tweet for tweet in seen if tweet is not None])


def timeline(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/tweets`, the newest first."""
    asked = _Asked(call, "timeline", account_id, least=5, usually=10, exclude=True)
    if (problem := closed(call, account_id)) is not None:
        return asked.refused(problem)
    reach = _REACH_WITHOUT_REPLIES if asked.kept.hides("replied_to") else _REACH
    return asked.page(call.world.timeline(account_id)[:reach])


def mentions(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/mentions`: the mentions that the viewer may read."""
    asked = _Asked(call, "mentions", account_id, least=5, usually=10, exclude=False)
    if (problem := closed(call, account_id)) is not None:
        return asked.refused(problem)
    found = [t for t in call.world.mentions_of(account_id) if call.world.may_see(call.viewer, t)]
    return asked.page(found[:_REACH_OF_MENTIONS])


def home(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/timelines/reverse_chronological`: own and followed posts."""
    must_be_me(call, account_id)
    asked = _Asked(call, "home", account_id, least=1, usually=100, exclude=True)
    since = call.world.now() - _REACH_OF_HOME_SECONDS
    found = [t for t in _by_friends(call) if call.world.time_of(t) >= since]
    return asked.page(found[:_REACH])


def closed(call: Call, account_id: str) -> dict[str, Any] | None:
    """Return the problem, if this viewer may not read an account's lists."""
    account = call.world.accounts.get(account_id)
    if account is None:
        return problems.missing("user", "id", account_id)
    if account.suspended:
        return problems.suspended("id", account_id)
    if not call.world.may_see_posts_of(call.viewer.id, account):
        return problems.not_for_you("user", "id", account_id)
    return None


def must_be_me(call: Call, account_id: str) -> None:
    """Report an id in the path that is not the token's own account."""
    if account_id != call.viewer.id:
        message = (
            f"The `id` query parameter value [{account_id}] must be the same as the "
            f"authenticating user [{call.viewer.id}]"
        )
        call.query.complaints.add("id", [account_id], message)


def own_path(call: Call, account_id: str, name: str, other_id: str) -> None:
    """Take a path from the token's own account to something else, whose id goes by `name`."""
    call.query.path("id", account_id)
    must_be_me(call, account_id)
    call.query.path(name, other_id)
    call.query.done()


def _by_friends(call: Call) -> list[Tweet]:
    """Return the posts of the viewer and of the accounts they follow, the newest first."""
    whose = [call.viewer.id, *call.world.follows.following(call.viewer.id)]
    posts = [tweet for account_id in whose for tweet in call.world.timeline(account_id)]
    seen = [tweet for tweet in posts if call.world.may_see(call.viewer, tweet)]
    return sorted(seen, key=lambda tweet: int(tweet.id), reverse=True)


class _Asked:
    """A request for one page of a timeline."""

    def __init__(  # noqa: PLR0913 - three timelines differ in this much
        self, call: Call, name: str, account_id: str, *, least: int, usually: int, exclude: bool
    ) -> None:
        self._show = call.renderer("tweet")
        call.query.path("id", account_id)
        self._size = call.query.number("max_results", least, 100, usually)
        self.kept = Filter.read(call, exclude=exclude)
        self._pages = call.pages(f"{name}/{account_id}/{self.kept.spelled()}")
        self._start = call.query.start(self._pages)
        call.query.done()
        self._time_of = call.world.time_of

    def refused(self, problem: dict[str, Any]) -> Answer:
        """Return an answer with a partial error only."""
        self._show.note(problem)
        return self._show.body(None)

    def page(self, posts: Iterable[Tweet]) -> Answer:
        """Return the page that was asked for, of the posts that pass the filters."""
        found = [post for post in posts if self.kept.keeps(post, self._time_of(post))]
        page = found[self._start : self._start + self._size]
        shown = [made for post in page if (made := self._show.tweet(post)) is not None]
        meta = self._pages.meta(len(found), self._start, self._size)
        meta["result_count"] = len(shown)
        if shown:
            meta |= {"newest_id": shown[0]["id"], "oldest_id": shown[-1]["id"]}
        return self._show.body(shown, meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The filters of a timeline."""

    hidden: frozenset[str]
    after_id: int | None
    before_id: int | None
    since: float | None
    until: float | None

    @classmethod
    def read(cls, call: Call, *, exclude: bool) -> Filter:
        """Return the filters of the query; mentions have no `exclude`."""
        words = call.query.words("exclude", KINDS) if exclude else ()
        since, until = call.query.span("start_time", "end_time")
        return cls(
            hidden=frozenset(KINDS[word] for word in words if word in KINDS),
            after_id=call.query.tweet_id("since_id"),
            before_id=call.query.tweet_id("until_id"),
            since=since,
            until=until,
        )

    def hides(self, kind: str) -> bool:
        """Return whether posts that refer to others in this way are left out."""
        return kind in self.hidden

    def spelled(self) -> str:
        """Return the filters as a text: each combination is a list of its own."""
        bounds = (self.after_id, self.before_id, self.since, self.until)
        return f"{sorted(self.hidden)}{bounds}"

    def keeps(self, tweet: Tweet, moment: float) -> bool:
        """Return whether a post of that moment passes."""
        number = int(tweet.id)
        return (
            self.hidden.isdisjoint(kind for kind, _ in tweet.references)
            and (self.after_id is None or number > self.after_id)
            and (self.before_id is None or number < self.before_id)
            and (self.since is None or moment >= self.since)
            and (self.until is None or moment < self.until)
        )


def _seen(call: Call, show: Renderer, parameter: str, value: str) -> dict[str, Any] | None:
    """Return a post, or note the reason why not."""
    found = call.world.tweets.get(value)
    if found is None:
        show.note(problems.missing("tweet", parameter, value))
        return None
    if not call.world.may_see(call.viewer, found):
        show.note(problems.not_for_you("tweet", parameter, value))
        return None
    return show.tweet(found, parameter)


HANDLERS: dict[str, Handler] = {
    "tweet": tweet,
    "tweets": tweets,
    "timeline": timeline,
    "mentions": mentions,
    "home": home,
}
