"""The usual way: Authlib's Flask client as its documentation shows it.

An OAuth registry, `authorize_redirect` and `authorize_access_token`; people and tokens stored with
Flask-SQLAlchemy, with the token model and the `fetch_token` of Authlib's own page; Flask-Login for
who is signed in. Nothing is left out to make it slow, and nothing added to make it fast.
"""

from __future__ import annotations

import os
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"], SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"]
)
app.jinja_loader = DictLoader(
    {
        "home.html": '<a href="{{ url_for("login") }}">Sign in with Twitter</a>',
        "account.html": "<p>Hello {{ current_user.name }}</p>",
    }
)
db = SQLAlchemy(app)
login_manager = LoginManager(app)


class User(UserMixin, db.Model):  # type: ignore[misc, name-defined] # made at run time
    id: Mapped[int] = mapped_column(primary_key=True)
    twitter_id: Mapped[str] = mapped_column(String(19), unique=True)
    name: Mapped[str] = mapped_column(String(200))


class OAuth2Token(db.Model):  # type: ignore[misc, name-defined] # made at run time
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    token_type: Mapped[str] = mapped_column(String(40))
    access_token: Mapped[str] = mapped_column(String(200))
    refresh_token: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[int]

    def to_token(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "refresh_token": self.refresh_token,
            "expires_at": self.expires_at,
        }


def fetch_token(name: str) -> dict[str, Any] | None:
    """Return the stored token of whoever is signed in."""
    query = db.select(OAuth2Token).filter_by(name=name, user_id=current_user.id)
    token = db.session.scalar(query)
    return None if token is None else dict(token.to_token())


oauth = OAuth(app, fetch_token=fetch_token)
oauth.register(
    "twitter",
    client_id=os.environ["TWITTER_CLIENT_ID"],
    client_secret=os.environ["TWITTER_CLIENT_SECRET"],
    api_base_url=os.environ["TWITTER_API_URL"] + "/",
    access_token_url=os.environ["TWITTER_API_URL"] + "/oauth2/token",
    authorize_url=os.environ["TWITTER_AUTHORIZE_URL"],
    client_kwargs={
        "scope": "tweet.read users.read follows.read space.read offline.access",
        "code_challenge_method": "S256",
    },
)

with app.app_context():
    db.create_all()


@login_manager.user_loader  # type: ignore[untyped-decorator, unused-ignore] # no types
def load_user(user_id: str) -> User | None:
    """Return who is signed in."""
    found: User | None = db.session.get(User, int(user_id))
    return found


@app.get("/")
def home() -> str:
    """Show the link."""
    return render_template("home.html")


@app.get("/auth/login")
def login() -> Response:
    """Send the browser to the provider."""
    answer: Response = oauth.twitter.authorize_redirect(url_for("callback", _external=True))
    return answer


@app.get("/auth/callback")
def callback() -> Response:
    """Take the token, ask who it is, store both."""
    token = oauth.twitter.authorize_access_token()
    profile = oauth.twitter.get("users/me").json()["data"]
    user = db.session.scalar(db.select(User).filter_by(twitter_id=profile["id"]))
    if user is None:
        user = User(twitter_id=profile["id"])
        db.session.add(user)
    user.name = profile["name"]
    db.session.flush()
    stored = db.session.scalar(db.select(OAuth2Token).filter_by(name="twitter", user_id=user.id))
    if stored is None:
        stored = OAuth2Token(name="twitter", user_id=user.id)
        db.session.add(stored)
    stored.token_type = token["token_type"]
    stored.access_token = token["access_token"]
    stored.refresh_token = token["refresh_token"]
    stored.expires_at = token["expires_at"]
    db.session.commit()
    login_user(user)
    return redirect(url_for("account"), code=303)


@app.get("/account")
@login_required  # type: ignore[untyped-decorator, unused-ignore] # no types
def account() -> str:
    """Greet whoever is signed in."""
    return render_template("account.html")
