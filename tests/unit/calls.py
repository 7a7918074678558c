"""Every method of `Api`, called once: how, and what it then has to ask Twitter for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.twitter.api import Api

USER_QUERY = frozenset({"user.fields"})
PINNED_QUERY = frozenset({"expansions", "tweet.fields", "user.fields"})
TWEET_QUERY = frozenset(
    {"expansions", "media.fields", "poll.fields", "tweet.fields", "user.fields"}
)
SPACE_QUERY = frozenset({"expansions", "space.fields", "user.fields"})

# Everything at once: whatever is asked for, it can be read out of this.
THING = {
    "id": "10",
    "username": "wren",
    "name": "Wren",
    "pinned_tweet_id": "10",
    "text": "Hello",
    "author_id": "2244994945",
    "state": "live",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call, its path, its own parameters, and the names of those that say what comes along."""

    make: Callable[[Api], Any]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    # Where the beta goes another way.
    beta_path: str = ""
    beta_query: Mapping[str, str] = field(default_factory=dict)
    beta_fields: frozenset[str] = frozenset()
    method: str = "GET"
    single: bool = False

    def asks(self, dialect):
        """Return path, own parameters and names of field parameters, as `dialect` has them."""
        if dialect.name == "beta" and self.beta_path:
            return self.beta_path, self.beta_query, self.beta_fields
        return self.path, self.query, self.fields

    def is_single(self, dialect):
        """Tell whether the answer is one thing, not a list. The beta finds names in lists only."""
        return self.single and not (dialect.name == "beta" and self.beta_path)


PAGE = {"max_results": "20"}
CALLS = {
    "me": Call(make=lambda api: api.me(), path="/users/me", fields=USER_QUERY, single=True),
    "user": Call(make=lambda api: api.user("1"), path="/users/1", fields=USER_QUERY, single=True),
    "user_by_username": Call(
        make=lambda api: api.user_by_username("wren"),
        path="/users/by/username/wren",
        fields=USER_QUERY,
        beta_path="/users/by",
        beta_query={"usernames": "wren"},
        beta_fields=USER_QUERY,
        single=True,
    ),
    "users": Call(
        make=lambda api: api.users(["1", "2"]),
        path="/users",
        query={"ids": "1,2"},
        fields=USER_QUERY,
    ),
    "users_by_usernames": Call(
        make=lambda api: api.users_by_usernames(["wren", "robin"]),
        path="/users/by",
        query={"usernames": "wren,robin"},
        fields=USER_QUERY,
    ),
    "tweet": Call(
        make=lambda api: api.tweet("10"), path="/tweets/10", fields=TWEET_QUERY, single=True
    ),
    "tweets": Call(
        make=lambda api: api.tweets(["10", "11"]),
        path="/tweets",
        query={"ids": "10,11"},
        fields=TWEET_QUERY,
    ),
    "user_tweets": Call(
        make=lambda api: api.user_tweets("1"),
        path="/users/1/tweets",
        query=PAGE,
        fields=TWEET_QUERY,
    ),
    "pinned_tweets": Call(
        make=lambda api: api.pinned_tweets("1"),
        path="/users/1",
        fields=PINNED_QUERY,
        single=True,
    ),
    "pinned_tweets_of_followed": Call(
        make=lambda api: api.pinned_tweets_of_followed("1"),
        path="/users/1/following",
        query=PAGE,
        fields=PINNED_QUERY,
    ),
    "following": Call(
        make=lambda api: api.following("1"),
        path="/users/1/following",
        query=PAGE,
        fields=USER_QUERY,
    ),
    "followers": Call(
        make=lambda api: api.followers("1"),
        path="/users/1/followers",
        query=PAGE,
        fields=USER_QUERY,
    ),
    "follow": Call(make=lambda api: api.follow("1", "2"), path="/users/1/following", method="POST"),
    "unfollow": Call(
        make=lambda api: api.unfollow("1", "2"), path="/users/1/following/2", method="DELETE"
    ),
    "space": Call(
        make=lambda api: api.space("1DXxyRYNejbKM"),
        path="/spaces/1DXxyRYNejbKM",
        fields=SPACE_QUERY,
        single=True,
    ),
    "spaces": Call(
        make=lambda api: api.spaces(["1a", "1b"]),
        path="/spaces",
        query={"ids": "1a,1b"},
        fields=SPACE_QUERY,
    ),
    "spaces_by_creators": Call(
        make=lambda api: api.spaces_by_creators(["1", "2"]),
        path="/spaces/by/creator_ids",
        query={"user_ids": "1,2"},
        fields=SPACE_QUERY,
    ),
    "spaces_of_followed": Call(
        make=lambda api: api.spaces_of_followed("1"),
        path="/users/1/following",
        query={"max_results": "100"},
        fields=USER_QUERY,
        beta_path="/users/1/following/spaces",
        beta_fields=SPACE_QUERY,
    ),
}

READS = [name for name, call in CALLS.items() if call.method == "GET"]
WRITES = [name for name in CALLS if name not in READS]
SINGLES = [name for name, call in CALLS.items() if call.single]
LISTS = [name for name in READS if name not in SINGLES]
PAGED = ["user_tweets", "pinned_tweets_of_followed", "following", "followers"]
