"""Twitter's two dialects as its documents have them.

The app says only which permissions a sign-in asks for; nothing else here is taken from it.

A test runs in today's. `in_both_dialects` is for what the code does another way in the beta, where
it asks whether an endpoint exists; `in_the_beta` for what there is in the beta alone.
"""

from dataclasses import dataclass

import pytest

from app.twitter.dialect import Permission

ME = "1001"
WREN = {"id": ME, "username": "wren", "name": "Wren"}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Where Twitter stands, what its scopes are called, and where it keeps what pages show."""

    name: str
    home: str
    api_url: str
    # Scopes: what a sign-in asks for, what a follow asks for besides, and two of the former.
    reads: str
    follow: str
    read_follows: str
    read_spaces: str
    # Paths of the API. The beta has no timeline, only what is pinned to a profile, and finds a
    # name in a list of one.
    tweets_of_one: str
    one_by_name: str
    spaces: str

    def __str__(self):
        return self.name

    def granted(self, *further, without=()):
        """Return the scopes of a token answer, whose order is not that of the request."""
        scopes = [scope for scope in self.reads.split() if scope not in without]
        return " ".join([*further, *reversed(scopes)])

    @property
    def tweets(self):
        """The path of Wren's Tweets."""
        return self.tweets_of(ME)

    def tweets_of(self, user_id):
        """Return the path of somebody's Tweets."""
        return self.tweets_of_one.replace(":id", user_id)

    def their_tweets(self, *tweets, of=WREN, **includes):
        """Return what Twitter answers there; the beta tells of the first, which is pinned."""
        if self.name == "live":
            return {"data": list(tweets), "includes": {"users": [of], **includes}}
        pinned = {"pinned_tweet_id": tweets[0]["id"]} if tweets else {}
        return {"data": of | pinned, "includes": {"tweets": list(tweets), **includes}}

    def by_name(self, username):
        """Return the path of somebody by name."""
        return self.one_by_name.replace(":username", username)

    def one(self, user):
        """Return what Twitter answers there."""
        return {"data": user if self.name == "live" else [user]}


def _asked(read_follows, read_spaces):
    """Return the scopes of a sign-in, by the two names that the dialects do not share."""
    names = {
        Permission.READ_FOLLOWS: read_follows,
        Permission.READ_SPACES: read_spaces,
        Permission.READ_TWEETS: "tweet.read",
        Permission.READ_USERS: "users.read",
        Permission.STAY_SIGNED_IN: "offline.access",
    }
    return " ".join(sorted(name for permission, name in names.items() if permission.at_sign_in))


LIVE = Dialect(
    name="live",
    home="https://x.com",
    api_url="https://api.x.com/2",
    reads=_asked("follows.read", "space.read"),
    follow="follows.write",
    read_follows="follows.read",
    read_spaces="space.read",
    tweets_of_one="/users/:id/tweets",
    one_by_name="/users/by/username/:username",
    spaces="/spaces/by/creator_ids",
)
BETA = Dialect(
    name="beta",
    home="https://twitter.com",
    api_url="https://api.twitter.com/2",
    reads=_asked("account.follows.read", "spaces.read"),
    follow="account.follows.write",
    read_follows="account.follows.read",
    read_spaces="spaces.read",
    tweets_of_one="/users/:id",
    one_by_name="/users/by",
    spaces=f"/users/{ME}/following/spaces",
)

_IN_THE_BETA = pytest.param(BETA, marks=pytest.mark.beta)

in_both_dialects = pytest.mark.parametrize("dialect", [LIVE, _IN_THE_BETA], ids=str, indirect=True)
in_the_beta = pytest.mark.parametrize("dialect", [_IN_THE_BETA], ids=str, indirect=True)
