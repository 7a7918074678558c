"""Hostile names, texts and addresses on every page: shown as text, leading nowhere.

All payloads stand on one page, where it is one of many things; where it is one of one, they stand
in its text, one after the other.
"""

import re
from urllib.parse import urlsplit

import pytest

from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, token_answer
from tests.hostile import ADDRESSES, PAYLOADS, Seen, harmless
from tests.sections import all_of, rows_of, table_of

ME, FIRST = "1001", 1002
MANY = ",".join(str(FIRST + number) for number in range(len(PAYLOADS)))
TYPED = "".join(PAYLOADS).replace("\ud83d", "")
PAGES = [
    "/",
    "/tweets",
    "/tweets/10",
    f"/tweets/lookup?ids={MANY},11",
    "/follows",
    "/follows/followers",
    f"/people?who={MANY}",
    f"/people/id/{ME}",
    *rows_of("HOSTILE_PAGES"),
    "/account",
]
# Each with the field for what is typed there.
FIELDS = {"/people": "who", "/tweets/lookup": "ids", **table_of("HOSTILE_FIELDS")}


def person(payload, address, user_id):
    spot = {"start": 0, "end": 2}
    link = {**spot, "expanded_url": address, "display_url": payload}
    return {
        "id": user_id,
        "username": payload,
        "name": payload,
        "description": payload,
        "location": payload,
        "url": address,
        "profile_image_url": address,
        "profile_banner_url": address,
        "entities": {
            "url": {"urls": [link]},
            "description": {
                "urls": [link],
                "mentions": [{"start": 2, "end": 4, "username": payload}],
                "hashtags": [{"start": 4, "end": 6, "tag": payload}],
            },
        },
    }


def tweet(payload, address, number, user_id):
    """Return a Tweet with all that can be in it, but for a quoted Tweet the same once more."""
    link = {"start": 0, "end": 2, "url": address, "expanded_url": address, "display_url": payload}
    return {
        "id": str(number),
        "text": payload,
        "author_id": user_id,
        "created_at": payload,
        "attachments": {"media_keys": [f"3_{user_id}"], "poll_ids": [user_id]},
        "entities": {
            "urls": [link],
            "mentions": [{"start": 2, "end": 4, "username": payload}],
        },
        "referenced_tweets": [{"type": "quoted", "id": "9"}],
        "public_metrics": {"like_count": 1},
    }


def fill(twitter, texts, addresses=("https://example.com/x",)):
    """Let every answer of Twitter carry the texts wherever there is room for them."""
    each = [
        (text, addresses[number % len(addresses)], str(FIRST + number))
        for number, text in enumerate(texts)
    ]
    all_texts, address = "".join(texts), addresses[0]
    me = person(all_texts, address, ME)
    people = [person(*one) for one in each]
    tweets = [tweet(text, to, user_id, user_id) for text, to, user_id in each]
    one_tweet = tweet(all_texts, address, 10, ME)
    includes = {
        "users": [me, *people],
        "tweets": [tweet(all_texts, address, 9, ME)],
        "media": [
            {"media_key": f"3_{user_id}", "type": text, "url": to, "alt_text": text}
            for text, to, user_id in [*each, (all_texts, address, ME)]
        ],
        "polls": [
            {"id": user_id, "options": [{"label": text, "votes": 1}], "end_datetime": text}
            for text, _, user_id in [*each, (all_texts, address, ME)]
        ],
    }
    error = {"value": "11", "title": all_texts, "detail": all_texts, "type": all_texts}
    several = {"includes": includes, "errors": [error]}
    twitter.post(TOKEN_PATH, json=token_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(ME_PATH, json={"data": me})
    twitter.get(f"/users/{ME}", json={"data": me})
    twitter.get(f"/users/{FIRST}", json={"data": people[0]})
    twitter.get(f"/users/{ME}/tweets", json={"data": tweets, **several})
    for path in ("/users", f"/users/{ME}/following", f"/users/{ME}/followers"):
        twitter.get(path, json={"data": people, "errors": [error]})
    twitter.get("/tweets/10", json={"data": one_tweet, "includes": includes})
    twitter.get("/tweets", json={"data": tweets, **several})
    for fill_section in all_of("fill"):
        fill_section(twitter, each, all_texts, several)


@pytest.fixture
def walk(build_app, twitter, clock):
    """Open every page while Twitter says these things, in an app that remembers nothing else."""

    def walk(texts, addresses=("https://example.com/x",)):
        twitter.reset()
        fill(twitter, texts, addresses)
        client = build_app().test_client()
        client.sign_in()
        for _ in range(2):  # the second time from memory
            pages = {path: client.get(path) for path in PAGES}
        pages["POST /follows"] = client.press("/follows", user_id=str(FIRST))
        client.press("/account/disconnect", sure="yes")  # the account page tells of this alone
        client.application.extensions["perch"].outbox.wait(seconds=5)
        clock.advance(seconds=60)  # an ending holds for a moment against other browsers
        assert {page.status_code for page in pages.values()} == {200}
        return {path: Seen(page.text) for path, page in pages.items()}

    return walk


def test_hostile_text_is_only_text(walk):
    hostile = walk(PAYLOADS)
    expected = walk([harmless(payload) for payload in PAYLOADS])

    structures = {path: seen.structure() for path, seen in hostile.items()}
    assert structures == {path: seen.structure() for path, seen in expected.items()}
    shown = {path for path, seen in hostile.items() if PAYLOADS[0] in seen.text}
    assert shown == hostile.keys()


@pytest.mark.parametrize("path", FIELDS)
def test_hostile_input_is_only_text(signed_in, path):
    pages = [
        signed_in.get(path, query_string={FIELDS[path]: typed})
        for typed in (TYPED, harmless(TYPED))
    ]

    hostile, expected = [Seen(page.text) for page in pages]
    assert [page.status_code for page in pages] == [400, 400]
    assert hostile.structure() == expected.structure()
    assert PAYLOADS[0] in hostile.text + "".join(hostile.values("value"))


def test_hostile_next_stays_inside_its_field(client):
    hostile, expected = [
        Seen(client.get("/", query_string={"next": text}).text) for text in (TYPED, harmless(TYPED))
    ]

    assert hostile.structure() == expected.structure()
    assert PAYLOADS[0] in "".join(hostile.values("value"))


def test_hostile_addresses_lead_nowhere(walk):
    pages = walk(["Wren"] * len(ADDRESSES), ADDRESSES)

    links = [link for seen in pages.values() for link in seen.values("href", "src")]
    assert {urlsplit(link).scheme for link in links} == {"", "https"}
    assert {urlsplit(link).netloc for link in links} == {"", "x.com"}
    assert "evil.example" not in " ".join(links)


def test_hostile_names_are_isolated(client, twitter):
    fill(twitter, ["\u202eevil"])
    client.sign_in()

    for path in PAGES * 2:
        page = client.get(path).text

        # An override ends with its element: nothing foreign stands in the open.
        before = re.findall(r"(<[^>]*>)[^<]*\u202e", page)
        assert before, path
        assert [tag for tag in before if not re.match(r'<bdi|<p [^>]*dir="auto"', tag)] == []


def test_foreign_links_say_that_they_are_foreign(walk):
    pages = walk(["wren"])

    foreign = [
        attrs["rel"]
        for seen in pages.values()
        for tag, attrs in seen.elements
        if tag == "a" and urlsplit(attrs["href"]).netloc == "example.com"
    ]
    assert set(foreign) == {"noopener noreferrer nofollow ugc"}


def test_foreign_pictures_are_fetched_without_a_referrer(walk):
    pages = walk(["wren"], ["https://pbs.twimg.com/1.jpg"])

    pictures = [
        attrs
        for seen in pages.values()
        for tag, attrs in seen.elements
        if tag == "img" and attrs["src"].startswith("https:")
    ]
    assert {attrs.get("referrerpolicy") for attrs in pictures} == {"no-referrer"}
    assert all({"alt", "width", "height"} <= attrs.keys() for attrs in pictures)
