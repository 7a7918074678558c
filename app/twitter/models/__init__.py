"""People, Tweets and Spaces as values, each read `from_json`.

`from_json` is strict about what must be there (ids, usernames, texts: X docs, data dictionary) and
lenient about the rest. Classic field names come first, those of the renamed specification are read
as well.
"""

from app.twitter.models.json_values import SPACE_ID, USER_OR_TWEET_ID
from app.twitter.models.spaces import Space
from app.twitter.models.tweets import Includes, Media, Option, Poll, Tweet
from app.twitter.models.users import Profile

__all__ = [
    "SPACE_ID",
    "USER_OR_TWEET_ID",
    "Includes",
    "Media",
    "Option",
    "Poll",
    "Profile",
    "Space",
    "Tweet",
]
