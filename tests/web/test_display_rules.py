"""X's display requirements and what its policy says of pages: one test for each row of
docs/x-rules.md that is this site's to keep.
"""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.dialects import LIVE, in_both_dialects
from tests.factories import APP_NAME, user_answer
from tests.sections import rows_of
from tests.web.answers import FOLLOWING, ME, ROBIN, stand

LISTS = ["/", "/follows", *(path for path, _ in rows_of("LISTS_WITH_LOOK_UPS"))]

RULES = Path(__file__).parent.parent.parent / "docs" / "x-rules.md"
X = LIVE.home
WREN = user_answer()["data"] | {"profile_image_url": "https://pbs.twimg.com/1/wren_normal.jpg"}
LOGO = 'aria-label="Twitter"><path d="M18.244'
TOUCHED = {  # the pages on which Tweets are, with the heading above them
    "/": "Latest Tweets",
    "/tweets": "Your Tweets",
    "/tweets/lookup?ids=10": "Found",
    "/people/id/1001": "Tweets",
}
# Names with which people try to mislead, and one that no reader sees.
HOSTILE = ["\u202eevil\u2066", "\u200b\u2060", "\u3164", "שלום", "W" * 50, "<b>robin</b>"]


def tweet(**changes):
    said = {"id": "10", "text": "Good morning", "author_id": ME}
    return said | {"created_at": "2020-05-01T04:35:55.000Z"} | changes


def links(page):
    """List where the links of a page lead, each with its words."""
    found = re.findall(r'<a (?:[^>]* )?href="([^"]+)"([^>]*)>(.*?)</a>', page, re.DOTALL)
    return [
        (unescape(href), " ".join(unescape(re.sub("<[^>]+>", " ", inside)).split()))
        for href, _, inside in found
    ]


def to(page, text):
    """List where the links with these words lead."""
    return [href for href, words in links(page) if words == text]


def article(page):
    """Cut the first Tweet out of a page."""
    return page[page.index('<article class="tweet"') : page.rindex("</article>")]


@pytest.fixture
def shown(signed_in, twitter):
    """Show a Tweet of this kind, and return its part of the page."""

    def show(changes, users=(), **includes):
        includes["users"] = [WREN, ROBIN, *users]
        twitter.get("/tweets", json={"data": [tweet(**changes)], "includes": includes})
        return article(signed_in.get("/tweets/lookup?ids=10").text)

    return show


# Authors


def test_name_username_and_picture_lead_to_the_author_at_twitter(shown):
    said = shown({"author_id": "1002"})

    assert to(said, "Robin Redbreast @robin") == [f"{X}/robin"]
    picture = re.search(r'<a class="avatar" href="([^"]+)"[^>]*><?\s*<img[^>]*>', said)
    assert picture[1] == f"{X}/robin"
    assert said.index('class="avatar"') < said.index('class="who"')


def test_the_picture_is_no_second_link_for_keyboards_and_screen_readers(shown):
    picture = re.search(r'<a class="avatar"[^>]*>', shown({}))[0]

    assert 'tabindex="-1" aria-hidden="true"' in picture


@in_both_dialects
@pytest.mark.parametrize("path", ["/", "/account", "/people/id/1002"])
def test_profiles_lead_to_twitter(signed_in, twitter, dialect, path):
    twitter.get("/users/1002", json={"data": ROBIN})
    twitter.get(dialect.tweets_of("1002"), json=dialect.their_tweets(of=ROBIN))

    page = signed_in.get(path).text

    whose = "robin" if "1002" in path else "wren"
    assert f"{dialect.home}/{whose}" in [href for href, words in links(page) if words]


def test_people_in_lists_lead_to_twitter_and_beside_it_to_our_page(signed_in, twitter):
    twitter.get(FOLLOWING, json={"data": [ROBIN]})
    stand(twitter)

    pages = {path: signed_in.get(path).text for path in LISTS}

    for path, page in pages.items():
        assert f"{X}/robin" in to(page, "Robin Redbreast @robin"), path
        assert "/people/id/1002" in to(page, f"On {APP_NAME}"), path
        assert f'aria-label="@robin on {APP_NAME}"' in page


def test_lists_of_people_say_that_they_are_of_twitter(signed_in, twitter):
    assert "<h1>Follows on Twitter</h1>" in signed_in.get("/follows").text
    assert "<h1>Follows on Twitter</h1>" in signed_in.get("/follows/followers").text
    assert "<h1>People on Twitter</h1>" in signed_in.get("/people").text
    assert ">You follow on Twitter</h2>" in signed_in.get("/").text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_leads_to_its_own_profile(shown, name):
    robin = ROBIN | {"name": name}
    repost = {"referenced_tweets": [{"type": "retweeted", "id": "9"}], "author_id": "1004"}
    original = tweet(id="9", author_id="1005")
    users = [robin | {"id": "1004", "username": "crow"}, robin | {"id": "1005"}]

    said = shown(repost, users=users, tweets=[original])

    # Even a name that no reader sees has a username beside it, inside the same link.
    links_of = [(href, words) for href, words in links(said) if words.endswith(("@robin", "@crow"))]
    assert [href for href, _ in links_of] == [f"{X}/crow", f"{X}/robin", "/people/id/1005"]
    assert re.findall(r"<([a-z]+)[^<]*\u202e", said) in ([], ["bdi", "bdi"])


@pytest.mark.parametrize(
    "username", ["../evil", "robin?x=", "\u202eevil", "@evil.example", "a" * 51, "robin\n", "שלום"]
)
def test_a_hostile_username_is_no_part_of_an_address(shown, username):
    said = shown({"author_id": "1004"}, users=[ROBIN | {"id": "1004", "username": username}])

    leads_to = {href for href, _ in links(said)}
    assert leads_to == {
        f"{X}/i/user/1004",
        f"{X}/i/web/status/10",
        "/tweets/10",
        "/people/id/1004",
    }


# Right-to-left


@pytest.mark.parametrize(
    "text, is_right_to_left", [("שלום wren", True), ("Good morning שלום", False), ("123", False)]
)
def test_the_picture_of_a_right_to_left_tweet_is_on_the_right(shown, text, is_right_to_left):
    said = shown({"text": text})

    assert said.startswith('<article class="tweet" dir="rtl">') == is_right_to_left
    assert ('<header dir="rtl">' in said) == is_right_to_left
    assert ('<div class="body" dir="ltr">' in said) == is_right_to_left  # our words are English


# The text


def test_entities_lead_to_twitter_and_links_to_their_short_address(shown):
    text = "🐛 @robin https://t.co/a #ivy $TWIG &lt;3"
    link = {"url": "https://t.co/a", "expanded_url": "https://wren.example/?a=1&b=2&long=yes"}
    entities = {
        "mentions": [{"start": 2, "end": 8, "username": "robin", "id": "1002"}],
        "urls": [{"start": 9, "end": 23, "display_url": "wren.example/?a=1&b=2…", **link}],
        "hashtags": [{"start": 24, "end": 28, "tag": "ivy"}],
        "cashtags": [{"start": 29, "end": 34, "tag": "TWIG"}],
    }

    said = shown({"text": text, "entities": entities})

    assert to(said, "@robin") == [f"{X}/i/user/1002"]
    assert to(said, "wren.example/?a=1&b=2…") == ["https://t.co/a"]
    assert to(said, "#ivy") == [f"{X}/hashtag/ivy"]
    assert to(said, "$TWIG") == [f"{X}/search?q=%24TWIG"]
    assert "wren.example/?a=1&b=2&long" not in unescape(said)
    assert "</a> &lt;3</p>" in said


@pytest.mark.parametrize("username", ["peewit", "peewit_of_the_marsh"])
def test_a_mention_goes_by_id_and_without_one_by_username(shown, username):
    mention = {"start": 0, "end": 7, "username": username}
    by_id = {"start": 8, "end": 15, "username": username, "id": "1014"}

    said = shown({"text": "@peewit @peewit", "entities": {"mentions": [mention, by_id]}})

    assert to(said, "@peewit") == [f"{X}/{username}", f"{X}/i/user/1014"]


def test_the_links_of_a_bio_are_those_of_a_tweet(signed_in, twitter):
    link = {"start": 7, "end": 21, "url": "https://t.co/a", "display_url": "a.example"}
    entities = {
        "mentions": [{"start": 0, "end": 6, "username": "heron"}],
        "urls": [link | {"expanded_url": "https://a.example/long"}],
        "hashtags": [{"start": 22, "end": 27, "tag": "مرحبا"[:4]}],
    }
    bio = {"description": "@heron https://t.co/a #مرحب", "entities": {"description": entities}}
    twitter.get(FOLLOWING, json={"data": [ROBIN | bio]})

    page = signed_in.get("/follows").text

    assert to(page, "@heron") == [f"{X}/heron"]
    assert to(page, "a.example") == ["https://t.co/a"]
    assert to(page, "#مرحب") == [f"{X}/hashtag/%D9%85%D8%B1%D8%AD%D8%A8"]


# The time


def test_the_time_leads_to_the_tweet_at_twitter_and_so_does_the_link_beside_it(shown):
    said = shown({})

    assert to(said, "1 May 2020") == to(said, "View on Twitter") == [f"{X}/i/web/status/10"]
    beside = r'class="when".*?</a></li>\s*<li><a [^>]+>View on Twitter</a></li>'
    assert re.search(beside, said, re.DOTALL)


def test_a_tweet_without_a_time_leads_there_too(shown):
    assert to(shown({"created_at": None}), "Undated") == [f"{X}/i/web/status/10"]


def test_our_pages_of_a_tweet_and_its_author_are_named_apart(shown):
    said = shown({"author_id": "1002"})

    ours = said[said.index(f"<li>On {APP_NAME}:") :].partition("</li>")[0]
    assert links(ours) == [("/tweets/10", "this Tweet"), ("/people/id/1002", "@robin")]


def test_a_tweets_own_page_does_not_lead_to_itself(signed_in, twitter):
    includes = {"users": [WREN, ROBIN]}
    twitter.get("/tweets/10", json={"data": tweet(), "includes": includes})
    twitter.get("/tweets/11", json={"data": tweet(id="11", author_id="1002"), "includes": includes})

    mine, theirs = (article(signed_in.get(f"/tweets/{number}").text) for number in (10, 11))

    assert f"On {APP_NAME}" not in mine
    assert [href for href, _ in links(theirs) if href.startswith("/")] == ["/people/id/1002"]


def test_an_edited_tweet_says_so_and_leads_to_the_live_one(shown):
    said = shown({"edit_history_tweet_ids": ["9", "10", "12"]})

    assert to(said, "1 May 2020 , edited") == [f"{X}/i/web/status/12"]
    assert to(said, "View on Twitter") == [f"{X}/i/web/status/12"]


# Reposts, replies and quotes


def test_a_retweet_names_who_retweeted_with_the_mark_and_a_link(shown):
    retweet = {"referenced_tweets": [{"type": "retweeted", "id": "9"}]}
    said = shown(retweet, tweets=[tweet(id="9", author_id="1002", text="By Robin")])

    context = re.search(r'<p class="context".*?</p>', said, re.DOTALL)[0]
    assert context.index("<svg") < context.index(f'href="{X}/') < context.index("retweeted")
    assert to(context, f"{WREN['name']} @{WREN['username']}") == [f"{X}/{WREN['username']}"]
    assert f"{X}/i/web/status/9" in to(said, "View on Twitter")


def test_a_quoted_tweet_is_shown_by_the_same_rules(shown):
    quote = {"referenced_tweets": [{"type": "quoted", "id": "9"}]}
    said = shown(quote, tweets=[tweet(id="9", author_id="1002", text="שלום")])

    card = said[said.index('<article class="quoted"') :].partition("</article>")[0]
    assert '<header dir="rtl">' in card
    assert re.search(rf'<a class="who" href="{X}/robin"[^>]*>\s*<img class="avatar"', card)
    assert to(card, "Robin Redbreast @robin") == [f"{X}/robin"]
    assert to(card, "1 May 2020") == to(card, "View on Twitter") == [f"{X}/i/web/status/9"]


def test_a_tweet_has_no_button(shown):
    said = shown({"public_metrics": {"like_count": 3, "retweet_count": 2}})

    assert "<b>2</b> retweets" in said
    assert not re.search("<(form|button|input)", said)


# The mark


@pytest.mark.parametrize("path", TOUCHED)
def test_the_logo_of_x_is_on_each_timeline(signed_in, twitter, path):
    mine = {"data": [tweet()], "includes": {"users": [WREN]}}
    for answered in (LIVE.tweets, "/tweets"):
        twitter.get(answered, json=mine)
    twitter.get("/users/1001", json={"data": WREN})

    page = signed_in.get(path).text

    head = re.search(rf"<header>\s*<h2[^>]*>{TOUCHED[path]}</h2>.*?</header>", page, re.DOTALL)[0]
    assert LOGO in head


def test_the_logo_of_x_is_at_the_head_of_one_tweet(signed_in, twitter):
    twitter.get("/tweets/10", json={"data": tweet(), "includes": {"users": [WREN]}})

    page = signed_in.get("/tweets/10").text

    assert LOGO in re.search(r"<h1>Tweet</h1>.*?</div>", page, re.DOTALL)[0]


@pytest.mark.parametrize(
    "path, start", [("/", '<section class="profile'), ("/account", 'aria-labelledby="signed-in')]
)
def test_the_logo_of_x_is_beside_who_is_signed_in(signed_in, path, start):
    page = signed_in.get(path).text

    identity = page[page.index(start) :].partition("</section>")[0]
    assert LOGO in identity
    assert "@wren</bdi>" in identity
    assert "<img" in identity
    assert f'href="{X}/wren"' in identity


def test_the_sandbox_has_the_links_and_not_the_logo(build_app, kind_twitter, dialect):
    app = build_app(
        TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None, TWITTER_API_URL=dialect.api_url
    )
    client = app.test_client()
    client.sign_in()

    page = client.get("/").text

    assert "all people in it are made up" in page
    assert LOGO not in page
    origin = urlsplit(app.extensions["perch"].dialect.authorize_url)
    assert f"{origin.scheme}://{origin.netloc}/wren" in [href for href, _ in links(page)]
    assert "https://x.com" not in page


def test_short_links_stay_in_the_sandbox(build_app, kind_twitter, dialect):
    """The sandbox sends X's own, and answers them at its own address."""
    app = build_app(
        TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None, TWITTER_API_URL=dialect.api_url
    )
    client = app.test_client()
    client.sign_in()
    text = "https://t.co/word https://t.co.evil.example/"
    urls = [
        {"start": 0, "end": 17, "url": text[:17], "display_url": "ivy.example"},
        {"start": 18, "end": 44, "url": text[18:], "display_url": "evil.example"},
    ]
    kind_twitter.get("/tweets", json={"data": [tweet(text=text, entities={"urls": urls})]})

    page = client.get("/tweets/lookup?ids=10").text

    origin = urlsplit(app.extensions["perch"].dialect.authorize_url)
    assert to(page, "ivy.example") == [f"{origin.scheme}://{origin.netloc}/t.co/word"]
    assert to(page, "evil.example") == ["https://t.co.evil.example/"]


def test_the_front_page_has_one_sign_in(client):
    page = client.get("/").text

    assert re.findall(r"<button[^>]*>([^<]+)</button>", page) == ["Sign in with Twitter"]
    assert '<button class="button">' in page  # the large one, not the quiet one


# The document


def test_every_rule_names_its_test_or_the_operators_duty():
    lines = [line for line in RULES.read_text().splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]

    assert len(rows) > 20
    assert {len(row) for row in rows} == {4}
    open_rows = [row for row in rows if "`test_" not in row[2] and row[2:3] != ["test"]]
    assert [row for row in open_rows if row[3] in {"", "-"}] == []
    assert not re.search(r"\b(TODO|open|later)\b", RULES.read_text())
