"""Searches the public Tweets of the last seven days."""

from __future__ import annotations

from sandbox.api.call import Answer, Call, Handler
from sandbox.api.search_query import Candidate, Clause, InvalidQuery, parsed
from sandbox.api.tweets import Filter
from sandbox.world.clock import timestamp
from sandbox.world.model import Tweet

_REACH_SECONDS = 7 * 86400
_NEWEST_SECONDS = 10  # an `end_time` must be this much earlier than the request
_LONGEST_QUERY = {"enterprise": 4096}
_LONGEST_SELF_SERVE = 512
_ONE_OF = (("start_time", "since_id"), ("end_time", "until_id"), ("pagination_token", "next_token"))


def search_recent(call: Call) -> Answer:
    """`GET /2/tweets/search/recent`, the newest first."""
    show = call.renderer("tweet")
    clause = _query(call)
    size = call.query.number("max_results", 10, 100, 10)
    call.query.choice("sort_order", ("recency", "relevancy"), "recency")
    call.query.at_most_one(*_ONE_OF)
    kept = Filter.read(call, exclude=False)
    _check_times(call, kept)
    pages = call.pages(f"search/{call.query.sent('query')}/{kept.spelled()}")
    start = call.query.start(pages, "next_token") or call.query.start(pages)
    call.query.done()
    found = [tweet for tweet in _recent(call, kept) if _matches(call, clause, tweet)]
    page = found[start : start + size]
    shown = [made for tweet in page if (made := show.tweet(tweet)) is not None]
    meta = pages.meta(len(found), start, size) | {"result_count": len(shown)}
    if shown:
        meta |= {"newest_id": shown[0]["id"], "oldest_id": shown[-1]["id"]}
    return show.body(shown, meta)


def _query(call: Call) -> Clause | None:
    """Return the query; a mistake in it is reported with the others."""
    longest = _LONGEST_QUERY.get(call.world.settings.plan, _LONGEST_SELF_SERVE)
    text = call.query.sentence("query", longest)
    try:
        return parsed(text) if text else None
    except InvalidQuery as problem:
        call.query.complaints.add("query", [text], str(problem))
        return None


def _matches(call: Call, clause: Clause | None, tweet: Tweet) -> bool:
    return clause is not None and clause.matches(Candidate.of(call.world, tweet))


def _recent(call: Call, kept: Filter) -> list[Tweet]:
    """Return the public Tweets of a week that pass the filters, the newest first."""
    since = call.world.now() - _REACH_SECONDS
    found = [
        tweet
        for tweet in call.world.tweets.values()
        if call.world.time_of(tweet) >= since
        and not tweet.later_versions
        and call.world.is_public(tweet)
        and kept.keeps(tweet, call.world.time_of(tweet))
    ]
    return sorted(found, key=lambda tweet: int(tweet.id), reverse=True)


def _check_times(call: Call, kept: Filter) -> None:
    """Report times that this search does not reach."""
    now, complaints = call.world.now(), call.query.complaints
    if kept.since is not None and kept.since < now - _REACH_SECONDS:
        said = f"'start_time' must be on or after {timestamp(now - _REACH_SECONDS)}"
        complaints.add("start_time", [call.query.sent("start_time")], said)
    if kept.until is not None and kept.until > now - _NEWEST_SECONDS:
        said = (
            f"'end_time' must be a minimum of {_NEWEST_SECONDS} seconds prior to the request time"
        )
        complaints.add("end_time", [call.query.sent("end_time")], said)


HANDLERS: dict[str, Handler] = {"search_recent": search_recent}
