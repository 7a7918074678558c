"""The site as `make run` has it, without a client of its own: links and webhook of the sandbox."""

import re
import subprocess
import sys
from html import unescape

import pytest
import requests

from tests.journey.sites import ROOT, wait_until
from tests.journey.visitor import Visitor

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

TOLD = "X tells {} of revocations."


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server, TWITTER_CLIENT_ID="", TWITTER_CLIENT_SECRET="")


@pytest.fixture
def x(twitter, site):
    """The sandbox, whose own client knows the site's callback."""
    twitter.register_client(
        f"{site.url}/auth/callback", client_id="sandbox-client", client_secret="sandbox-secret"
    )
    return twitter


@pytest.fixture
def wrens(x, visit):
    """Two browsers in which Wren is signed in."""
    both = [visit(), visit()]
    for visitor in both:
        visitor.sign_in("wren")
    return both


@pytest.fixture
def flask(site):
    """Run `flask` with the site's settings; return the exit code and the output."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=site.environ,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    return run


@pytest.fixture
def registered(x, flask):
    assert flask("webhook", "register")[0] == 0


def revoke(x):
    """Press the button on the sandbox's page of connected apps, as Wren."""
    with Visitor(x.url) as person:
        page = person.open("/settings/connected_apps")
        person.press(page, "Revoke app permissions", account="wren", client_id="sandbox-client")


def signed_in(visitors):
    return [visitor.is_signed_in() for visitor in visitors]


def outcomes(x):
    return [one["outcome"] for one in x.deliveries() if one["kind"] == "event"]


def reports(site):
    """Return the results that the metrics count."""
    page = requests.get(f"{site.address}/metrics", timeout=10).text
    return set(re.findall(r'revocation_reports_total\{[^}]*result="(\w+)"\} [1-9]', page))


# The webhook


def test_the_webhook_is_registered_shown_and_removed(x, site, flask):
    url = f"{site.url}/webhooks/x"
    before = flask("webhook", "status")
    done = [flask("webhook", "register"), flask("webhook", "register")]
    during = flask("webhook", "status")
    removed = [flask("webhook", "remove"), flask("webhook", "remove")]

    assert before[0] == 1
    assert done == [(0, TOLD.format(url))] * 2
    assert during == (0, f"{url} (this site): valid, subscribed to revocations.")
    assert removed == [
        (0, f"X has removed the webhook at {url}."),
        (0, f"X has no webhook at {url}."),
    ]
    assert flask("webhook", "status")[0] == 1
    assert [one["outcome"] for one in x.deliveries()] == ["passed"]


def test_the_doctor_looks_at_the_webhook(x, site, flask):
    before, _ = flask("doctor"), flask("webhook", "register")
    after = flask("doctor")

    assert (before[0], after[0]) == (0, 0)
    assert "The sandbox has no webhook" in before[1]
    assert TOLD.format(f"{site.url}/webhooks/x") in after[1]


def test_revoking_at_x_signs_out_all_browsers_at_once(x, wrens, registered, site):
    before = signed_in(wrens)

    revoke(x)

    assert outcomes(x) == ["delivered"]
    wait_until(lambda: signed_in(wrens) == [False, False], explain=site.logged)
    assert before == [True, True]
    with site.database() as database:
        assert database.execute("SELECT count(*) FROM users").fetchone()[0] >= 1
        assert database.execute("SELECT count(*) FROM revocations").fetchone()[0] == 0


def test_an_event_that_comes_twice_is_done_once(x, wrens, registered, site):
    x.fault(path="/webhooks/x", webhook="doubled")

    revoke(x)

    assert outcomes(x) == ["delivered", "delivered"]
    wait_until(lambda: signed_in(wrens) == [False, False], explain=site.logged)
    refreshes = [entry for entry in x.journal("/2/oauth2/token") if entry["status"] == 400]
    assert len(refreshes) == 1


def test_a_forged_event_does_nothing(x, wrens, registered, site):
    x.fault(path="/webhooks/x", webhook="forged")

    revoke(x)

    assert outcomes(x) == ["fault: forged; refused: only a 200 counts"]
    assert "forged" in reports(site)
    assert signed_in(wrens) == [True, True]


def test_a_late_event_signs_out_when_it_comes(x, wrens, registered, site):
    x.fault(path="/webhooks/x", webhook="late", delay_seconds=60)

    revoke(x)
    before = signed_in(wrens)
    x.advance(61)

    assert outcomes(x) == ["delivered"]
    wait_until(lambda: signed_in(wrens) == [False, False], explain=site.logged)
    assert before == [True, True]


def test_a_late_event_leaves_a_newer_sign_in_alone(x, wrens, registered, site, visit):
    """X takes the refresh token of the newer grant: the event was about the older one."""
    x.fault(path="/webhooks/x", webhook="late", delay_seconds=60)

    revoke(x)
    newer = visit()
    newer.sign_in("wren")
    x.advance(61)

    assert outcomes(x) == ["delivered"]
    wait_until(lambda: "still_valid" in reports(site), explain=site.logged)
    assert newer.is_signed_in()


def test_a_lost_event_is_noticed_at_the_next_read(x, wrens, registered):
    x.fault(path="/webhooks/x", webhook="lost")

    revoke(x)
    before = signed_in(wrens)
    page = wrens[0].open("/tweets/lookup?ids=10")

    assert outcomes(x) == ["fault: lost"]
    assert "Please sign in again" in page.text
    assert (before, signed_in(wrens)) == ([True, True], [False, False])


# Links


def test_every_link_to_x_leads_to_a_page_of_the_sandbox(x, wrens):
    """Its short links too, which are X's own `https://t.co/...` on the wire."""
    here = wrens[0]
    paths = ["/", "/tweets", "/follows", "/spaces", "/people/magpie", "/account", "/privacy"]
    pages = [here.open(path) for path in paths]
    pages += [here.open(path) for page in pages for path in links(page) if "/spaces/1" in path]
    away = {link for page in pages for link in links(page) if link.startswith("http")}
    answers = {link: requests.get(link, timeout=10).status_code for link in away if x.url in link}

    assert {page.status_code for page in pages} == {200}
    assert [link for link in away if x.url not in link] == []
    for kind in ("/t.co/", "/i/spaces/", "/status/", "/hashtag/", "/i/user/"):
        assert any(kind in link for link in answers), kind
    assert {link for link, status in answers.items() if status != 200} == set()


def links(page):
    return {unescape(link) for link in re.findall(r'<a [^>]*href="([^"]+)"', page.text)}
