"""Made-up people, tokens and settings: sensible defaults, override what matters."""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta

from config import Config
from tests.dialects import LIVE

# `make sure` runs the core of the web suite under another name.
APP_NAME = os.environ.get("APP_NAME", "Perch")

PUBLIC_URL = "http://127.0.0.1:8000"
AUTHORIZE_URL = "https://x.com/i/oauth2/authorize"
TOKEN_PATH, REVOKE_PATH, ME_PATH = "/oauth2/token", "/oauth2/revoke", "/users/me"

# Those of today's service. In both dialects: `tests.dialects`.
API_URL = LIVE.api_url
TOKEN_URL = API_URL + TOKEN_PATH
REVOKE_URL = API_URL + REVOKE_PATH
ME_URL = API_URL + ME_PATH
LIVE_SCOPES = LIVE.reads


class Clock:
    """The time, in UTC, and the power to move it."""

    def __init__(self):
        self.moment = datetime.now(UTC)

    def __call__(self):
        return self.moment

    def advance(self, **by):
        self.moment += timedelta(**by)


def token_key(letter="k"):
    return base64.urlsafe_b64encode(hashlib.sha256(letter.encode()).digest()).decode()


def build_environ(**settings):
    """The settings of a site with a confidential client at the real Twitter."""
    return {
        "TWITTER_CLIENT_ID": "birdhouse",
        "TWITTER_CLIENT_SECRET": "a-secret-nest-among-the-leaves",
        "SECRET_KEY": "a-secret-of-more-than-thirty-two-characters",
        "TOKEN_KEYS": token_key(),
        "RATELIMIT_ENABLED": "off",
        "APP_NAME": APP_NAME,
    } | settings


def build_config(root, **settings):
    """`Config` of `build_environ`, its database under `root`; None unsets a setting."""
    environ = build_environ(DATABASE_URL=f"sqlite:///{root}/perch.db") | settings
    return Config.from_env({k: v for k, v in environ.items() if v is not None}, root=root)


def token_answer(**changes):
    """What Twitter's token endpoint answers (None leaves a key out)."""
    answer = {
        "token_type": "bearer",
        "expires_in": 7200,
        "access_token": "access-token-of-wren",
        "refresh_token": "refresh-token-of-wren",
        "scope": LIVE_SCOPES,
    } | changes
    return {key: value for key, value in answer.items() if value is not None}


def user_answer(**changes):
    """What `GET /2/users/me` answers."""
    user = {
        "id": "1001",
        "username": "wren",
        "name": "Wren",
        "description": "Small, loud, usually in the hedge.",
        "created_at": "2013-12-14T04:35:55.000Z",
        "public_metrics": {
            "followers_count": 3,
            "following_count": 4,
            "tweet_count": 5,
            "listed_count": 0,
        },
    } | changes
    return {"data": user}
