"""Looking up what was pasted: ids and links of Tweets."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sections import rows_of
from tests.web.answers import NOTHING, gone, hidden, places, reads, suspended

FIELDS = [("/tweets/lookup", "ids"), *rows_of("LOOK_UPS")]
MANY = [str(1_000_000_000_000_000_000 + number) for number in range(100)]


def tweet(tweet_id):
    return {"id": tweet_id, "text": f"Song number {tweet_id}"}


def asked(twitter):
    """Return the ids of each look-up of Tweets."""
    return [call.request.params["ids"] for call in twitter.calls_to("/tweets")]


def test_ids_and_links_are_read_at_once_and_shown_in_the_order_asked(signed_in, twitter):
    twitter.get("/tweets", json={"data": [tweet("10"), tweet("30"), tweet("20")]})
    typed = "30, https://x.com/wren/status/10?s=20\nmobile.twitter.com/wren/status/20 30"

    page = signed_in.get("/tweets/lookup", query_string={"ids": typed}).text

    assert re.findall(r"Song number (\d+)", page) == ["30", "10", "20"]
    assert asked(twitter) == ["30,10,20"]
    assert f">\n{typed}</textarea>" in unescape(page)


def test_missing_tweets_have_their_places_and_reasons(signed_in, twitter):
    errors = [gone("10"), hidden("20"), suspended("30")]
    twitter.get("/tweets", json={"data": [tweet("40")], "errors": errors})

    page = signed_in.get("/tweets/lookup?ids=10,20,40,30,50").text

    order = places(
        page,
        "This Tweet is gone",
        "This Tweet is protected",
        "Song number 40",
        "The account that wrote this Tweet is suspended.",
        "Twitter does not show this Tweet to us.",
    )
    assert order == sorted(order)
    assert "Tweet 50" in page


def test_a_lookup_error_appears_once(signed_in, twitter):
    twitter.get("/tweets", status=503)

    page = signed_in.get("/tweets/lookup?ids=10,20").text

    assert page.count("Twitter is not answering.") == 1
    assert "Tweet 10" not in page


def test_a_hundred_links_come_by_post_and_leave_as_a_short_address(signed_in, twitter):
    twitter.get("/tweets", json={"data": [tweet(tweet_id) for tweet_id in MANY]})
    links = [f"https://twitter.com/robin/status/{id_}?s=20&t=abcdefghijklmn" for id_ in MANY]

    answer = signed_in.press("/tweets/lookup", ids="\r\n".join(links))
    page = signed_in.get(answer.location).text

    assert answer.status_code == 303
    assert len(answer.location) < 4_000
    assert parse_qs(urlsplit(answer.location).query) == {"ids": [",".join(MANY)]}
    assert page.count("<article") == 100


def test_refreshing_one_look_up_costs_no_call_of_another(signed_in, twitter, clock):
    twitter.get("/tweets", json={"data": [tweet("10")]})
    for ids in ("10", "11"):
        signed_in.get(f"/tweets/lookup?ids={ids}")
    clock.advance(seconds=30)

    answer = signed_in.press("/tweets/lookup?ids=10", refresh="tweets")
    clock.advance(seconds=1)
    signed_in.get("/tweets/lookup?ids=11")

    assert (answer.status_code, answer.location) == (303, "/tweets/lookup?ids=10")
    assert asked(twitter) == ["10", "11", "10"]


def test_refreshing_a_hundred_is_remembered_in_a_small_cookie(signed_in, twitter):
    twitter.get("/tweets", json={"data": [tweet("10")]})

    signed_in.press(f"/tweets/lookup?ids={','.join(MANY)}", refresh="tweets")

    assert len(signed_in.get_cookie("visit-8000", "127.0.0.1").value) < 500


# The forms


@pytest.mark.parametrize("path", sorted({path for path, _ in FIELDS}))
def test_an_empty_form_asks_for_nothing(signed_in, twitter, path):
    answer = signed_in.get(path)

    forms = re.findall(r'<form class="look-up".*?</form>', answer.text, re.DOTALL)
    assert answer.status_code == 200
    assert "aria-invalid" not in answer.text
    assert forms
    for form in forms:
        assert re.search(r'<label for="(\w+)">.*<textarea id="\1"', form, re.DOTALL)
    assert reads(twitter) == []


@pytest.mark.parametrize("path, field", FIELDS)
def test_bad_input_is_named_beside_its_field_and_kept(signed_in, twitter, path, field):
    for typed in ("no-", "https://example.com/wren/status/1", " , "):
        answer = signed_in.get(path, query_string={field: typed})

        page = answer.text
        box = rf'<textarea id="{field}"[^>]*aria-invalid="true">\n([^<]*)</textarea>'
        wrong = rf'<p class="wrong" id="{field}-wrong" role="alert">(.*?)</p>'
        said = unescape(re.search(wrong, page, re.DOTALL)[1])
        assert answer.status_code == 400
        assert unescape(re.search(box, page)[1]) == typed
        assert f'aria-describedby="{field}-wrong {field}-hint"' in page
        assert f">{typed}</bdi>" in said or not typed.strip(" ,")
        assert page.count("aria-invalid") == 1
    assert reads(twitter) == []


def test_only_the_first_culprits_are_named(signed_in):
    page = signed_in.get("/tweets/lookup?ids=a+b+c+d+e").text

    said = re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)[1]
    words = " ".join(re.sub("<[^>]+>", "", said).split())
    assert words == "Not the id or the link of a Tweet: a, b, c, and 2 more"
    assert said.count('<bdi translate="no">') == 3


def test_bad_input_by_post_is_kept_too(signed_in):
    answer = signed_in.press("/tweets/lookup", ids="\nhello <there>")

    assert answer.status_code == 400
    assert ">\n\nhello &lt;there&gt;</textarea>" in answer.text.replace("\r", "")


@pytest.mark.parametrize("path, fields", [("/tweets", {"ids"}), *rows_of("LISTS_WITH_LOOK_UPS")])
def test_lists_offer_to_look_up(signed_in, twitter, path, fields):
    twitter.get(re.compile(".*/users/1001.*"), **NOTHING)

    page = signed_in.get(path).text

    forms = re.findall(rf'method="post" action="{path}/lookup">.*?</form>', page, re.DOTALL)
    assert {re.search(r'<textarea id="(\w+)"', form)[1] for form in forms} == fields
