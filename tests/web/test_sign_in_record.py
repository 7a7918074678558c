"""The record of a sign-in: kept with its session, small, and without any secret."""

import json
import re
from datetime import timedelta

from app.accounts.models import Session
from app.accounts.sign_in_record import Recorder, SignInRecord, Step
from tests.factories import token_answer
from tests.site import statements

LONGEST_RECORD = 500


class Ticks:
    """A clock that goes on by so many seconds with each look."""

    def __init__(self, *seconds):
        self.times = list(seconds)

    def __call__(self):
        return self.times.pop(0)


def recorded(*, away=timedelta(seconds=4), granted=("tweet.read", "users.read")):
    recorder = Recorder(away=away, clock=Ticks(100.0, 100.002, 100.0031, 100.4, 100.6))
    for step in Step:
        recorder.note(step)
    return recorder.landed(
        client="public", dialect="beta", asked=["users.read", "tweet.read"], granted=granted
    )


# What is recorded


def test_times_are_milliseconds_since_the_callback_arrived():
    record = recorded()

    assert list(record.reached_ms.values()) == [2, 3, 400, 600]
    assert record.took_ms(Step.CODE_SENT, Step.TOKENS_CAME) == 397


def test_clocks_that_differ_make_no_negative_time():
    assert recorded(away=timedelta(seconds=-30)).away_ms == 0


def test_a_record_survives_being_stored():
    record = recorded()

    assert SignInRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_sign_in_is_recorded_with_its_session(client, clock, kind_twitter, rows):
    started = client.press_sign_in()
    clock.advance(seconds=7)
    client.come_back(state=started.state, code="a-code-from-twitter")

    [session] = rows(Session)
    record = SignInRecord.from_json(session["sign_in_record"])
    assert (record.client, record.dialect) == ("confidential", "live")
    assert record.asked == record.granted == set(token_answer()["scope"].split())
    assert 7000 <= record.away_ms < 8000
    assert list(record.reached_ms.values()) == sorted(record.reached_ms.values())
    assert min(record.reached_ms.values()) >= 0


def test_a_record_holds_no_secret_and_is_small(client, kind_twitter, rows):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")

    [session] = rows(Session)
    record = session["sign_in_record"]
    kept = json.dumps(record)
    texts = {text for text in re.findall(r'"([^"]*)"', kept) if text not in record}
    assert texts - set(Step) == {"confidential", "live", *token_answer()["scope"].split()}
    assert len(kept) < LONGEST_RECORD


def test_a_record_costs_no_statement_of_its_own(app, client, kind_twitter):
    started = client.press_sign_in()
    with statements(app) as sent:
        client.come_back(state=started.state, code="c")

    about_it = [statement for statement in sent if "sign_in_record" in statement]
    assert len(about_it) == 1
    assert about_it[0].startswith("INSERT INTO sessions")
