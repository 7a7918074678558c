"""Hostile names, texts and addresses on every page: shown as text, leading nowhere."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from tests.factories import API_URL, ME_URL, TOKEN_URL, token_answer
from tests.hostile import ADDRESSES, OUR_TAGS, PAYLOADS

ME = "1001"
PAGES = [
    "/",
    "/tweets",
    "/follows",
    "/follows/followers",
    f"/people?who={ME}",
    f"/people/id/{ME}",
    "/spaces",
    "/account",
]

# fmt: off
OUR_ACTIONS = {
    "/", "/auth/login", "/auth/logout", "/tweets", "/tweets/lookup", "/follows",
    "/follows/followers", f"/follows/{ME}/delete", "/people", f"/people/id/{ME}", "/spaces",
    "/spaces/lookup",
}
# fmt: on


class Seen(HTMLParser):
    """What a browser would make of a page: its tags, attributes and text. Not our own scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag != "script" or not attrs.get("src", "").startswith("/static/"):
            self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text += data

    def values(self, *names):
        return [attrs[name] for _, attrs in self.tags for name in names if name in attrs]

    def shape(self):
        """Tag by tag, without what the tags say."""
        return [tag for tag, _ in self.tags]


def person(payload, address, number=1001):
    spot = {"start": 0, "end": 2}
    return {
        "id": str(number),
        "username": payload,
        "name": payload,
        "description": payload,
        "location": payload,
        "url": address,
        "profile_image_url": address,
        "entities": {
            "url": {"urls": [{**spot, "expanded_url": address, "display_url": payload}]},
            "description": {
                "urls": [{**spot, "expanded_url": address, "display_url": payload}],
                "mentions": [{"start": 2, "end": 4, "username": payload}],
                "hashtags": [{"start": 4, "end": 6, "tag": payload}],
            },
        },
    }


def tweet(payload, address):
    spot = {"start": 0, "end": 2}
    return {
        "id": "10",
        "text": payload,
        "author_id": ME,
        "created_at": payload,
        "attachments": {"media_keys": ["3_1"]},
        "entities": {
            "urls": [{**spot, "url": address, "expanded_url": address, "display_url": payload}],
            "mentions": [{"start": 2, "end": 4, "username": payload}],
        },
    }


def space(payload, state):
    return {
        "id": "1DXxyRYNejbKM",
        "state": state,
        "title": payload,
        "host_ids": [ME],
        "scheduled_start": payload,
    }


def fill(twitter, payload, address):
    """Let every answer of Twitter carry the payload wherever there is room for it."""
    who = person(payload, address)
    picture = {"media_key": "3_1", "type": payload, "url": address, "alt_text": payload}
    includes = {"users": [who], "media": [picture]}
    spaces = [space(payload, "live"), space(payload, "scheduled"), space(payload, payload or "x")]
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json={"data": who})
    twitter.get(
        f"{API_URL}/users/{ME}/tweets",
        json={"data": [tweet(payload, address)], "includes": includes},
    )
    for name in ("following", "followers"):
        twitter.get(f"{API_URL}/users/{ME}/{name}", json={"data": [who]})
    twitter.get(f"{API_URL}/users", json={"data": [who]})
    twitter.get(f"{API_URL}/users/{ME}", json={"data": who})
    twitter.get(f"{API_URL}/spaces/by/creator_ids", json={"data": spaces, "includes": includes})


def look(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_only_text(client, twitter, payload):
    fill(twitter, payload, "https://example.com/x")
    client.sign_in()

    for path in PAGES:
        seen = look(client, path)

        assert set(seen.shape()) <= OUR_TAGS
        assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
        assert not seen.values("style", "srcdoc", "formaction")
        assert {urlsplit(url).path for url in seen.values("action", "data-hx-post")} <= OUR_ACTIONS


@pytest.mark.parametrize("payload", PAYLOADS[:12])
def test_hostile_text_does_not_change_the_shape_of_a_page(build_app, twitter, payload):
    fill(twitter, payload, "https://example.com/x")
    client = build_app().test_client()
    client.sign_in()
    hostile = {path: look(client, path).shape() for path in PAGES}
    twitter.reset()
    fill(twitter, "~" * len(payload), "https://example.com/x")
    client.sign_in()

    harmless = {path: look(client, path).shape() for path in PAGES}

    assert hostile == harmless


@pytest.mark.parametrize("address", ADDRESSES)
def test_hostile_addresses_lead_nowhere(client, twitter, address):
    fill(twitter, "Wren", address)
    client.sign_in()

    for path in PAGES:
        seen = look(client, path)

        links = [urlsplit(url) for url in seen.values("href", "src")]
        assert {link.scheme for link in links} <= {"", "https"}
        assert {link.netloc for link in links} <= {"", "x.com"}
        assert "evil.example" not in " ".join(seen.values("href", "src"))


def test_hostile_names_are_isolated(client, twitter):
    fill(twitter, "\u202eevil", "https://example.com/x")
    client.sign_in()

    for path in PAGES:
        page = client.get(path).text

        # An override ends with its element: nothing foreign stands in the open.
        assert page.count("\u202e") > 0
        for before in re.findall(r"(<[^>]*>)[^<]*\u202e", page):
            assert re.match(r'<bdi|<p [^>]*dir="auto"', before), before


def test_twitters_escaping_is_undone_once(client, twitter):
    fill(twitter, "&amp;lt;b&amp;gt; &amp;", "https://example.com/x")
    client.sign_in()

    seen = look(client, "/tweets")

    assert "lt;b&gt; &" in seen.text


def test_foreign_links_say_that_they_are_foreign(client, twitter):
    fill(twitter, "wren", "https://example.com/x")
    client.sign_in()

    for path in PAGES:
        foreign = [
            attrs
            for tag, attrs in look(client, path).tags
            if tag == "a" and urlsplit(attrs["href"]).netloc not in {"", "x.com"}
        ]

        assert all(attrs["rel"] == "noopener noreferrer nofollow ugc" for attrs in foreign)


def test_pictures_tell_nobody_who_is_looking(client, twitter):
    fill(twitter, "wren", "https://pbs.twimg.com/1.jpg")
    client.sign_in()

    pictures = [attrs for tag, attrs in look(client, "/").tags if tag == "img"]

    assert pictures
    for attrs in pictures:
        assert attrs["referrerpolicy"] == "no-referrer"
        assert {"alt", "width", "height"} <= attrs.keys()
