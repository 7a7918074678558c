"""Say in plain words what a request of the sign-in is, and what its parameters are for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.control.sign_in_traces import answered

_STEPS = {
    ("GET", "/i/oauth2/authorize"): "The app sends a person here to be asked",
    ("POST", "/i/oauth2/authorize"): "The person answers, and is sent back",
    ("POST", "/2/oauth2/revoke"): "The app gives a token back",
    ("GET", "/2/users/me"): "The app asks who signed in",
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
    "client_id": "which app is asking",
    "redirect_uri": "where the person is sent back to; must match to the letter",
    "scope": "what the app wants to be allowed",
    "state": "proof that the browser that comes back is the one that left",
    "code_challenge": "the hash of a secret that only the app knows (PKCE)",
    "code_challenge_method": "how it was hashed",
    "code": "the authorization code: 30 seconds, one use",
    "code_verifier": "the secret behind the code challenge",
    "grant_type": "what is being exchanged",
    "refresh_token": "works once; the next one comes with the answer",
    "token": "the token to kill",
    "token_type_hint": "which kind of token it is; Twitter insists on it",
    "consent_request": "makes the consent form good for one answer",
    "account": "who the person is today",
    "decision": "the button that was pressed",
}


def step(entry: dict[str, Any]) -> str:
    """Name the step of the trace that a journal entry is, if it is one."""
    if entry["path"] == "/2/oauth2/token":
        given = entry["form"].get("grant_type") or entry["query"].get("grant_type") or ""
        return _GRANTS.get(given[0] if isinstance(given, list) and given else str(given), "")
    known = _STEPS.get((entry["method"], entry["path"]), "")
    decision = entry["form"].get("decision") if entry["path"] == "/i/oauth2/authorize" else None
    return _DECISIONS.get(str(decision), known)


def outcome(entry: dict[str, Any]) -> str:
    """Say in a line what became of a request."""
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
    """List name, value and meaning of everything that was sent."""
    rows = []
    for given in (entry["query"], entry["form"]):
        for name, value in given.items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append((_printable(name), _printable(shown), PARAMETERS.get(name, "")))
    return rows


def _printable(text: str) -> str:
    """Replace what no page can hold: JSON may bring half a surrogate pair."""
    return text.encode(errors="replace").decode()
