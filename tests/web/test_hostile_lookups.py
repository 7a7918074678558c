"""Hostile texts and addresses where one Tweet or Space is shown, or many that were looked up."""

from urllib.parse import urlsplit

import pytest

from tests.factories import API_URL
from tests.hostile import ADDRESSES, OUR_TAGS, PAYLOADS
from tests.web.test_hostile_content import fill, look, person, space, tweet

SPACE_ID = "1DXxyRYNejbKM"
PAGES = [
    "/tweets/10",
    "/tweets/lookup?ids=10,11",
    f"/spaces/{SPACE_ID}",
    f"/spaces/lookup?ids={SPACE_ID},2",
    "/spaces/lookup?creators=1001",
]
TAGS = OUR_TAGS | {"label", "meter", "textarea"}


def fill_lookups(twitter, payload, address):
    """Let the answers to look-ups carry the payload: in a quote, a poll and a problem, too."""
    fill(twitter, payload, address)
    option = {"position": 1, "label": payload, "votes": 1}
    everything = {
        "users": [person(payload, address)],
        "media": [{"media_key": "3_1", "type": "video", "preview_image_url": address}],
        "tweets": [tweet(payload, address) | {"id": "9"}],
        "polls": [{"id": "3", "options": [option], "end_datetime": payload}],
    }
    one = tweet(payload, address) | {
        "attachments": {"media_keys": ["3_1"], "poll_ids": ["3"]},
        "referenced_tweets": [{"type": "quoted", "id": "9"}],
    }
    other = space(payload, "ended") | {"speaker_ids": ["1001"], "ended_at": payload}
    error = {"value": "11", "title": payload, "detail": payload, "type": payload}
    with_error = {"includes": everything, "errors": [error]}
    twitter.get(f"{API_URL}/tweets/10", json={"data": one, "includes": everything})
    twitter.get(f"{API_URL}/tweets", json={"data": [one], **with_error})
    twitter.get(f"{API_URL}/spaces/{SPACE_ID}", json={"data": other, "includes": everything})
    twitter.get(f"{API_URL}/spaces", json={"data": [other], **with_error})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_only_text(client, twitter, payload):
    fill_lookups(twitter, payload, "https://example.com/x")
    client.sign_in()

    for path in PAGES:
        seen = look(client, path)

        assert set(seen.shape()) <= TAGS
        assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
        assert not seen.values("style", "srcdoc", "formaction")
        assert {urlsplit(url).netloc for url in seen.values("action")} == {""}


@pytest.mark.parametrize("payload", PAYLOADS[:6])
def test_hostile_text_does_not_change_the_shape_of_a_page(build_app, twitter, payload):
    fill_lookups(twitter, payload, "https://example.com/x")
    client = build_app().test_client()
    client.sign_in()
    hostile = {path: look(client, path).shape() for path in PAGES}
    twitter.reset()
    fill_lookups(twitter, "~" * len(payload), "https://example.com/x")
    client.sign_in()

    harmless = {path: look(client, path).shape() for path in PAGES}

    assert hostile == harmless


@pytest.mark.parametrize("address", ADDRESSES)
def test_hostile_addresses_lead_nowhere(client, twitter, address):
    fill_lookups(twitter, "Wren", address)
    client.sign_in()

    for path in PAGES:
        seen = look(client, path)

        assert {urlsplit(url).netloc for url in seen.values("href", "src")} <= {"", "x.com"}
        assert "evil.example" not in " ".join(seen.values("href", "src"))
