"""Look posts up, and read somebody's timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import problems
from sandbox.query import NUMERIC_ID

if TYPE_CHECKING:
    from sandbox.call import Answer, Call, Handler
    from sandbox.model import Tweet
    from sandbox.render import Renderer

KINDS = {"replies": "replied_to", "retweets": "retweeted"}


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
    show = call.renderer("tweet")
    call.query.path("id", account_id)
    size = call.query.number("max_results", 5, 100, 10)
    kept = _Filter(call)
    pages = call.pages(f"timeline/{account_id}")
    start = call.query.start(pages)
    call.query.done()
    if (problem := closed(call, account_id)) is not None:
        show.note(problem)
        return show.body(None)
    found = [t for t in call.world.timeline(account_id) if kept.keeps(t)]
    page = found[start : start + size]
    meta = pages.meta(len(found), start, size)
    if page:
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
    return show.body([show.tweet(t) for t in page], meta)


def closed(call: Call, account_id: str) -> dict[str, Any] | None:
    """Say why this viewer cannot look into an account, if so."""
    account = call.world.accounts.get(account_id)
    if account is None:
        return problems.missing("user", "id", account_id)
    if account.suspended:
        return problems.suspended("id", account_id)
    if not call.world.may_see_posts_of(call.viewer.id, account):
        return problems.not_for_you("user", "id", account_id)
    return None


class _Filter:
    """The filters of a timeline, read from the query."""

    def __init__(self, call: Call) -> None:
        self._world = call.world
        self._hidden = {KINDS[w] for w in call.query.words("exclude", KINDS) if w in KINDS}
        self._after_id = call.query.tweet_id("since_id")
        self._before_id = call.query.tweet_id("until_id")
        self._from = call.query.moment("start_time")
        self._to = call.query.moment("end_time")

    def keeps(self, tweet: Tweet) -> bool:
        """Say whether a post passes."""
        number, moment = int(tweet.id), self._world.time_of(tweet)
        return (
            self._hidden.isdisjoint(kind for kind, _ in tweet.references)
            and (self._after_id is None or number > self._after_id)
            and (self._before_id is None or number < self._before_id)
            and (self._from is None or moment >= self._from)
            and (self._to is None or moment < self._to)
        )


def _seen(call: Call, show: Renderer, parameter: str, value: str) -> dict[str, Any] | None:
    """Show a post, or note why not."""
    found = call.world.tweets.get(value)
    if found is None:
        show.note(problems.missing("tweet", parameter, value))
        return None
    if not call.world.may_see(call.viewer, found):
        show.note(problems.not_for_you("tweet", parameter, value))
        return None
    return show.tweet(found)


HANDLERS: dict[str, Handler] = {"tweet": tweet, "tweets": tweets, "timeline": timeline}
