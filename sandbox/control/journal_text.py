"""Explains the requests of a sign-in, and their parameters."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.control.sign_in_traces import answered

_STEPS = {
    ("GET", "/i/oauth2/authorize"): "The app sends the person to the consent page",
    ("POST", "/i/oauth2/authorize"): "The person answers, and is sent back",
    ("POST", "/2/oauth2/revoke"): "The app revokes a token",
    ("GET", "/2/users/me"): "The app asks who signed in",
    ("POST", "/2/tweets"): "The app posts for the person",
    ("POST", "/settings/connected_apps"): "The person removes an app",
}
_DECISIONS = {
    "['authorize']": "The person says yes, and is sent back with a code",
    "['cancel']": "The person says no, and is sent back with an error",
}
_GRANTS = {
    "authorization_code": "The app exchanges the code for tokens",
    "refresh_token": "The app refreshes: one old token for a new set",
}

PARAMETERS = {
    "response_type": "always “code” (RFC 6749 §4.1.1)",
    "client_id": "the app that asks",
    "redirect_uri": "where the person is sent back to; must match exactly",
    "scope": "the permissions that the app asks for",
    "state": "proof that the browser that comes back is the one that left",
    "code_challenge": "the hash of a secret that only the app knows (PKCE)",
    "code_challenge_method": "the hash function",
    "code": "the authorization code: 30 seconds, one use",
    "code_verifier": "the secret behind the code challenge",
    "grant_type": "which grant is exchanged: a code or a refresh token",
    "refresh_token": "works once; the next one comes with the answer",
    "token": "the token to revoke",
    "token_type_hint": "which kind of token it is; Twitter insists on it",
    "consent_request": "makes the consent form good for one answer",
    "account": "the account that the person uses",
    "decision": "the button that was pressed",
}


def step(entry: dict[str, Any]) -> str:
    """Return which step of a sign-in a journal entry is, or an empty text."""
    if entry["path"] == "/2/oauth2/token":
        given = entry["form"].get("grant_type") or entry["query"].get("grant_type") or ""
        return _GRANTS.get(given[0] if isinstance(given, list) and given else str(given), "")
    known = _STEPS.get((entry["method"], entry["path"]), "")
    decision = entry["form"].get("decision") if entry["path"] == "/i/oauth2/authorize" else None
    return _DECISIONS.get(str(decision), known)


def outcome(entry: dict[str, Any]) -> str:
    """Return the outcome of a request in one line."""
    if entry["status"] is None:
        return "no answer, or none yet"
    if entry["location"]:
        names = parse_qs(urlsplit(entry["location"]).query, keep_blank_values=True)
        with_what = f" with {' and '.join(names)}" if names else ""
        return f"{entry['status']}, sent on{with_what}"
    answer = answered(entry)
    if "error" in answer:
        said = f"{entry['status']} {answer['error']}: {answer.get('error_description', '')}"
        return _printable(said)
    if "access_token" in answer:
        return f"{entry['status']}, a token set for {answer.get('scope', 'nothing')}"
    return str(entry["status"])


def parameters(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each parameter."""
    rows = []
    for given in (entry["query"], entry["form"]):
        for name, value in given.items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append((_printable(name), _printable(shown), PARAMETERS.get(name, "")))
    return rows


def _printable(text: str) -> str:
    """Return a text that UTF-8 can hold: JSON may bring half a surrogate pair."""
    return text.encode(errors="replace").decode()
