"""The words of `*.fields` and `expansions`, and the default fields."""

from __future__ import annotations

DEFAULTS = {
    "user": ("id", "name", "username"),
    "tweet": ("id", "text", "edit_history_tweet_ids"),
    "space": ("id", "state"),
    "media": ("media_key", "type"),
    "poll": ("id", "options"),
    "place": ("id", "full_name"),
    "topic": ("id", "name"),
}

# The words of all published specifications. Asking for a field that is never filled is no mistake:
# empty fields are left out.
_OPTIONAL = {
    "user": """profile_image_url description created_at public_metrics verified verified_type
        protected location url entities pinned_tweet_id profile_banner_url connection_status
        withheld most_recent_tweet_id confirmed_email affiliation parody is_identity_verified
        subscription subscription_type receives_your_dm verified_followers_count
        subscribes_to_you""",
    "tweet": """author_id created_at entities public_metrics attachments referenced_tweets
        note_tweet edit_controls conversation_id in_reply_to_user_id lang possibly_sensitive
        reply_settings display_text_range context_annotations geo community_id article card_uri
        media_metadata paid_partnership withheld scopes source non_public_metrics organic_metrics
        promoted_metrics article_title matched_media_notes note_request_suggestions
        suggested_source_links suggested_source_links_with_counts""",
    "space": """title created_at started_at scheduled_start ended_at updated_at creator_id host_ids
        speaker_ids invited_user_ids participant_count subscriber_count is_ticketed lang
        topic_ids""",
    "media": """url preview_image_url alt_text width height duration_ms variants public_metrics
        non_public_metrics organic_metrics promoted_metrics""",
    "poll": "duration_minutes end_datetime voting_status",
    "place": "contained_within country country_code geo name place_type",
    "topic": "description",
}

SELECTABLE = {
    kind: frozenset(DEFAULTS[kind]) | frozenset(words.split()) for kind, words in _OPTIONAL.items()
}

# Metrics that only the author of a post may see: asking for one of these is asking for all
# of its parts.
_PRIVATE = "impression_count url_link_clicks user_profile_clicks"
_PRIVATE_REACTIONS = (
    "impression_count like_count reply_count retweet_count url_link_clicks user_profile_clicks"
)
PRIVATE_METRICS = {
    "non_public_metrics": tuple(_PRIVATE.split()),
    "organic_metrics": tuple(_PRIVATE_REACTIONS.split()),
    "promoted_metrics": tuple(_PRIVATE_REACTIONS.split()),
}

_EXPANSIONS = {
    "tweet": """author_id referenced_tweets.id referenced_tweets.id.author_id
        referenced_tweets.id.attachments.media_keys in_reply_to_user_id attachments.media_keys
        attachments.poll_ids entities.mentions.username edit_history_tweet_ids geo.place_id""",
    "user": "pinned_tweet_id most_recent_tweet_id affiliation.user_id",
    "space": "creator_id host_ids speaker_ids invited_user_ids topic_ids",
}

EXPANSIONS = {kind: frozenset(words.split()) for kind, words in _EXPANSIONS.items()}

# Which `*.fields` parameters an endpoint takes, by what it returns.
PARAMETERS = {
    "user": ("user", "tweet"),
    "tweet": ("tweet", "user", "media", "poll", "place"),
    "space": ("space", "user", "topic"),
}

# Fields that are ids: the renamed specification brings them by expansion, and not otherwise.
_IDS = {
    "tweet": "author_id referenced_tweets in_reply_to_user_id edit_history_tweet_ids",
    "user": "pinned_tweet_id most_recent_tweet_id affiliation",
    "space": "creator_id host_ids speaker_ids invited_user_ids topic_ids",
}

# Names that X's specification of August 2026 changed, from new to classic.
RENAMED = {
    "note_post": "note_tweet",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "referenced_posts": "referenced_tweets",
    "pinned_post_id": "pinned_tweet_id",
    "most_recent_post_id": "most_recent_tweet_id",
}
RENAMED_EXPANSIONS = RENAMED | {
    "referenced_posts": "referenced_tweets.id",
    "referenced_posts.author_id": "referenced_tweets.id.author_id",
    "referenced_posts.attachments.media_keys": "referenced_tweets.id.attachments.media_keys",
    "affiliation": "affiliation.user_id",
}
# One of these makes a request one in the new names; `affiliation` is a word of both.
ONLY_NEW = frozenset(RENAMED_EXPANSIONS) - {"affiliation"}

_NEW = {old: new for new, old in RENAMED.items()}

# The words of X's specification: the dialect `renamed` takes these and no others.
PUBLISHED = {
    kind: frozenset(_NEW.get(word, word) for word in words.difference(_IDS.get(kind, "").split()))
    for kind, words in SELECTABLE.items()
}
_PUBLISHED_EXPANSIONS = {
    "tweet": """article.cover_media article.media_entities attachments.media_keys
        attachments.media_source_tweet attachments.poll_ids author_id edit_history_post_ids
        entities.mentions.username geo.place_id in_reply_to_user_id referenced_posts username""",
    "user": "affiliation most_recent_post_id pinned_post_id",
    "space": "creator_id host_ids invited_user_ids speaker_ids topic_ids",
}
PUBLISHED_EXPANSIONS = {
    kind: frozenset(words.split()) for kind, words in _PUBLISHED_EXPANSIONS.items()
}
