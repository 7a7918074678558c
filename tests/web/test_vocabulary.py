"""The provider's words, `PROVIDER_NAME`: on every page and in every sentence, never in content."""

import re
from html.parser import HTMLParser

import pytest

from app import error_pages
from app.accounts.sessions import LoggedOut
from app.error_table import PAGES, SIGNED_IN_ALREADY, STILL_SIGNED_IN
from app.gateway.actions import FOLLOW, ActionResult, PendingAction
from app.twitter import errors
from app.twitter.dialect import Permission
from app.twitter.endpoints import ENDPOINTS
from app.web import messages
from app.web.vocabulary import worded
from tests.dialects import in_both_dialects
from tests.sections import table_of
from tests.tree import ROOT, files
from tests.web.answers import LIMITED, NOT_GRANTED, NOT_IN_PLAN
from tests.web.test_hostile_content import FIRST, ME, fill

# Content, which is never translated: it stands in every name, Tweet and title of these tests.
CONTENT = "Tweet of Twitter, a Retweet on X"
# The words of the other name.
FOREIGN = {
    "Twitter": re.compile(r"\bPosts?\b|\b[Rr]epost\w*|\bX\b"),
    "X": re.compile(r"twitter|tweet|\ba X\b|\ban Post", re.IGNORECASE),
}
SCOPE = re.compile(r"[a-z.]+\.(?:read|write)")
OWN = {"Twitter": ("Twitter", "Tweets"), "X": ("X", "Posts")}
both_names = pytest.mark.parametrize("provider", FOREIGN)
# The addresses of pages that are about one thing, or about what was asked for.
ADDRESSES = {
    "pages.tweet": ["/tweets/10"],
    "pages.tweets_lookup": ["/tweets/lookup?ids=10,11", "/tweets/lookup?ids=?"],
    "pages.people": [f"/people?who={FIRST},11,@robin", "/people?who=?"],
    "pages.person": ["/people/robin"],
    "pages.person_by_id": [f"/people/id/{ME}"],
    **table_of("ADDRESSES"),
}
FILES = {"static", "pages.export"}


class Words(HTMLParser):
    """All that a person reads or hears on a page."""

    SPOKEN = ("aria-label", "alt", "title", "content", "placeholder", "value")

    def __init__(self, page):
        super().__init__()
        self.said, self.silent = [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.silent += tag in {"code", "script", "style"}
        hidden = ("type", "hidden") in attrs
        self.said += [text for name, text in attrs if name in self.SPOKEN and text and not hidden]

    def handle_endtag(self, tag):
        self.silent -= tag in {"code", "script", "style"}

    def handle_data(self, data):
        if not self.silent:
            self.said.append(data)


def foreign(provider, text):
    """Return the lines of a page in which the other provider's words stand, but for content."""
    lines = (SCOPE.sub("", line.replace(CONTENT, "")) for line in Words(text).said)
    return [" ".join(line.split()) for line in lines if FOREIGN[provider].search(line)]


def pages_of(app):
    """Return the address of every page, a new one's too."""
    rules = [one for one in app.url_map.iter_rules() if "GET" in one.methods]
    shown = [r for r in rules if r.endpoint.startswith("pages.") and r.endpoint not in FILES]
    return [
        path for rule in shown for path in [*ADDRESSES.get(rule.endpoint, ()), rule.rule]
        if "<" not in path
    ]  # fmt: skip


@pytest.fixture
def build(build_app):
    return lambda provider, **settings: build_app(PROVIDER_NAME=provider, **settings)


@in_both_dialects
@both_names
def test_every_page_speaks_in_the_words_of_its_name(build, twitter, provider):
    app = build(provider)
    client = app.test_client()
    fill(twitter, [f"Birds: {CONTENT}"])
    paths = [*pages_of(app), "/nowhere"]
    pages = {f"signed out {path}": client.get(path, follow_redirects=True).text for path in paths}
    client.sign_in()
    pages |= {path: client.get(path).text for path in paths}
    pages["allow"] = client.press("/follows", user_id=str(FIRST), next="/").text
    pages["unsure"] = client.press("/account/disconnect").text

    assert {path: foreign(provider, page) for path, page in pages.items()} == {
        path: [] for path in pages
    }
    words = "".join(Words(pages["/"]).said)
    assert all(re.search(rf"\b{word}\b", words) for word in OWN[provider])
    assert CONTENT in words


@both_names
def test_every_template_is_written_in_the_words_of_its_name(build, provider):
    """Also where no page of the tests comes; identifiers are spelled with a small letter."""
    env = build(provider).jinja_env
    foreign = {"Twitter": FOREIGN["Twitter"], "X": re.compile("Twitter|Tweet|[Rr]etweet")}[provider]

    found = [
        (path.name, token.value)
        for path in files(ROOT / "templates", "*.html")
        for token in env._tokenize(path.read_text(), path.name)
        if token.type in {"data", "string"} and foreign.search(token.value)
        if token.value != "reposts"  # a class of the style sheet
    ]

    assert found == []


@both_names
def test_every_error_page_speaks_in_the_words_of_its_name(build, provider):
    app = build(provider)
    errors_without = [errors.PermissionMissing("x"), Exception()]
    with app.test_request_context("/follows"):
        app.preprocess_request()
        shown = [
            error_pages._body(page, error, None)
            for page in [*PAGES.values(), SIGNED_IN_ALREADY, STILL_SIGNED_IN]
            for error in errors_without
        ]

    assert [foreign(provider, page) for page in shown if foreign(provider, page)] == []


def sentences():
    """Return every sentence of Python that a page can show."""
    kinds = [kind for kind in messages.ERRORS if issubclass(kind, errors.TwitterError)]
    pending = PendingAction(action=FOLLOW, target_id="1002", username="Tweet_Twitter")
    now = messages.services().now()
    for result in [*ActionResult, *(kind("x") for kind in kinds)]:
        yield messages.action_message(pending, result, now=now)
    for permission in Permission:
        yield messages.permission_words(permission)
        yield messages.permission_purpose(permission)
    for sessions, ended, kept in [
        (0, False, False),
        (1, True, False),
        (1, False, False),
        (1, True, True),
    ]:
        yield messages.logged_out(LoggedOut(sessions=sessions, grant_ended=ended, kept=kept))
    yield from (worded(endpoint.label) for endpoint in ENDPOINTS)


@both_names
def test_every_sentence_speaks_in_the_words_of_its_name(build, provider):
    with build(provider).test_request_context("/"):
        said = list(sentences())
        refused = messages.action_message(
            PendingAction(action=FOLLOW, target_id="1002", username="Tweet"),
            ActionResult.NOT_DONE,
            now=messages.services().now(),
        )

    bare = [sentence.replace("@Tweet_Twitter", "") for sentence in said]
    assert [sentence for sentence in bare if FOREIGN[provider].search(sentence)] == []
    assert refused == f"{provider} did not let you follow @Tweet."


@both_names
@pytest.mark.parametrize("answer", [LIMITED, NOT_GRANTED, NOT_IN_PLAN, {"status": 401}])
def test_every_trouble_of_a_panel_speaks_in_the_words_of_its_name(
    build, kind_twitter, provider, answer
):
    for path in (f"/users/{ME}/tweets", f"/users/{ME}/following"):
        kind_twitter.get(path, **answer)
    client = build(provider).test_client()
    client.sign_in()

    pages = [client.get(path).text for path in ("/tweets", "/follows")]

    assert [foreign(provider, page) for page in pages] == [[], []]
    assert all(re.search(rf'role="note">\s*<p>[^<]*\b{provider}\b', page) for page in pages)


@both_names
def test_what_was_typed_comes_back_as_it_was(build, kind_twitter, provider):
    client = build(provider).test_client()
    client.sign_in()

    page = client.get("/tweets/lookup", query_string={"ids": "Tweets-of-Twitter"}).text

    assert page.count("Tweets-of-Twitter") == 2
    thing = {"Twitter": "Tweet", "X": "Post"}[provider]
    assert f"Not the id or the link of a {thing}:" in page


@pytest.mark.parametrize("provider", FOREIGN)
def test_the_name_of_the_site_is_the_operators(build, provider):
    page = build(provider, APP_NAME="Retweet & Tweet").test_client().get("/").text

    assert '<span translate="no">Retweet &amp; Tweet</span>' in page


def test_words_are_translated_whole(build):
    with build("X").app_context():
        assert worded("Twitter's Tweets, retweeted") == "X's Posts, reposted"
        assert worded("TWITTER_API_URL /tweets twitter.com Tweety") == (
            "TWITTER_API_URL /tweets twitter.com Tweety"
        )
