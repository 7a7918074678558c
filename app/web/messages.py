"""What people are told about what they did."""

from __future__ import annotations

from app.accounts.sessions import LoggedOut
from app.services import services


def logged_out(ended: LoggedOut) -> str:
    """Return the sentence that follows a logout: it says whether this site keeps its access."""
    if ended.kept:
        return (
            "You are logged out in this browser. Our database does not answer, so this site keeps "
            "trying to end the session there and to tell Twitter."
        )
    if ended.grant_ended:
        return "You are logged out, and this site's access to your Twitter account has ended."
    if ended.sessions and not services().config.logout_revokes:
        return (
            "You are logged out. This site keeps its access to your account until you disconnect."
        )
    if ended.sessions:
        return "You are logged out here. You are still signed in in another browser."
    return "You are logged out."
