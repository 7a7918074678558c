"""A client and a person in one: the steps of a sign-in, each of which can be done wrongly."""

import base64
import re
from urllib.parse import parse_qs, urlsplit

CALLBACK = "http://127.0.0.1:8000/auth/callback"
# The example of RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
EVERYTHING = (
    "tweet.read tweet.write users.read follows.read follows.write space.read offline.access "
    "like.read like.write bookmark.read bookmark.write"
)


def basic(client_id="sandbox-client", secret="sandbox-secret"):
    """Return the header of RFC 7617."""
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def without(values):
    """Leave out what a test has set to None."""
    return {name: value for name, value in values.items() if value is not None}


def query_of(url):
    """Return the query of a URL, one value each."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Steps:
    def __init__(self, browser, world):
        self.browser = browser
        self.world = world

    def ask(self, **changes):
        """Ask for the consent form."""
        query = {
            "response_type": "code",
            "client_id": "sandbox-client",
            "redirect_uri": CALLBACK,
            "scope": EVERYTHING,
            "state": "a-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return self.browser.get("/i/oauth2/authorize", query_string=without(query | changes))

    def consent_request(self, **changes):
        return re.search(r'name="consent_request" value="([^"]+)"', self.ask(**changes).text)[1]

    def answer(self, decision="authorize", account="wren", *, asked=None, headers=None, **changes):
        """Press a button of the consent form."""
        form = {
            "consent_request": asked or self.consent_request(**changes),
            "account": account,
            "decision": decision,
        }
        return self.browser.post("/i/oauth2/authorize", data=without(form), headers=headers)

    def code(self, account="wren", **changes):
        return query_of(self.answer(account=account, **changes).location)["code"]

    def exchange(self, code, /, *, headers=None, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.post("/2/oauth2/token", form | changes, headers)

    def refresh(self, token, /, *, headers=None, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/2/oauth2/token", form | changes, headers)

    def revoke(self, token, hint="access_token", /, *, headers=None, **changes):
        form = {"token": token, "token_type_hint": hint}
        return self.post("/2/oauth2/revoke", form | changes, headers)

    def post(self, path, form, headers=None):
        headers = basic() if headers is None else headers
        return self.browser.post(path, data=without(form), headers=headers)

    def sign_in(self, account="wren", **changes):
        """Go all the way, and return the token answer."""
        public = changes.get("client_id") == "sandbox-public"
        more = {"headers": {}, "client_id": "sandbox-public"} if public else {}
        return self.exchange(self.code(account, **changes), **more).json

    def get(self, path, token=None, **query):
        """Call the API, signed in as Wren unless a token says otherwise."""
        token = token or self.sign_in()["access_token"]
        return self.browser.get(path, query_string=query, headers=bearer(token))
