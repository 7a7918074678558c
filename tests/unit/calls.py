"""Each method of `Api`, called once: with which arguments, and what it then asks Twitter for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.twitter.source import Document

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

    name: str = field(kw_only=False)
    args: tuple = ()
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    # Where the beta goes another way.
    beta_path: str = ""
    beta_query: Mapping[str, str] = field(default_factory=dict)
    beta_fields: frozenset[str] = frozenset()
    method: str = "GET"
    json: Mapping[str, str] | None = None
    single: bool = False

    def make(self, api):
        return getattr(api, self.name)(*self.args)

    def with_each_argument_as(self, bad):
        """Yield the arguments once for each of them that can be `bad`, alone or within a list."""
        for place, good in enumerate(self.args):
            changed = [*good, bad] if isinstance(good, list) else bad
            yield (*self.args[:place], changed, *self.args[place + 1 :])

    def asks(self, dialect):
        """Return path, own parameters and names of field parameters, as `dialect` has them."""
        if dialect.name == "beta" and self.beta_path:
            return self.beta_path, self.beta_query, self.beta_fields
        return self.path, self.query, self.fields

    def is_single(self, dialect):
        """Tell whether the answer is one thing, not a list. The beta finds names in lists only."""
        return self.single and not (dialect.name == "beta" and self.beta_path)


class Source:
    """A source with an answer for each path, which remembers what it was asked for."""

    def __init__(self, answers, made=None):
        self.answers = answers
        self.made = made
        self.asked = []

    def answer(self, request):
        self.asked.append(request)
        document = self.answers[request.path]
        return document if self.made is None else Document(document, self.made)


PAGE = {"max_results": "20"}
EVERY_CALL = [
    Call("me", path="/users/me", fields=USER_QUERY, single=True),
    Call("user", args=("1",), path="/users/1", fields=USER_QUERY, single=True),
    Call(
        "user_by_username",
        args=("wren",),
        path="/users/by/username/wren",
        fields=USER_QUERY,
        beta_path="/users/by",
        beta_query={"usernames": "wren"},
        beta_fields=USER_QUERY,
        single=True,
    ),
    Call("users", args=(["1", "2"],), path="/users", query={"ids": "1,2"}, fields=USER_QUERY),
    Call(
        "users_by_usernames",
        args=(["wren", "robin"],),
        path="/users/by",
        query={"usernames": "wren,robin"},
        fields=USER_QUERY,
    ),
    Call("tweet", args=("10",), path="/tweets/10", fields=TWEET_QUERY, single=True),
    Call(
        "tweets", args=(["10", "11"],), path="/tweets", query={"ids": "10,11"}, fields=TWEET_QUERY
    ),
    Call("user_tweets", args=("1",), path="/users/1/tweets", query=PAGE, fields=TWEET_QUERY),
    Call("pinned_tweets", args=("1",), path="/users/1", fields=PINNED_QUERY, single=True),
    Call(
        "pinned_tweets_of_followed",
        args=("1",),
        path="/users/1/following",
        query=PAGE,
        fields=PINNED_QUERY,
    ),
    Call("following", args=("1",), path="/users/1/following", query=PAGE, fields=USER_QUERY),
    Call("followers", args=("1",), path="/users/1/followers", query=PAGE, fields=USER_QUERY),
    Call(
        "follow",
        args=("1", "2"),
        path="/users/1/following",
        method="POST",
        json={"target_user_id": "2"},
    ),
    Call("unfollow", args=("1", "2"), path="/users/1/following/2", method="DELETE"),
    Call(
        "space",
        args=("1DXxyRYNejbKM",),
        path="/spaces/1DXxyRYNejbKM",
        fields=SPACE_QUERY,
        single=True,
    ),
    Call(
        "spaces", args=(["1a", "1b"],), path="/spaces", query={"ids": "1a,1b"}, fields=SPACE_QUERY
    ),
    Call(
        "spaces_by_creators",
        args=(["1", "2"],),
        path="/spaces/by/creator_ids",
        query={"user_ids": "1,2"},
        fields=SPACE_QUERY,
    ),
    Call(
        "spaces_of_followed",
        args=("1",),
        path="/users/1/following",
        query={"max_results": "100"},
        fields=USER_QUERY,
        beta_path="/users/1/following/spaces",
        beta_fields=SPACE_QUERY,
    ),
]
CALLS = {call.name: call for call in EVERY_CALL}

READS = [name for name, call in CALLS.items() if call.method == "GET"]
WRITES = [name for name in CALLS if name not in READS]
SINGLES = [name for name, call in CALLS.items() if call.single]
LISTS = [name for name in READS if name not in SINGLES]
PAGED = ["user_tweets", "pinned_tweets_of_followed", "following", "followers"]
