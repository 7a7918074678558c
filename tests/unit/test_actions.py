"""Pending actions: how they are written and read, and the message about a refusal."""

from datetime import UTC, datetime, timedelta

import pytest

from app.gateway.actions import FOLLOW, UNFOLLOW, PendingAction
from app.twitter import errors
from app.web.messages import action_message

ROBIN = "1002"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_an_app(app):
    """Sentences are in the words of `PROVIDER_NAME`, a setting of the app."""
    with app.app_context():
        yield


def refused(error, **changes):
    pending = PendingAction(**{"action": FOLLOW, "target_id": ROBIN, "username": "robin"} | changes)
    return action_message(pending, error, now=NOON)


def test_a_pending_action_reads_what_it_writes():
    texts = ["follow:1", f"unfollow:{ROBIN}:robin", f"follow:{'9' * 19}:{'a' * 50}"]

    assert [str(PendingAction.from_text(text)) for text in texts] == texts


def test_nothing_else_is_a_pending_action():
    texts = [
        None,
        "",
        ROBIN,
        f"FOLLOW:{ROBIN}",
        f"block:{ROBIN}",
        f"xfollow:{ROBIN}",
        "follow:",
        "follow:robin",
        "follow:-1",
        "follow:01",
        "follow:" + "9" * 20,
        f"follow:{ROBIN}/../../1003",
        f"follow:{ROBIN}\n",
        f" follow:{ROBIN}",
        f"follow:{ROBIN}:",
        f"follow:{ROBIN}:<b>",
        f"follow:{ROBIN}:robin:1003",
        f"follow:{ROBIN}:{'a' * 51}",
        "follow:١٠٠٢",
    ]

    assert [text for text in texts if PendingAction.from_text(text) is not None] == []


def test_a_refusal_is_told_by_its_nearest_kind():
    told = {
        errors.Busy: "Too many people at once. Please try again in a few seconds.",
        errors.TokenRefused: "Please log out and sign in again. "
        "Twitter no longer accepts this sign-in.",
        errors.NotInPlan: "Not part of this site's plan. This site does not pay Twitter for this.",
        errors.WrongTokenType: "This is a mistake of this site, not yours. "
        "Its operator can read about it in the log.",
        errors.OutOfCredits: "Out of credits. "
        "This site has used up what it may ask of Twitter for now.",
        errors.ClientRefused: "Twitter does not accept this site. "
        "Its operator must fix its registration at Twitter.",
        errors.Refused: "Twitter said no. The account may be gone, or it may have blocked you.",
        errors.NotSent: "Twitter is not answering. Please try again in a minute.",
        errors.Unreachable: "Twitter gave no clear answer. Please check whether it was done.",
        errors.InvalidAnswer: "Twitter gave no clear answer. Please check whether it was done.",
    }

    assert {kind: refused(kind("test")) for kind in told} == told


def test_a_persons_own_plan_is_told_as_such():
    error = errors.NotInOwnPlan("test")

    assert refused(error) == (
        "Not part of your own plan. Your account at Twitter needs another plan for this."
    )


def test_a_limit_says_when_to_try_again():
    ends = [None, NOON + timedelta(minutes=9), NOON + timedelta(hours=13)]

    told = [refused(errors.RateLimited("test", until=until)) for until in ends]

    assert told == [
        f"Twitter asks for a pause. You can follow @robin again {when}."
        for when in ("later", "at 12:09 UTC", "tomorrow at 01:00 UTC")
    ]


def test_an_action_without_a_username_speaks_of_this_account():
    told = refused(errors.RateLimited("test", until=None), action=UNFOLLOW, username="")

    assert told == "Twitter asks for a pause. You can unfollow this account again later."
