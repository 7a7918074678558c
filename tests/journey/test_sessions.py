"""The session cookie: who sets it, and when."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journey.sites import wait_until
from tests.journey.visitor import Forms

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


def test_static_files_set_no_cookie(twitter, visit):
    visitor = visit()
    visitor.sign_in()

    answer = visitor.send("GET", "/static/css/base.css")

    assert "Set-Cookie" not in answer.headers


def test_an_answer_that_comes_late_brings_no_older_session_back(twitter, visit):
    visitor = visit()
    visitor.sign_in("robin")
    slow_tab = visit(twin_of=visitor)
    twitter.fault(path="/2/users/*/tweets", delay_seconds=2)

    with ThreadPoolExecutor(1) as hands:
        late = hands.submit(slow_tab.send, "GET", "/tweets")
        wait_until(lambda: any(e["path"].endswith("/tweets") for e in twitter.journal()))
        visitor.come_back(visitor.consent(ask_for_more(visitor), "heron"))
        visitor.session.cookies.update(late.result(20).cookies)

    assert visitor.is_signed_in()


def ask_for_more(visitor):
    """Start another sign-in while signed in, as the Allow buttons do."""
    form = Forms(visitor.open("/account").text).found[0]
    return visitor.send("POST", "/auth/login", data=form.fields).headers["Location"]
