"""The account page lists the sign-ins that ended within 30 days, apart from the living ones."""

import re
from html import unescape

import pytest
from sqlalchemy import insert

from app.accounts.browsers import MOST_ENDED
from app.accounts.grants import EndReason
from app.accounts.models import Session
from app.accounts.sessions import ENDED_KEPT
from tests.factories import ME_PATH, user_answer
from tests.site import statements
from tests.stores import on_both_stores
from tests.web.test_account import FIREFOX, SAFARI, session_in, signed_in_with

SUMMARY = "Sign-ins that ended in the last 30 days"
WORDS = {
    EndReason.LOGGED_OUT: "You logged out, there or from another browser.",
    EndReason.REPLACED: "A newer sign-in in the same browser took its place.",
    EndReason.EXPIRED: "It was unused for too long, or too old.",
    EndReason.TOKEN_EXPIRED: "Twitter's permission ran out, and could not be renewed.",
    EndReason.REFUSED: "Twitter no longer accepted it.",
    EndReason.DISCONNECTED: "You disconnected your account.",
    EndReason.ENDED_BY_OPERATOR: "The operator of this site ended it.",
    None: "It has ended.",
    "a reason of a later release": "It has ended.",
}
HOSTILE = "<script>alert(1)</script><b>\"'Wren\u202e on "


@pytest.fixture
def laptop(app, kind_twitter):
    return signed_in_with(FIREFOX, app)


def parts(client):
    """Return the panel of the browsers: what stands before the ended sign-ins, and these."""
    page = client.get("/account").text
    panel = page.partition('aria-labelledby="browsers-title"')[2].partition("</section>")[0]
    before, found, ended = panel.partition("<details>")
    return before, ended if found else None


def add_ended(app, *, ended_at, reason="logged_out", browser="Opera on Mac", number=1, user_id=1):
    row = {"user_id": user_id, "browser": browser, "created_at": ended_at, "seen_at": ended_at}
    row |= {"id": f"{number:032x}", "ended_at": ended_at, "end_reason": reason}
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(insert(Session), row)


def test_an_ended_sign_in_is_below_the_living_ones_with_time_browser_and_reason(
    app, laptop, rows, clock
):
    signed_in_with(SAFARI, app)
    laptop.press("/account/browsers/end", session_id=session_in(rows, "Safari on iPhone"))
    clock.advance(minutes=3)

    living, ended = parts(laptop)

    assert "Safari" not in living
    assert living.count("(this browser)") == 1
    assert f"<summary>{SUMMARY}</summary>" in ended
    assert ended.count("Safari on iPhone") == 1
    [row] = [row for row in rows(Session) if row["ended_at"]]
    assert f'datetime="{row["ended_at"].isoformat()}"' in ended
    assert f'datetime="{row["created_at"].isoformat()}"' in ended
    assert WORDS["logged_out"] in ended


def test_without_an_ended_sign_in_nothing_is_said_of_them(laptop):
    assert parts(laptop)[1] is None


def test_an_ended_sign_in_has_no_button_and_no_id(app, laptop, clock):
    add_ended(app, ended_at=clock(), number=7)

    _, ended = parts(laptop)

    assert "<form" not in ended
    assert "<button" not in ended
    assert f"{7:032x}" not in laptop.get("/account").text


@pytest.mark.parametrize("reason", [*EndReason, None, "a reason of a later release"])
def test_every_reason_has_its_words(app, laptop, clock, reason):
    add_ended(app, ended_at=clock(), reason=reason)

    _, ended = parts(laptop)

    assert f"UTC</time>. {WORDS[reason]} Signed in" in unescape(ended)


def test_a_sign_in_is_listed_for_30_days_though_nothing_prunes(app, laptop, clock):
    add_ended(app, ended_at=clock() - ENDED_KEPT, browser="Opera on Mac", number=1)
    add_ended(app, ended_at=clock() - ENDED_KEPT * 1.001, browser="Edge on Windows", number=2)

    _, ended = parts(laptop)

    assert "Opera on Mac" in ended
    assert "Edge" not in ended


def test_the_latest_end_comes_first_and_the_oldest_of_many_are_left_out(app, laptop, clock):
    for number in range(MOST_ENDED + 2):
        add_ended(app, ended_at=clock(), browser=f"Bird {number}.", number=number)
        clock.advance(minutes=1)

    living, ended = parts(laptop)

    assert "Firefox on Linux" in living
    numbers = [int(number) for number in re.findall(r"Bird (\d+)\.", ended)]
    assert numbers == list(range(MOST_ENDED + 1, 1, -1))
    assert "Older ones are in the copy of your data" in ended


def test_many_that_are_just_shown_name_no_older_ones(app, laptop, clock):
    for number in range(MOST_ENDED):
        add_ended(app, ended_at=clock(), number=number)

    _, ended = parts(laptop)

    assert ended.count("Opera on Mac") == MOST_ENDED
    assert "Older ones" not in ended


def test_a_sign_in_that_is_over_by_age_is_ended_before_it_is_pruned(app, laptop, rows, clock):
    phone = signed_in_with(SAFARI, app)
    began = clock()
    for _ in range(3):
        clock.advance(days=15)
        laptop.get("/account")

    living, ended = parts(laptop)

    assert "Safari" not in living
    assert "Safari on iPhone" in ended
    assert WORDS["expired"] in ended
    assert f'datetime="{(began + ENDED_KEPT).isoformat()}"' in ended  # 30 days unused
    assert not phone.is_signed_in()


def test_sign_ins_of_other_people_are_neither_listed_nor_counted(app, laptop, twitter, clock):
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
    stranger = app.test_client()
    stranger.sign_in()
    no_end = parts(stranger)[1]
    add_ended(app, ended_at=clock(), browser="Opera on Mac")
    clock.advance(minutes=1)
    for number in range(MOST_ENDED + 1):
        add_ended(app, ended_at=clock(), browser="Edge", number=100 + number, user_id=2)

    ours, theirs = parts(laptop)[1], parts(stranger)[1]

    assert no_end is None
    assert (ours.count("Opera on Mac"), ours.count("Edge")) == (1, 0)
    assert (theirs.count("Opera on Mac"), theirs.count("Edge")) == (0, MOST_ENDED)


def test_a_hostile_browser_is_text(app, laptop, clock):
    add_ended(app, ended_at=clock(), browser=HOSTILE)

    _, ended = parts(laptop)

    assert "<script>" not in ended
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&#34;&#39;Wren" in ended
    assert "<bdi>&lt;script" in ended  # its direction ends with it


@on_both_stores
def test_both_lists_are_one_statement_and_the_page_has_three(app, laptop, clock):
    add_ended(app, ended_at=clock())
    laptop.get("/account")

    with statements(app) as sent:
        assert "Opera on Mac" in parts(laptop)[1]

    assert len(sent) == 3
    assert len([text for text in sent if "FROM sessions" in text]) == 1


@pytest.mark.parametrize(
    "provider, words",
    [("Twitter", "Twitter no longer accepted it"), ("X", "X no longer accepted it")],
)
def test_the_reason_is_told_in_the_providers_words(build_app, kind_twitter, clock, provider, words):
    app = build_app(PROVIDER_NAME=provider)
    browser = signed_in_with(FIREFOX, app)
    add_ended(app, ended_at=clock(), reason="refused")

    assert words in parts(browser)[1]
