"""The limit: one file by hand, the two calls on one pooled session, a signed cookie, no more.

It keeps no tokens and no people, checks nothing that it need not, and forgives nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from urllib.parse import urlencode

import requests
from flask import Flask, redirect, request, session
from markupsafe import escape
from requests.adapters import HTTPAdapter
from werkzeug.wrappers import Response

AUTHORIZE_URL = os.environ["TWITTER_AUTHORIZE_URL"]
API_URL = os.environ["TWITTER_API_URL"]
CLIENT = (os.environ["TWITTER_CLIENT_ID"], os.environ["TWITTER_CLIENT_SECRET"])
CALLBACK_URL = os.environ["PUBLIC_URL"] + "/auth/callback"
SCOPE = "tweet.read users.read follows.read space.read offline.access"
SECONDS = 12

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]

pooled = requests.Session()
for scheme in ("http://", "https://"):
    pooled.mount(scheme, HTTPAdapter(pool_maxsize=int(os.environ["GUNICORN_THREADS"])))


@app.get("/")
def home() -> str:
    """Show the button."""
    return '<form method="post" action="/auth/login"><button>Sign in with Twitter</button></form>'


@app.post("/auth/login")
def login() -> Response:
    """Send the browser to the provider."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session["state"], session["verifier"] = state, verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": CLIENT[0],
        "redirect_uri": CALLBACK_URL,
        "scope": SCOPE,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return redirect(f"{AUTHORIZE_URL}?{urlencode(query)}", code=303)


@app.get("/auth/callback")
def callback() -> Response:
    """Make the two calls and remember the name."""
    if request.args["state"] != session.pop("state"):
        return Response("another state", 400)
    token = pooled.post(
        f"{API_URL}/oauth2/token",
        data={
            "grant_type": "authorization_code",
            "code": request.args["code"],
            "redirect_uri": CALLBACK_URL,
            "code_verifier": session.pop("verifier"),
        },
        auth=CLIENT,
        timeout=SECONDS,
    ).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    person = pooled.get(f"{API_URL}/users/me", headers=bearer, timeout=SECONDS).json()["data"]
    session["name"] = person["name"]
    return redirect("/account", code=303)


@app.get("/account")
def account() -> str:
    """Greet whoever is signed in."""
    return f"<p>Hello {escape(session['name'])}</p>"
