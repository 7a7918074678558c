"""The first visit, in a real browser: in, around, out again."""

import pytest

from sandbox.testing import Sandbox
from tests.journey.sites import wait_until
from tests.sandbox.birds import ROBIN
from tests.sections import rows_of

# What is stored of a person: sessions and grants point at users.
TABLES = ["revocations", "sessions", "grants", "users"]
ALL_OVER = "You are logged out, and this site's access to your Twitter account has ended."

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server, WEB_CONCURRENCY="2")


@pytest.fixture(scope="module")
def beta(sites):
    """A sandbox and a site that speak as Twitter did in 2021, when all clients were public."""
    as_then = {"TWITTER_CLIENT_ID": "aviary", "TWITTER_CLIENT_SECRET": ""}
    with Sandbox(dialect="beta") as sandbox:
        yield sandbox, sites.start(sandbox, TWITTER_DIALECT="beta", **as_then)


@pytest.fixture(autouse=True)
def nothing_stored(site):
    """Begin each test with empty tables."""
    with site.database() as database:
        for table in TABLES:
            database.execute(f"DELETE FROM {table}")


def rows(site):
    """How many rows each table has."""
    with site.database() as database:
        return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]


def states(twitter):
    return [token["state"] for token in twitter.tokens()]


def visit_once(reader, twitter):
    """Sign in, look around and log out."""
    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.pick("Robin Redbreast")
    reader.press("Authorize app")

    assert reader.path() == "/"
    assert reader.heading() == "Robin Redbreast"
    assert "@robin" in reader.text()
    assert states(twitter) == ["living", "living"]

    for name in ["Tweets", "Follows", *rows_of("HEADINGS"), "Account"]:
        reader.go_to(name)

        assert reader.heading().startswith(name)

    reader.press("Log out")

    assert reader.path() == "/"
    assert ALL_OVER in reader.text()
    wait_until(lambda: states(twitter) == ["revoked", "revoked"])
    assert reader.complaints == []


@pytest.mark.parametrize("scripts", [False, True], ids=["no scripts", "scripts"])
def test_a_person_signs_in_looks_around_and_logs_out(read, twitter, scripts):
    visit_once(read(scripts=scripts), twitter)


def test_the_first_visit_works_in_the_beta(read, beta):
    sandbox, site = beta
    reader = read()
    reader.url = site.url

    visit_once(reader, sandbox)

    for path in rows_of("IN_THE_BETA_ALONE"):
        assert sandbox.journal(path.replace(":id", ROBIN))


def test_cancelling_is_calm_and_leaves_nothing_behind(read, twitter, site):
    reader = read()

    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.press("Cancel")

    assert reader.heading() == "You cancelled"
    assert "Nothing was shared" in reader.text()
    assert rows(site) == [0, 0, 0, 0]
    assert twitter.journal("/2/oauth2/token") == []

    reader.sign_in()

    assert reader.heading() == "Robin Redbreast"
    assert reader.complaints == []


def test_a_stale_form_offers_itself_again_and_then_works(read, twitter):
    reader = read()

    reader.open("/tweets")
    reader.context.clear_cookies()
    reader.press("Sign in with Twitter")

    assert reader.heading() == "Please press once more"

    reader.sign_in()

    assert reader.path() == "/tweets"
    assert sorted(complaint[:4] for complaint in reader.complaints) == ["400:", "cons"]


def test_logging_out_from_a_tab_of_an_older_sign_in_takes_one_more_press(read, twitter):
    reader = read()
    reader.open("/")
    reader.sign_in()
    older = reader.page
    older.wait_for_load_state("networkidle")
    reader.page = reader.context.new_page()
    reader.context.clear_cookies()
    reader.open("/")
    reader.sign_in("Heron")

    reader.page = older
    reader.press("Log out")

    assert reader.heading() == "Please press once more"

    reader.follow(reader.page.locator("main").get_by_role("button", name="Log out"))

    assert ALL_OVER in reader.text()
    wait_until(lambda: states(twitter) == ["living", "living", "revoked", "revoked"])


def test_going_back_through_the_history_ends_well(read, twitter):
    reader = read()
    reader.open("/")
    reader.sign_in()

    reader.page.go_back()
    reader.pick("Heron")
    reader.press("Authorize app")

    assert reader.heading() == "You are signed in already"

    for _ in range(2):
        reader.page.go_back()

    assert reader.path() == "/"
    assert reader.heading() == "Robin Redbreast"


def test_reloading_and_opening_the_callback_again_is_harmless(read, twitter):
    reader = read()
    callbacks = []
    reader.context.on("request", lambda request: callbacks.append(request.url))
    reader.open("/")
    reader.sign_in()
    callback = next(url for url in callbacks if "/auth/callback?" in url)

    reader.page.reload()

    assert reader.heading() == "Robin Redbreast"
    assert reader.complaints == []

    answer = reader.page.goto(callback)

    assert answer.status == 400
    assert reader.heading() == "You are signed in already"
    assert len(twitter.journal("/2/oauth2/token")) == 1
    reader.open("/")
    assert reader.heading() == "Robin Redbreast"


def test_coming_by_another_name_of_this_machine_leads_to_the_public_one(read, twitter, site):
    reader = read()

    reader.page.goto(site.url.replace("127.0.0.1", "localhost") + "/?next=/tweets")

    assert reader.page.url == f"{site.url}/?next=/tweets"

    reader.sign_in()

    assert reader.path() == "/tweets"
    assert reader.complaints == []
