"""The API as one table: endpoints, scopes, prices and limits."""

from __future__ import annotations

from dataclasses import dataclass, field

SECOND = 1
QUARTER = 15 * 60
DAY = 24 * 60 * 60
PLENTY = 1_000_000  # never in the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How often one person may call through a client, and how often the client for all people."""

    user: int  # in a quarter of an hour
    app: int = PLENTY
    day: int | None = None  # in 24 hours, by one person and by the client alike
    user_day: int | None = None  # in 24 hours, by one person alone
    app_day: int | None = None  # in 24 hours, by the client alone
    second: int | None = None  # in one second, by the client


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of Twitter's endpoint map."""

    name: str
    method: str
    rule: str
    scopes: frozenset[str] | None  # None: not there in this dialect
    beta_scopes: frozenset[str] | None
    price: float = 0.0  # US dollars for each resource returned, on pay-per-use
    free_when_broke: bool = False
    limits: dict[str, Limit | None] = field(default_factory=dict)  # None: not in that plan
    beta_limit: Limit | None = None  # of the document of 2021, on every plan
    status: int = 200  # of an answer that is no error

    @property
    def reads_posts(self) -> bool:
        """Whether what it returns counts towards the monthly cap of posts."""
        return self.name in _POST_READERS


_POST_READERS = frozenset({"tweet", "tweets", "timeline", "mentions", "home"}) | {
    "search_recent",
    "liked_tweets",
    "bookmarks",
}

_USERS = "tweet.read users.read"
_FOLLOWS = "follows.read tweet.read users.read"
_FOLLOW = "follows.write tweet.read users.read"
_WRITE = "tweet.read tweet.write users.read"
_LIKES = "like.read tweet.read users.read"
_LIKE = "like.write tweet.read users.read"
_BOOKMARKS = "bookmark.read tweet.read users.read"
_BOOKMARK = "bookmark.write tweet.read users.read"
_SPACES = "space.read tweet.read users.read"
_BETA_SPACES = "spaces.read tweet.read users.read"

ENTERPRISE = Limit(user=PLENTY)  # negotiated with each customer

# The private beta of 2021: "Tweet lookup and user lookup ... 900 requests per 15 minutes" per app.
_BETA_LOOKUP = Limit(user=900, app=900)
_LOOKUPS = frozenset({"tweet", "tweets", "user", "users", "users_by"})


def _row(  # noqa: PLR0913, PLR0917 - the columns of the table
    name: str,
    route: str,
    scopes: str | None,
    beta_scopes: str | None,
    price: float,
    pay_per_use: Limit | None,
    legacy_free: Limit | None,
    *,
    free_when_broke: bool = False,
    status: int = 200,
) -> Endpoint:
    method, rule = route.split()
    return Endpoint(
        name=name,
        method=method,
        rule=rule,
        scopes=None if scopes is None else frozenset(scopes.split()),
        beta_scopes=None if beta_scopes is None else frozenset(beta_scopes.split()),
        price=price,
        free_when_broke=free_when_broke,
        limits={
            "enterprise": ENTERPRISE,
            "pay-per-use": pay_per_use,
            "legacy-free": legacy_free,
        },
        beta_limit=_BETA_LOOKUP if name in _LOOKUPS else None,
        status=status,
    )


# Calls to no endpoint at all are counted as well.
NOWHERE = Endpoint(
    name="nowhere",
    method="",
    rule="",
    scopes=None,
    beta_scopes=None,
    limits=dict.fromkeys(("enterprise", "pay-per-use", "legacy-free"), ENTERPRISE),
)


def _each(
    user: int, app: int = PLENTY, *, day: int | None = None, second: int | None = None
) -> Limit:
    return Limit(user=user, app=app, day=day, second=second)


_BY_USERNAME = "GET /2/users/by/username/<username>"
_FOLLOWING = "GET /2/users/<account_id>/following"
_TIMELINE = "GET /2/users/<account_id>/tweets"
_MENTIONS = "GET /2/users/<account_id>/mentions"
_HOME = "GET /2/users/<account_id>/timelines/reverse_chronological"
_FOLLOWERS = "GET /2/users/<account_id>/followers"
_LIKED_TWEETS = "GET /2/users/<account_id>/liked_tweets"
_LIKING_USERS = "GET /2/tweets/<tweet_id>/liking_users"
_UNLIKE = "DELETE /2/users/<account_id>/likes/<tweet_id>"
_UNBOOKMARK = "DELETE /2/users/<account_id>/bookmarks/<tweet_id>"
_UNREPOST = "DELETE /2/users/<account_id>/retweets/<tweet_id>"
_UNFOLLOW = "DELETE /2/users/<account_id>/following/<target_id>"

# Scopes from Twitter's authentication map, limits from its rate limit page, prices from its
# pricing page. The last three columns: price, pay-per-use (a person, the client), and what legacy
# Free had.
# The beta's document has no row for users/me, but without it an app cannot know who signed in.
ENDPOINTS = (
    _row(
        "me", "GET /2/users/me", _USERS, _USERS, 0.01, _each(75), _each(75, day=25),
        free_when_broke=True,
    ),
    _row("users", "GET /2/users", _USERS, _USERS, 0.01, _each(900, 300), _each(900, day=1)),
    _row(
        "user", "GET /2/users/<account_id>", _USERS, _USERS, 0.01, _each(900, 300),
        _each(900, day=1),
    ),
    _row("users_by", "GET /2/users/by", _USERS, _USERS, 0.01, _each(900, 300), _each(900, day=1)),
    _row("user_by", _BY_USERNAME, _USERS, None, 0.01, _each(900, 300), _each(3)),
    _row("tweets", "GET /2/tweets", _USERS, _USERS, 0.005, _each(5000, 3500), _each(1)),
    _row("tweet", "GET /2/tweets/<tweet_id>", _USERS, _USERS, 0.005, _each(900, 450), _each(1)),
    _row("timeline", _TIMELINE, _USERS, None, 0.005, _each(900, 10_000), _each(1)),
    _row("mentions", _MENTIONS, _USERS, None, 0.005, _each(300, 450), _each(1)),
    _row(
        "search_recent", "GET /2/tweets/search/recent", _USERS, None, 0.005, _each(300, 450),
        _each(1),
    ),
    # With a link it is 0.200 dollars, as a reply to a mention 0.010.
    _row(
        "create_tweet", "POST /2/tweets", _WRITE, None, 0.015, Limit(user=100, app_day=10_000),
        _each(PLENTY, day=17), status=201,
    ),
    _row(
        "delete_tweet", "DELETE /2/tweets/<tweet_id>", _WRITE, None, 0.005, _each(50),
        _each(PLENTY, day=17),
    ),
    # Like left every self-serve plan with follow; the Free one had lost it in August 2025.
    _row("like", "POST /2/users/<account_id>/likes", _LIKE, None, 0.0, None, None),
    _row("unlike", _UNLIKE, _LIKE, None, 0.01, Limit(user=50, user_day=1000), _each(1)),
    _row("liked_tweets", _LIKED_TWEETS, _LIKES, None, 0.005, _each(75, 75), _each(1)),
    _row("liking_users", _LIKING_USERS, _LIKES, None, 0.01, _each(75, 75), _each(1)),
    _row(
        "repost", "POST /2/users/<account_id>/retweets", _WRITE, None, 0.015, _each(50), _each(1)
    ),
    _row("unrepost", _UNREPOST, _WRITE, None, 0.01, _each(50), _each(1)),
    _row(
        "bookmarks", "GET /2/users/<account_id>/bookmarks", _BOOKMARKS, None, 0.005, _each(180),
        _each(1),
    ),
    _row(
        "bookmark", "POST /2/users/<account_id>/bookmarks", _BOOKMARK, None, 0.005, _each(50),
        _each(1),
    ),
    _row("unbookmark", _UNBOOKMARK, _BOOKMARK, None, 0.005, _each(50), _each(1)),
    _row("home", _HOME, _USERS, None, 0.005, _each(180), _each(1)),
    _row(
        "following", _FOLLOWING, _FOLLOWS, "account.follows.read", 0.01,
        _each(300, 300), None,
    ),
    _row("followers", _FOLLOWERS, _FOLLOWS, None, 0.01, _each(300, 300), None),
    # Follow left every self-serve plan in April 2026.
    _row(
        "follow", "POST /2/users/<account_id>/following", _FOLLOW, "account.follows.write", 0.0,
        None, None,
    ),
    _row("unfollow", _UNFOLLOW, _FOLLOW, "account.follows.write", 0.01, _each(50), _each(1)),
    _row(
        "space", "GET /2/spaces/<space_id>", _SPACES, _BETA_SPACES, 0.005, _each(300, 300),
        _each(1),
    ),
    _row("spaces", "GET /2/spaces", _SPACES, _BETA_SPACES, 0.005, _each(300, 300), _each(1)),
    _row(
        "spaces_by", "GET /2/spaces/by/creator_ids", _SPACES, _BETA_SPACES, 0.005,
        _each(300, 300, second=1), _each(900, second=1),
    ),
    _row("spaces_search", "GET /2/spaces/search", _SPACES, None, 0.005, _each(300, 300), _each(1)),
    _row(
        "following_spaces", "GET /2/users/<account_id>/following/spaces", None, _BETA_SPACES, 0.005,
        _each(300, 300), _each(1),
    ),
)  # fmt: skip
