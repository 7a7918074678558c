"""A wish: how it is written and read, and the sentence about a refusal."""

from datetime import UTC, datetime, timedelta

from app.twitter import errors
from app.wishes import Wish, _refused

ROBIN = "1002"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def refused(error, **changes):
    wish = Wish(**{"verb": "follow", "user_id": ROBIN, "username": "robin"} | changes)
    return _refused(wish, error, now=NOON)


def test_a_wish_reads_what_it_writes():
    texts = ["follow:1", f"unfollow:{ROBIN}:robin", f"follow:{'9' * 19}:{'a' * 50}"]

    assert [str(Wish.from_text(text)) for text in texts] == texts


def test_nothing_else_is_a_wish():
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

    assert [text for text in texts if Wish.from_text(text) is not None] == []


def test_a_refusal_is_told_by_its_nearest_kind():
    told = {
        errors.Busy: "Many people are here at this moment. Please try again in a few seconds.",
        errors.TokenRefused: "Twitter no longer accepts this sign-in. "
        "Please log out and sign in again.",
        errors.NotInPlan: "That is not part of what this site may do at Twitter.",
        errors.WrongTokenType: "This is a mistake of this site, not yours. "
        "Its operator can read about it in the log.",
        errors.OutOfCredits: "This site has used up what it may ask of Twitter for now.",
        errors.ClientRefused: "Twitter does not accept this site at the moment.",
        errors.Refused: "Twitter said no. The account may be gone, or it may have blocked you.",
        errors.Unreachable: "Twitter gave no clear answer. Please look whether it was done.",
        errors.InvalidAnswer: "Twitter gave no clear answer. Please look whether it was done.",
    }

    assert {kind: refused(kind("test")) for kind in told} == told


def test_a_plan_of_ones_own_is_told_as_such():
    error = errors.NotInOwnPlan("test")

    assert refused(error) == "That is not part of your own account's plan at Twitter."


def test_a_limit_says_when_to_try_again():
    ends = [None, NOON + timedelta(minutes=9), NOON + timedelta(hours=13)]

    told = [refused(errors.RateLimited("test", until=until)) for until in ends]

    assert told == [
        f"Twitter asks for a pause. You can follow @robin again {when}."
        for when in ("later", "at 12:09 UTC", "tomorrow at 01:00 UTC")
    ]


def test_a_wish_without_a_name_speaks_of_this_account():
    told = refused(errors.RateLimited("test", until=None), verb="unfollow", username="")

    assert told == "Twitter asks for a pause. You can unfollow this account again later."
