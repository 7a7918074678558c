"""The addresses of profiles, Posts and searches at X lead to pages of the sandbox's own."""

import json
import re
from html import unescape

import pytest

from sandbox import create_app
from sandbox.seeds.file import read
from sandbox.world.state import World
from tests.sandbox.birds import CUCKOO, MAGPIE, MOCKINGBIRD, NIGHTJAR, WREN, at

A_POST = f"/wren/status/{at(12)}"
A_SPACE = "/i/spaces/1DawnChorus1a"


def links(page):
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]


@pytest.fixture
def hidden(world):
    """Return a Post of the protected account."""
    return next(t for t in world.tweets.values() if t.author_id == NIGHTJAR)


@pytest.mark.parametrize(
    "path",
    ["/wren", "/WREN", A_POST, A_SPACE, "/hashtag/ivy", "/search?q=ivy", "/search?q=", "/search"],
)
def test_every_page_says_that_its_people_are_made_up(browser, path):
    page = browser.get(path)

    assert page.status_code == 200
    assert "All people in it are made up" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page.text


def test_a_profile_shows_the_account_and_its_posts(browser, world):
    page = browser.get("/wren").text
    newest = world.timeline(WREN)[0]

    assert "<h1><bdi>Wren</bdi></h1>" in page
    assert "@wren" in page
    assert f"/wren/status/{newest.id}" in page


def test_a_mention_in_a_bio_is_linked_where_it_stands(browser):
    """Its place is that in the bio as it was typed, `<` and emoji before it included."""
    page = browser.get("/robin").text

    assert re.search(r'&lt;3 [^<]*<a href="/i/user/\d+">@wren</a>', page)


@pytest.mark.parametrize(
    "path, leads_to",
    [
        (f"/i/user/{WREN}", "/wren"),
        (f"/i/web/status/{at(12)}", A_POST),
        (f"/i/status/{at(12)}", A_POST),
        (f"/robin/status/{at(12)}", A_POST),
        (f"{A_POST}/photo/1", A_POST),
    ],
)
def test_other_addresses_lead_to_the_one_of_the_account_or_post(browser, path, leads_to):
    answer = browser.get(path)

    assert (answer.status_code, answer.location) == (302, leads_to)


@pytest.mark.parametrize(
    "path",
    [
        "/nobody_here",
        "/peewit",  # a former username
        "/cuckoo",  # suspended
        f"/i/user/{CUCKOO}",
        "/i/user/42",
        "/i/user/nonsense",
        "/wren/status/42",
        "/i/web/status/42",
        "/i/article/42",
        "/i/spaces/nonsense",
        "/t.co/nonsense",
        "/%00",
        "/a/status/%F0%9F%92%A5",
        "/x" * 40,
    ],
)
def test_unknown_addresses_are_404(browser, path):
    assert browser.get(path).status_code == 404


def test_an_unknown_account_gets_a_page_of_the_sandbox(browser):
    page = browser.get("/nobody_here")

    assert "There is no such page" in page.text
    assert "All people in it are made up" in page.text


def test_protected_posts_are_shown_nowhere(browser, world, hidden):
    profile = browser.get("/nightjar")
    word = max(re.findall(r"[A-Za-z]+", hidden.text), key=len)

    assert "These Posts are protected" in profile.text
    assert hidden.id not in profile.text
    assert browser.get(f"/nightjar/status/{hidden.id}").status_code == 404
    assert browser.get(f"/i/web/status/{hidden.id}").status_code == 404
    assert hidden.id not in browser.get("/search", query_string={"q": word}).text


def test_a_repost_shows_no_protected_post(browser, world):
    repost = next(t for t in world.tweets.values() if dict(t.references).get("retweeted"))
    original = world.tweets[dict(repost.references)["retweeted"]]
    path = f"/i/web/status/{repost.id}"
    before = browser.get(path, follow_redirects=True)
    world.change_account(world.accounts[original.author_id].username, {"protected": True})

    assert "Reposted by" in before.text
    assert browser.get(path).status_code == 404


def test_suspended_authors_are_found_nowhere(browser, world):
    world.change_account("wren", {"suspended": True})

    assert browser.get(A_POST).status_code == 404
    assert "/wren/status/" not in browser.get("/search?q=ivy").text


def test_a_hashtag_is_found_in_any_case_and_not_inside_another(browser, tmp_path):
    browser = of_seed(
        tmp_path,
        {
            "accounts": [{"username": "ada"}],
            "tweets": [
                {"id": "1", "author": "ada", "text": "One #Ivy"},
                {"id": "2", "author": "ada", "text": "Two #IvyLeague"},
                {"id": "3", "author": "ada", "text": "Three, no hashtag: ivy"},
            ],
        },
    )
    page = browser.get("/hashtag/IVY").text

    assert set(re.findall(r"/ada/status/(\d)", page)) == {"1"}


def of_seed(folder, content):
    """Return a browser in the world of a seed file."""
    path = folder / "world.json"
    path.write_text(json.dumps(content))
    return create_app(World(read(path))).test_client()


def test_a_hostile_seed_stays_text(tmp_path):
    evil = '"><script>alert(1)</script>{{ 7 * 7 }}'
    account = {"username": "ada", "name": evil, "description": evil, "location": evil[:30]}
    tweet = {"id": "1", "author": "ada", "text": evil, "article": evil}
    asked = {"id": "2", "author": "ada", "text": evil, "poll": {"options": [evil[:25], "b"]}}
    browser = of_seed(
        tmp_path,
        {
            "accounts": [account | {"url": "javascript:alert(1)"}],
            "tweets": [tweet, asked],
        },
    )
    pages = [browser.get(path) for path in ("/ada", "/ada/status/2")]
    pages += [browser.get(path, query_string={"q": evil}) for path in ("/search",)]
    pages += [browser.get("/hashtag/<script>alert(1)")]

    assert [p.status_code for p in pages] == [200] * 4
    assert "<script" not in "".join(p.text for p in pages)
    assert "{{ 7 * 7 }}" in pages[0].text
    assert not any(link.startswith("javascript:") for page in pages for link in links(page))


def test_the_hostile_bird_stays_text(browser):
    page = browser.get("/mockingbird").text

    assert "<script" not in page
    assert f"/profile_images/{MOCKINGBIRD}/" in page


def test_the_short_links_of_posts_and_profiles_lead_somewhere_offline(browser, world):
    """Short links are `https://t.co/...` on the wire; the same word is known here."""
    shorts = {link.short for tweet in world.tweets.values() for link in tweet.links}
    answers = {s: browser.get(s.removeprefix("https:/")) for s in shorts}

    assert {a.status_code for a in answers.values()} == {200, 302}
    assert [s for s, a in answers.items() if a.location and not a.location.startswith("/")] == []
    assert (
        "https://magpie.example/market/tinfoil-and-buttons"
        in answers["https://t.co/magpiemkt1"].text
    )


def test_the_short_link_of_an_article_leads_to_its_post(browser):
    answer = browser.get("/t.co/standstill", follow_redirects=True)

    assert answer.status_code == 200
    assert "On standing still" in answer.text


@pytest.mark.parametrize(
    "address",
    ["https://x.com//evil.example", "https://x.com/\\evil.example", "https://x.com@evil.example/a"],
)
def test_a_short_link_redirects_to_no_other_site(tmp_path, address):
    browser = of_seed(
        tmp_path,
        {
            "accounts": [{"username": "ada"}],
            "tweets": [
                {
                    "author": "ada",
                    "text": "https://a.example/",
                    "links": [{"address": "https://a.example/", "short": "https://t.co/one"}],
                }
            ],
        },
    )
    world = browser.application.extensions["sandbox.world"]
    tweet = next(iter(world.tweets.values()))
    object.__setattr__(tweet.links[0], "expanded", address)

    assert browser.get("/t.co/one").location is None


def test_every_link_of_the_pages_leads_somewhere(browser, world):
    """But for the addresses behind short links, which are not the sandbox's."""
    pages = [browser.get(f"/{a.username}") for a in list(world.accounts.values())[:15]]
    pages += [browser.get(f"/i/web/status/{i}", follow_redirects=True) for i in world.tweets]
    found = {link for page in pages if page.status_code == 200 for link in links(page)}
    local = {link for link in found if link.startswith("/") and not link.startswith("/static/")}
    broken = {p: s for p in local if (s := browser.get(p).status_code) not in {200, 302}}

    assert len(local) > 60
    assert {link for link in found if not link.startswith("/")} == set()
    assert {p for p, s in broken.items() if not p.startswith(("/cuckoo", "/nightjar"))} == set()


def test_nothing_else_is_shadowed(tmp_path):
    names = ["2", "i", "search", "sandbox", "settings", "static", "console", "hashtag"]
    browser = of_seed(tmp_path, {"accounts": [{"username": name} for name in ["ada", *names]]})
    answers = {path: browser.get(path) for path in ("/2", "/2/status/1", "/search", "/")}

    assert answers["/2"].json["title"] == answers["/2/status/1"].json["title"] == "Not Found"
    assert "Search" in answers["/search"].text
    assert "Twitter on your desk" in answers["/"].text
    assert browser.get("/sandbox/settings").json["plan"] == "enterprise"
    assert browser.get("/settings/connected_apps").status_code == 200
    assert MAGPIE not in browser.get("/magpie").text
