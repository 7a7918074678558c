"""The fields and expansions that pages show, as parameters of each kind of request.

Classic names are sent: today's service takes them, and the beta of 2021 knows no others. X docs,
"Fields" and "Expansions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_USER = (
    "created_at,description,entities,location,pinned_tweet_id,profile_image_url,"
    "protected,public_metrics,url,verified"
)
_TWEET = (
    "attachments,author_id,created_at,entities,lang,possibly_sensitive,public_metrics,"
    "referenced_tweets"
)
_EXPANSIONS = (
    "attachments.media_keys,attachments.poll_ids,author_id,referenced_tweets.id,"
    "referenced_tweets.id.author_id"
)
_SPACE = (
    "creator_id,host_ids,lang,participant_count,scheduled_start,speaker_ids,started_at,state,title"
)
_MEDIA = "alt_text,height,preview_image_url,url,width"
_POLL = "end_datetime,voting_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The parameters for each kind of object. Twitter refuses names that it does not know."""

    user: Mapping[str, str]
    user_with_pinned: Mapping[str, str]
    tweet: Mapping[str, str]
    space: Mapping[str, str]


def _fields(*, user: str, tweet: str, expansions: str, space: str) -> Fields:
    people = {"user.fields": user}
    posts = {"tweet.fields": tweet, "media.fields": _MEDIA, "poll.fields": _POLL}
    return Fields(
        user=people,
        user_with_pinned={"expansions": "pinned_tweet_id", "tweet.fields": tweet, **people},
        tweet={"expansions": expansions, **posts, **people},
        space={"expansions": "creator_id,host_ids,speaker_ids", "space.fields": space, **people},
    )


# Younger than the beta: banners, connections, long posts, Articles, edits, the pictures of quoted
# Tweets and the end of a Space.
FIELDS_LIVE = _fields(
    user=_USER + ",connection_status,profile_banner_url",
    tweet=_TWEET + ",article,edit_history_tweet_ids,note_tweet",
    expansions=_EXPANSIONS + ",referenced_tweets.id.attachments.media_keys",
    space=_SPACE + ",ended_at",
)
FIELDS_BETA = _fields(user=_USER, tweet=_TWEET, expansions=_EXPANSIONS, space=_SPACE)
